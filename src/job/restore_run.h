/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One restore under way. restore.c says what comes when, restore_plan.c what there is to do,
 * restore_wait.c what is waited for; not for others.
 */
#ifndef SCB_JOB_RESTORE_RUN_H
#define SCB_JOB_RESTORE_RUN_H

#include "job/backup_reader.h"
#include "job/journal.h"
#include "job/restore.h"
#include "job/restore_pass.h"
#include "job/restore_target.h"

struct restore {
    const struct scb_restore_parts *parts;
    const struct scb_restore_settings *settings;
    const struct scb_restore_options *options;
    struct scb_restore_result *result;
    struct scb_backup_reader *backup; /* keeps it from being removed meanwhile */
    struct scb_address account;
    struct scb_restore_target target;
    struct scb_journal *journal;
    struct scb_restore_pass pass;
    scb_wei limit;       /* on what it costs in all */
    scb_wei spent;       /* of it, by earlier runs too */
    uint64_t lost;       /* by the last sending: what became of them is not known */
    uint64_t last_block; /* that holds a transaction of ours; 0 = none was sent */
};

/* Makes the restore's pass anew, with what is known now. */
void scb_restore_begin_pass(struct restore *restore, bool plans);
/* Compares the backup with the target as it was read, and simulates. */
SCB_MUST_CHECK enum scb_status scb_restore_make_plan(struct restore *restore,
                                                     struct scb_restore_plan *plan,
                                                     struct scb_error *error);
/* Asks for a yes to the result's plan; an error where the money does not suffice or the answer is
 * no. */
SCB_MUST_CHECK enum scb_status scb_restore_agree(struct restore *restore, struct scb_error *error);

/* Until what others send with the account, which would take nonces away, is mined. */
SCB_MUST_CHECK enum scb_status scb_restore_wait_for_others(struct restore *restore,
                                                           struct scb_error *error);
/* Until the last transaction is as deep as contract.confirmations wants it. */
SCB_MUST_CHECK enum scb_status
scb_restore_wait_until_deep(struct restore *restore, uint64_t *ret_block, struct scb_error *error);

#endif
