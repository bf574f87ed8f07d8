/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often one address may ask: what everybody may have, which is cheap; requests of the API,
 * those that change something, and refusals (which are audited).
 */
#ifndef SCB_WEB_LIMITS_H
#define SCB_WEB_LIMITS_H

#include <stdint.h>

#include "scb/error.h"

enum scb_web_limit {
    SCB_WEB_LIMIT_OPEN,
    SCB_WEB_LIMIT_REQUEST,
    SCB_WEB_LIMIT_ORDER,
    SCB_WEB_LIMIT_REFUSED,
    SCB_WEB_LIMITS,
};

struct scb_web_limits;

SCB_MUST_CHECK enum scb_status scb_web_limits_new(struct scb_web_limits **ret_limits,
                                                  struct scb_error *error);
void scb_web_limits_free(struct scb_web_limits *limits);

/* Counts one and says 0, or how many seconds the client has to wait. */
int64_t scb_web_limits_take(struct scb_web_limits *limits, const uint8_t address[16],
                            enum scb_web_limit limit, int64_t now_ms);

#endif
