/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether backups can be made, looked at piece by piece.
 */
#ifndef SCB_HEALTH_H
#define SCB_HEALTH_H

#include <stdint.h>

#include "scb/error.h"

#pragma GCC visibility push(default)

/* UNKNOWN: it could not be looked at, since something before it is not well. */
enum scb_health_state { SCB_HEALTH_OK, SCB_HEALTH_WARN, SCB_HEALTH_FAIL, SCB_HEALTH_UNKNOWN };

/* "ok", "warn", "fail", "unknown". */
const char *scb_health_state_name(enum scb_health_state state);

struct scb_health_check {
    const char *name; /* "database" */
    enum scb_health_state state;
    char target[256];       /* what was looked at, without secrets; "" where the name says it */
    char detail[512];       /* what was seen, for people */
    int64_t latency_ms;     /* of endpoints; -1: none */
    struct scb_error error; /* of FAIL, and of WARN where there is one */
};

/* Called for each check, in order. The check is borrowed. */
typedef void (*scb_health_visitor)(void *state, const struct scb_health_check *check);

#pragma GCC visibility pop

#endif
