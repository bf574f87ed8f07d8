/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate_limit.h"

enum { BURST_US = 1000000 };

void scb_rate_limit_begin(struct scb_rate_limit *limit, int64_t per_minute)
{
    *limit = (struct scb_rate_limit){.per_minute = per_minute,
                                     .spacing_us = per_minute > 0 ? 60000000 / per_minute : 0};
}

int64_t scb_rate_limit_wait(const struct scb_rate_limit *limit, int64_t now_ms)
{
    int64_t now_us = now_ms * 1000;
    return limit->next_us > now_us ? (limit->next_us - now_us + 999) / 1000 : 0;
}

void scb_rate_limit_take(struct scb_rate_limit *limit, int64_t now_ms)
{
    if (limit->per_minute == 0)
        return;
    /* What was not used is kept for at most BURST_US, else a long rest allows a flood. */
    int64_t oldest = now_ms * 1000 - BURST_US;
    limit->next_us = (limit->next_us < oldest ? oldest : limit->next_us) + limit->spacing_us;
}

void scb_rate_limit_pause(struct scb_rate_limit *limit, int64_t until_ms)
{
    if (limit->next_us < until_ms * 1000)
        limit->next_us = until_ms * 1000;
}
