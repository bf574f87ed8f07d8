/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket that answers "how long to wait". Time is handed in.
 */
#ifndef SCB_NET_RATE_LIMIT_H
#define SCB_NET_RATE_LIMIT_H

#include <stdint.h>

struct scb_rate_limit {
    int64_t per_minute; /* 0: no limit */
    int64_t spacing_us; /* between two requests, on average */
    int64_t next_us;    /* when the bucket would be full again, less its burst */
};

/* A bucket that lets per_minute requests a minute through, in bursts of at most a second's. */
void scb_rate_limit_begin(struct scb_rate_limit *limit, int64_t per_minute);

/* How many ms until a request may leave; 0 = now. */
int64_t scb_rate_limit_wait(const struct scb_rate_limit *limit, int64_t now_ms);

/* A request leaves now. */
void scb_rate_limit_take(struct scb_rate_limit *limit, int64_t now_ms);

/* The server said to wait: nothing leaves before until_ms. */
void scb_rate_limit_pause(struct scb_rate_limit *limit, int64_t until_ms);

#endif
