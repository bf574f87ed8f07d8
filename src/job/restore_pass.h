/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way through the backup, comparing each entry with the target: to plan what there is to do,
 * or to do it. For job/restore.
 */
#ifndef SCB_JOB_RESTORE_PASS_H
#define SCB_JOB_RESTORE_PASS_H

#include "job/backup_reader.h"
#include "job/fingerprints.h"
#include "job/journal.h"
#include "job/restore.h"
#include "source/sender.h"

enum { SCB_RESTORE_SAMPLES = 48 };

struct scb_restore_pass {
    const struct scb_restore_parts *parts;
    const struct scb_restore_settings *settings;
    struct scb_backup_reader *reader; /* borrowed; gone through from its begin */
    struct scb_fingerprints *target;
    struct scb_journal *journal; /* NULL: none */
    struct scb_address account;
    uint64_t chain_id;
    scb_wei spent; /* of max_total_cost, before this pass */
    bool plans;    /* else it sends */
    int64_t began_ms;

    /* the pass's own */
    uint64_t next_index;
    uint8_t create_selector[4], edit_selector[4];
    struct scb_buffer data, fallback;
    struct scb_signed recorded;
    uint64_t to_do, done; /* for progress */
    int64_t shown_ms, logged_ms;
    uint64_t total, create, edit, equal;
    struct scb_restore_refusals refusals;
    /* What gas the creates need is known of some, and of all by the size of what they store. */
    uint64_t stride, samples;
    struct {
        uint64_t index, weight;
    } sampled[SCB_RESTORE_SAMPLES];
    uint64_t sampled_gas, sampled_weight, weight, edit_gas;
    char create_refusal[200]; /* of a sample */
};

/* Goes through the backup and fills in the counts; what is sent adds to *totals. */
SCB_MUST_CHECK enum scb_status scb_restore_pass_run(struct scb_restore_pass *pass,
                                                    scb_wei max_total_cost,
                                                    struct scb_sender_totals *ret_totals,
                                                    struct scb_error *error);
/* Sends again what is recorded and is not mined, and waits for it; from the nonce below on also
 * asks about what is, for what that has cost. */
SCB_MUST_CHECK enum scb_status scb_restore_resume(struct scb_restore_pass *pass, uint64_t below,
                                                  struct scb_sender_totals *ret_totals,
                                                  struct scb_error *error);
/* The gas of all that is planned. */
uint64_t scb_restore_pass_gas(const struct scb_restore_pass *pass);

void scb_restore_refuse(struct scb_restore_refusals *refusals, uint64_t index, const char *reason);

#endif
