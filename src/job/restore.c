/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job/restore_run.h"
#include "source/chain.h"

enum { MAX_ROUNDS = 5 }; /* of sending: a second one is for what a reorganisation took back */

static int64_t now_ms(const struct restore *restore)
{
    return scb_clock_monotonic_ms(restore->parts->clock);
}

/* --- before anything is planned --- */

static bool same_address(const struct scb_address *a, const struct scb_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether the account may write, where the contract says who may; takes the operator's place where
 * there is no account, for a plan alone. */
static enum scb_status check_rights(struct restore *restore, struct scb_error *error)
{
    struct scb_address owner = {0}, operator= {0};
    bool has_owner = false, has_operator = false;
    const struct scb_address *contract = &restore->settings->contract;
    enum scb_status status = scb_chain_address_of(restore->parts->client, contract, "owner()",
                                                  &has_owner, &owner, error);
    if (status == SCB_OK)
        status = scb_chain_address_of(restore->parts->client, contract, "operator()", &has_operator,
                                      &operator, error);
    if (status != SCB_OK || (!has_owner && !has_operator))
        return status;
    if (restore->options->signer == NULL && !restore->settings->node_signs) {
        restore->account = has_owner ? owner : operator;
        return SCB_OK;
    }
    if ((has_owner && same_address(&owner, &restore->account)) ||
        (has_operator && same_address(&operator, & restore->account)))
        return SCB_OK;
    char account[SCB_ADDRESS_TEXT_SIZE], text[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&restore->account, account);
    scb_address_format(has_operator ? &operator : &owner, text);
    scb_error_set(error, SCB_ERROR_ACCESS,
                  "account %s may not write to the contract: its operator is %s", account, text);
    return scb_error_hint(error,
                          "give the operator's or the owner's --keystore, or let the owner "
                          "call setOperator(%s)",
                          account);
}

static void count_sent(struct restore *restore, const struct scb_sender_totals *totals)
{
    struct scb_restore_result *result = restore->result;
    result->sent += totals->sent;
    result->replaced += totals->replaced;
    result->mined += totals->mined;
    result->failed += totals->failed + totals->lost;
    result->gas_used += totals->gas_used;
    result->cost = scb_wei_plus(result->cost, totals->cost);
    restore->spent = scb_wei_plus(restore->spent, scb_wei_plus(totals->cost, totals->cost_unseen));
    if (totals->last_block > restore->last_block)
        restore->last_block = totals->last_block;
}

static void say_taken_back(const struct restore *restore, const struct scb_error *error)
{
    scb_log_warn(restore->parts->log, "The chain was reorganised; what it has undone is sent again",
                 SCB_TEXT("reason", error->message));
}

/* What is recorded and is not mined is sent, the very same; from the nonce below on it is counted
 * what it has cost. */
static enum scb_status send_recorded(struct restore *restore, uint64_t below,
                                     uint64_t *ret_waited_for, struct scb_error *error)
{
    for (int round = 0;; round++) {
        struct scb_sender_totals totals = {0};
        scb_restore_begin_pass(restore, false);
        enum scb_status status = scb_restore_resume(&restore->pass, below, &totals, error);
        count_sent(restore, &totals);
        *ret_waited_for += totals.mined + totals.failed + totals.lost;
        if (!totals.taken_back || round == MAX_ROUNDS)
            return status;
        say_taken_back(restore, error);
        below = UINT64_MAX; /* what was mined has been counted */
    }
}

/* Waits for what an interrupted restore has on its way. */
static enum scb_status resume(struct restore *restore, struct scb_error *error)
{
    const struct scb_backup_record *record = scb_backup_reader_record(restore->backup);
    struct scb_journal_owner owner = {.chain_id = restore->target.pin.chain_id,
                                      .contract = restore->settings->contract,
                                      .account = restore->account,
                                      .identities = scb_backup_reader_identities(restore->backup)};
    if (owner.identities != NULL)
        owner.recipients = &scb_backup_reader_manifest(restore->backup)->recipients;
    memcpy(owner.genesis_hash, restore->target.pin.genesis_hash, sizeof(owner.genesis_hash));
    memcpy(owner.backup_date, record->backup_date, sizeof(owner.backup_date));
    enum scb_status status = scb_journal_open(restore->settings->journal_dir, &owner,
                                              &restore->journal, &restore->result->resumed, error);
    if (status != SCB_OK || !restore->result->resumed)
        return status;
    uint64_t below = 0, waited_for = 0;
    scb_journal_spent(restore->journal, &restore->spent, &below);
    status = send_recorded(restore, below, &waited_for, error);
    /* Those that were mined before this run are to be as deep as the others in the end. */
    if (status == SCB_OK && restore->last_block == 0)
        status = scb_chain_block_number(restore->parts->client, &restore->last_block, error);
    scb_log_info(restore->parts->log, "Interrupted restore taken up",
                 SCB_NUMBER("waited_for", waited_for));
    return status;
}

static enum scb_status get_ready(struct restore *restore, struct scb_error *error)
{
    struct scb_backup_reader_settings reader = {.backup_date = restore->options->backup_date,
                                                .limits = restore->settings->limits,
                                                .check_sha256 = true,
                                                .keys = restore->parts->keys,
                                                .cancel = restore->parts->cancel};
    enum scb_status status = scb_backup_reader_open(restore->parts->store, restore->parts->catalog,
                                                    &reader, &restore->backup, error);
    if (status == SCB_OK)
        status = scb_restore_target_pin(restore->parts, "latest", &restore->target, error);
    if (status == SCB_OK)
        status = check_rights(restore, error);
    if (status != SCB_OK || restore->options->dry_run)
        return status;
    if (restore->settings->journal_dir != NULL)
        status = resume(restore, error);
    if (status == SCB_OK)
        status = scb_restore_wait_for_others(restore, error);
    return status;
}

/* --- sending --- */

static enum scb_status send_all(struct restore *restore, uint64_t to_do, bool *ret_taken_back,
                                struct scb_error *error)
{
    struct scb_sender_totals totals = {0};
    scb_restore_begin_pass(restore, false);
    restore->pass.to_do = to_do;
    int64_t began_ms = now_ms(restore);
    enum scb_status status = scb_restore_pass_run(&restore->pass, restore->limit, &totals, error);
    restore->result->sending_ms += now_ms(restore) - began_ms;
    count_sent(restore, &totals);
    restore->lost = totals.lost;
    if (!totals.taken_back)
        return status;
    say_taken_back(restore, error);
    *ret_taken_back = true;
    return SCB_OK;
}

static enum scb_status not_settled(struct restore *restore, const struct scb_restore_plan *plan,
                                   struct scb_error *error)
{
    restore->result->unsettled = true;
    scb_error_set(error, SCB_ERROR_INTEGRITY,
                  "%" PRIu64 " of %" PRIu64 " entries are still not what the backup holds after %d "
                  "rounds of sending",
                  plan->create + plan->edit, plan->total, MAX_ROUNDS);
    return scb_error_hint(error, "see whether somebody else writes to the contract, then run the "
                                 "same again");
}

/* Reads the newest block and plans from it; shown and agreed to the first time. */
static enum scb_status plan_round(struct restore *restore, struct scb_restore_plan *plan,
                                  struct scb_error *error)
{
    struct scb_restore_result *result = restore->result;
    enum scb_status status = scb_restore_target_read(restore->parts, restore->settings, "latest",
                                                     &restore->target, error);
    if (status == SCB_OK)
        status = scb_restore_make_plan(restore, plan, error);
    if (status != SCB_OK)
        return status;
    if (!result->planned) {
        result->plan = *plan;
        status = scb_restore_agree(restore, error);
    }
    if (restore->options->dry_run)
        return status;
    result->refusals = plan->refusals;
    result->read_back_equal = plan->equal;
    result->read_back_block = plan->block_number;
    return status;
}

/* What one round has found and done. */
struct round {
    struct scb_restore_plan plan; /* from the newest block */
    bool to_do;
    bool all_refused; /* of what there was to do */
    bool taken_back;  /* by a reorganisation, some of it */
};

/* Compares what is deep enough; nothing is ever planned from it, for the newest block may hold
 * more. Where the newest block lacks what was refused only, it is enough if this lacks no more. */
static enum scb_status confirm_deep(struct restore *restore, const struct round *round,
                                    bool *ret_equal, struct scb_error *error)
{
    struct scb_restore_plan deep = {0};
    char block[32];
    uint64_t number = 0;
    enum scb_status status = scb_restore_wait_until_deep(restore, &number, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(block, sizeof(block), "%" PRIu64, number);
    status =
        scb_restore_target_read(restore->parts, restore->settings, block, &restore->target, error);
    if (status == SCB_OK)
        status = scb_restore_make_plan(restore, &deep, error);
    if (status != SCB_OK)
        return status;
    restore->result->read_back_equal = deep.equal;
    restore->result->read_back_block = deep.block_number;
    /* Simulations are of the newest block: what is refused may be there, and only not so deep. */
    bool unsure = deep.refusals.count > 0 && (restore->lost > 0 || deep.equal < round->plan.equal);
    bool whole = deep.create + deep.edit == 0 && !unsure;
    if (whole)
        restore->result->refusals = deep.refusals;
    *ret_equal = whole || (round->all_refused && deep.equal == round->plan.equal);
    return SCB_OK;
}

static enum scb_status send_round(struct restore *restore, struct round *round,
                                  struct scb_error *error)
{
    uint64_t sent_before = restore->result->sent;
    enum scb_status status =
        send_all(restore, round->plan.create + round->plan.edit, &round->taken_back, error);
    round->all_refused =
        status == SCB_OK && !round->taken_back && restore->result->sent == sent_before;
    if (round->all_refused)
        restore->result->refusals = restore->pass.refusals;
    return status;
}

/* What an earlier round's transactions have lost to a reorganisation keeps its nonces. */
static enum scb_status begin_round(struct restore *restore, int number, struct round *round,
                                   struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    uint64_t waited_for = 0;
    if (number > 0 && restore->journal != NULL)
        status = send_recorded(restore, UINT64_MAX, &waited_for, error);
    if (status == SCB_OK)
        status = plan_round(restore, &round->plan, error);
    if (status != SCB_OK || restore->options->dry_run)
        return status;
    restore->lost = 0;
    round->to_do = round->plan.create + round->plan.edit > 0;
    if (number > MAX_ROUNDS || (round->to_do && number == MAX_ROUNDS))
        return not_settled(restore, &round->plan, error);
    return SCB_OK;
}

/* Compares, sends what differs, and again, until what is read back deep enough is equal. */
static enum scb_status work(struct restore *restore, struct scb_error *error)
{
    bool were_refused = false;
    for (int number = 0;; number++) {
        struct round round = {0};
        bool equal = false;
        enum scb_status status = begin_round(restore, number, &round, error);
        if (status != SCB_OK || restore->options->dry_run)
            return status;
        if (round.to_do)
            status = send_round(restore, &round, error);
        if (status == SCB_OK && round.taken_back)
            continue;
        /* The deep block does not hold yet what this one does: receipts were missing, or a
         * reorganisation moved it. */
        if (number > 0 && (!round.to_do || (round.all_refused && were_refused)) &&
            round.plan.block_number > restore->last_block)
            restore->last_block = round.plan.block_number;
        were_refused = round.all_refused;
        if (status == SCB_OK && restore->last_block == 0 && (!round.to_do || round.all_refused))
            return SCB_OK;
        if (status == SCB_OK)
            status = confirm_deep(restore, &round, &equal, error);
        if (status != SCB_OK || equal)
            return status;
    }
}

static enum scb_status refused(const struct scb_restore_result *result, struct scb_error *error)
{
    const struct scb_restore_refusal *first = &result->refusals.first[0];
    scb_error_set(error, SCB_ERROR_INTEGRITY,
                  "%" PRIu64 " of %" PRIu64
                  " entries were not restored, the first is entry %" PRIu64 ": %s",
                  result->refusals.count, result->plan.total, first->index, first->reason);
    return scb_error_hint(error, "where a version exists already, --new-version-suffix gives the "
                                 "entry another");
}

enum scb_status scb_restore_run(const struct scb_restore_parts *parts,
                                const struct scb_restore_settings *settings,
                                struct scb_restore_result *ret_result, struct scb_error *error)
{
    *ret_result = (struct scb_restore_result){0};
    struct restore restore = {.parts = parts,
                              .settings = settings,
                              .options = settings->options,
                              .result = ret_result,
                              .account = settings->account,
                              .limit = settings->options->max_total_cost};
    if (settings->options->signer != NULL)
        restore.account = *scb_signer_address(settings->options->signer);
    int64_t began_ms = now_ms(&restore);
    enum scb_status status = get_ready(&restore, error);
    if (status == SCB_OK)
        status = work(&restore, error);
    ret_result->done = status == SCB_OK && !settings->options->dry_run;
    if (ret_result->done && restore.journal != NULL)
        status = scb_journal_remove(restore.journal, error);
    const struct scb_restore_refusals *refusals =
        settings->options->dry_run ? &ret_result->plan.refusals : &ret_result->refusals;
    if (status == SCB_OK && refusals->count > 0) {
        ret_result->refusals = *refusals;
        status = refused(ret_result, error);
    }
    ret_result->duration_ms = now_ms(&restore) - began_ms;
    scb_journal_close(restore.journal);
    scb_restore_target_close(&restore.target);
    scb_backup_reader_close(restore.backup);
    return status;
}
