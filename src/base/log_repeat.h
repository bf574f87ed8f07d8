/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which log lines are one too many: the same line over and over within a minute is counted instead.
 * Only arithmetic; the log writes what comes of it.
 */
#ifndef SCB_BASE_LOG_REPEAT_H
#define SCB_BASE_LOG_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SCB_REPEAT_LIMIT = 20, /* lines that are alike, in a minute */
    SCB_REPEAT_SLOTS = 64,
    SCB_REPEAT_MESSAGE = 96,
};

struct scb_repeat {
    uint64_t key;     /* of message and fields */
    int64_t since_ms; /* when its minute began, monotonic */
    uint32_t seen;    /* 0: the slot is free */
    uint32_t held;    /* of them not written */
    int level;
    char message[SCB_REPEAT_MESSAGE];
};

/* {0} is one that has seen nothing. */
struct scb_repeats {
    struct scb_repeat slots[SCB_REPEAT_SLOTS];
};

/* Whether to write a line now. More different lines at a time than there are slots are written. */
bool scb_repeats_admit(struct scb_repeats *repeats, uint64_t key, int level, const char *message,
                       int64_t now_ms);

/* Takes out one whose minute is over (all: any) and of which lines were held back; false: none. */
bool scb_repeats_take(struct scb_repeats *repeats, bool all, int64_t now_ms,
                      struct scb_repeat *ret_repeat);

#endif
