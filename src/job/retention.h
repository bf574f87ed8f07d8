/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backups a policy lets go, which it keeps, and why: a pure function over a list. It removes
 * nothing (job/cleanup does) and knows neither files nor locks.
 */
#ifndef SCB_JOB_RETENTION_H
#define SCB_JOB_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/maintenance.h"

struct scb_retention_item {
    char backup_date[24];
    enum scb_backup_state state;
    bool held;
    bool whole; /* completed, and its archive is on the disk: only such a one counts as a backup */
    int64_t total_keys;  /* -1: not known */
    int64_t total_pages; /* the same */
    uint64_t bytes;
    /* The answer: */
    bool remove;
    char reason[64];
};

/* Decides on every item; they are given newest first, their dates valid. */
void scb_retention_decide(const struct scb_retention_policy *policy, int64_t now_ms,
                          struct scb_retention_item *items, size_t count);

/*
 * IntegrityError where the newest whole backup has fewer than half the keys of the one before:
 * removing the older ones could remove what the contract has lost.
 */
SCB_MUST_CHECK enum scb_status scb_retention_check_shrunk(const struct scb_retention_item *items,
                                                          size_t count, struct scb_error *error);

#endif
