/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job/restore_run.h"
#include "source/chain.h"

enum {
    MAX_ROUNDS = 5,        /* of sending: a second one is for what a reorganisation took back */
    POOL_WAIT_MS = 120000, /* for the account's other transactions */
    POLL_MS = 500,
    STALLED_MS = 5 * 60 * 1000, /* a chain that makes no block for so long */
    LOG_MS = 10000,
};

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

/* What others send with this account would take nonces away. */
static enum scb_status wait_for_others(struct restore *restore, struct scb_error *error)
{
    int64_t until_ms = now_ms(restore) + POOL_WAIT_MS;
    for (;;) {
        uint64_t mined = 0, pending = 0;
        enum scb_status status =
            scb_chain_nonce(restore->parts->client, &restore->account, false, &mined, error);
        if (status == SCB_OK)
            status =
                scb_chain_nonce(restore->parts->client, &restore->account, true, &pending, error);
        if (status != SCB_OK || pending <= mined)
            return status;
        if (now_ms(restore) >= until_ms) {
            scb_error_set(error, SCB_ERROR_BUSY,
                          "the account has %" PRIu64 " transactions on their way that are not of "
                          "this restore",
                          pending - mined);
            return scb_error_hint(error, "wait until they are mined, or use another account");
        }
        if (scb_cancel_sleep(restore->parts->cancel, POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
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

/* Waits for what an interrupted restore has on its way. */
static enum scb_status resume(struct restore *restore, struct scb_error *error)
{
    const struct scb_backup_record *record = scb_backup_reader_record(restore->backup);
    struct scb_journal_owner owner = {.chain_id = restore->target.pin.chain_id,
                                      .contract = restore->settings->contract,
                                      .account = restore->account};
    memcpy(owner.genesis_hash, restore->target.pin.genesis_hash, sizeof(owner.genesis_hash));
    memcpy(owner.backup_date, record->backup_date, sizeof(owner.backup_date));
    enum scb_status status = scb_journal_open(restore->settings->journal_dir, &owner,
                                              &restore->journal, &restore->result->resumed, error);
    if (status != SCB_OK || !restore->result->resumed)
        return status;
    struct scb_sender_totals totals = {0};
    uint64_t below = 0;
    scb_journal_spent(restore->journal, &restore->spent, &below);
    scb_restore_begin_pass(restore, false);
    status = scb_restore_resume(&restore->pass, &totals, error);
    count_sent(restore, &totals);
    /* Those that were mined before this run are to be as deep as the others in the end. */
    if (status == SCB_OK && restore->last_block == 0)
        status = scb_chain_block_number(restore->parts->client, &restore->last_block, error);
    scb_log_info(restore->parts->log, "Interrupted restore taken up",
                 SCB_NUMBER("waited_for", totals.mined + totals.failed + totals.lost));
    return status;
}

static enum scb_status get_ready(struct restore *restore, struct scb_error *error)
{
    struct scb_backup_reader_settings reader = {.backup_date = restore->options->backup_date,
                                                .limits = restore->settings->limits,
                                                .check_sha256 = true,
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
        status = wait_for_others(restore, error);
    return status;
}

/* --- sending --- */

static enum scb_status send_all(struct restore *restore, uint64_t to_do, struct scb_error *error)
{
    struct scb_sender_totals totals = {0};
    scb_restore_begin_pass(restore, false);
    restore->pass.to_do = to_do;
    int64_t began_ms = now_ms(restore);
    enum scb_status status = scb_restore_pass_run(&restore->pass, restore->limit, &totals, error);
    restore->result->sending_ms += now_ms(restore) - began_ms;
    count_sent(restore, &totals);
    return status;
}

static enum scb_status stalled(const struct restore *restore, uint64_t head,
                               struct scb_error *error)
{
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "all is sent, but the chain has made no block after %" PRIu64 " for 5 minutes, "
                  "and %" PRIu64 " confirmations are asked for",
                  head, restore->settings->confirmations);
    error->retryable = true;
    return scb_error_hint(error, "run the same again later, or lower --contract-confirmations on a "
                                 "chain that makes blocks on demand");
}

/* Until the last transaction is as deep as contract.confirmations wants it. */
static enum scb_status wait_until_deep(struct restore *restore, uint64_t *ret_block,
                                       struct scb_error *error)
{
    uint64_t wanted = restore->last_block + restore->settings->confirmations, last = 0;
    int64_t moved_ms = now_ms(restore), began_ms = moved_ms, logged_ms = moved_ms;
    for (;;) {
        uint64_t head = 0;
        enum scb_status status = scb_chain_block_number(restore->parts->client, &head, error);
        if (status != SCB_OK)
            return status;
        *ret_block = head - restore->settings->confirmations;
        if (head >= wanted)
            return SCB_OK;
        int64_t now = now_ms(restore);
        moved_ms = head != last ? now : moved_ms;
        last = head;
        if (now - moved_ms >= STALLED_MS)
            return stalled(restore, head, error);
        uint64_t deep = head > restore->last_block ? head - restore->last_block : 0;
        struct scb_restore_progress progress = {.what = "waiting for confirmations",
                                                .done = deep,
                                                .total = restore->settings->confirmations,
                                                .elapsed_ms = now - began_ms};
        if (restore->options->observe != NULL)
            restore->options->observe(restore->options->state, &progress);
        if (now - logged_ms >= LOG_MS) {
            logged_ms = now;
            scb_log_info(restore->parts->log, "Restore waits for confirmations",
                         SCB_NUMBER("done", deep),
                         SCB_NUMBER("total", restore->settings->confirmations));
        }
        if (scb_cancel_sleep(restore->parts->cancel, POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
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

/* Compares what is deep enough; nothing is ever planned from it, for the newest block may hold
 * more. all_refused: what the newest block lacks was refused, so it is enough if this lacks no
 * more. */
static enum scb_status confirm_deep(struct restore *restore, const struct scb_restore_plan *newest,
                                    bool all_refused, bool *ret_equal, struct scb_error *error)
{
    struct scb_restore_plan deep = {0};
    char block[32];
    uint64_t number = 0;
    enum scb_status status = wait_until_deep(restore, &number, error);
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
    *ret_equal = deep.create + deep.edit == 0;
    if (*ret_equal && !all_refused)
        restore->result->refusals = deep.refusals;
    *ret_equal |= all_refused && deep.equal == newest->equal;
    return SCB_OK;
}

/* Compares, sends what differs, and again, until what is read back deep enough is equal. */
static enum scb_status work(struct restore *restore, struct scb_error *error)
{
    struct scb_restore_result *result = restore->result;
    struct scb_restore_plan plan = {0};
    bool were_refused = false;
    for (int round = 0;; round++) {
        enum scb_status status = plan_round(restore, &plan, error);
        if (status != SCB_OK || restore->options->dry_run)
            return status;
        bool to_do = plan.create + plan.edit > 0, all_refused = false, equal = false;
        if (to_do && round == MAX_ROUNDS)
            return not_settled(restore, &plan, error);
        if (to_do) {
            uint64_t sent_before = result->sent;
            status = send_all(restore, plan.create + plan.edit, error);
            all_refused = status == SCB_OK && result->sent == sent_before;
        }
        if (all_refused)
            result->refusals = restore->pass.refusals;
        /* The deep block does not hold yet what this one does: receipts were missing, or a
         * reorganisation moved it. */
        if (round > 0 && (!to_do || (all_refused && were_refused)) &&
            plan.block_number > restore->last_block)
            restore->last_block = plan.block_number;
        were_refused = all_refused;
        if (status == SCB_OK && restore->last_block == 0 && (!to_do || all_refused))
            return SCB_OK;
        if (status == SCB_OK)
            status = confirm_deep(restore, &plan, all_refused, &equal, error);
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
