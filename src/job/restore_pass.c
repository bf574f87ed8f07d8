/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore_pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "evm/abi.h"

enum {
    WINDOW = 64, /* transactions on their way: what nodes keep of one account, at least */
    SHOW_MS = 200,
    LOG_MS = 10000,
    WORD = 32,
};

static const char create_function[] = "createKeyValue(string,string,string)";
static const char edit_function[] = "editKeyValue(string,string,string)";

void scb_restore_refuse(struct scb_restore_refusals *refusals, uint64_t index, const char *reason)
{
    /* The lowest ones stay, in order; they come as the node answers. */
    size_t kept = refusals->count < SCB_RESTORE_SHOWN ? refusals->count : SCB_RESTORE_SHOWN;
    size_t at = kept;
    while (at > 0 && refusals->first[at - 1].index > index)
        at--;
    refusals->count++;
    if (at == SCB_RESTORE_SHOWN)
        return;
    size_t moved = kept < SCB_RESTORE_SHOWN ? kept - at : kept - at - 1;
    struct scb_restore_refusal *refusal = &refusals->first[at];
    memmove(refusal + 1, refusal, moved * sizeof(*refusal));
    refusal->index = index;
    (void)snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
}

/* --- what an entry's transaction is --- */

/* The slots that Solidity stores a string in. */
static uint64_t slots_of(size_t size)
{
    return size < WORD ? 1 : 1 + (size + WORD - 1) / WORD;
}

/* About the gas of creating an entry: what is sent, logged and stored. Only the proportions matter,
 * the sum is set right by the samples. */
static uint64_t weigh(const struct scb_entry *entry)
{
    const struct scb_bytes parts[] = {entry->key, entry->value, entry->version_id};
    uint64_t gas = 70000;
    for (size_t i = 0; i < SCB_LENGTH(parts); i++)
        gas += 22100 * slots_of(parts[i].size) + 24 * parts[i].size;
    return gas;
}

static enum scb_status encode(const uint8_t selector[4], const struct scb_entry *entry,
                              struct scb_bytes suffix, struct scb_buffer *out,
                              struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer version = {.max = entry->version_id.size + suffix.size};
    enum scb_status status =
        scb_buffer_append(&version, entry->version_id.data, entry->version_id.size, error);
    if (status == SCB_OK)
        status = scb_buffer_append(&version, suffix.data, suffix.size, error);
    if (status != SCB_OK)
        return status;
    const struct scb_bytes strings[] = {entry->key, entry->value, scb_buffer_bytes(&version)};
    scb_buffer_clear(out);
    return scb_abi_encode_strings(out, selector, strings, SCB_LENGTH(strings), error);
}

static struct scb_bytes suffix_of(const struct scb_restore_pass *pass)
{
    const char *text = pass->settings->options->version_suffix;
    return (struct scb_bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

static bool fits(const struct scb_restore_pass *pass, const struct scb_entry *entry)
{
    enum { AROUND = 4 + 9 * WORD };
    size_t size = entry->key.size + entry->value.size + entry->version_id.size;
    return size + suffix_of(pass).size <= SCB_SENDER_MAX_DATA - AROUND;
}

/* --- progress --- */

static void show(struct scb_restore_pass *pass)
{
    int64_t now = scb_clock_monotonic_ms(pass->parts->clock);
    const struct scb_restore_options *options = pass->settings->options;
    struct scb_restore_progress progress = {.what = pass->plans ? "simulating" : "sending",
                                            .done = pass->done,
                                            .total = pass->to_do,
                                            .elapsed_ms = now - pass->began_ms};
    if (options->observe != NULL && now - pass->shown_ms >= SHOW_MS) {
        pass->shown_ms = now;
        options->observe(options->state, &progress);
    }
    if (now - pass->logged_ms >= LOG_MS) {
        pass->logged_ms = now;
        scb_log_info(pass->parts->log, "Restore progress", SCB_TEXT("what", progress.what),
                     SCB_NUMBER("done", progress.done), SCB_NUMBER("total", progress.total));
    }
}

/* --- items --- */

/* Whether this create is one of those that are simulated for the plan. */
static bool is_sample(struct scb_restore_pass *pass, uint64_t index, const struct scb_entry *entry)
{
    uint64_t weight = weigh(entry);
    pass->weight += weight;
    if (pass->stride == 0)
        pass->stride = 1;
    if ((pass->create - 1) % pass->stride != 0 || pass->samples == SCB_RESTORE_SAMPLES)
        return false;
    pass->sampled[pass->samples].index = index;
    pass->sampled[pass->samples++].weight = weight;
    return true;
}

/* Fills in the item for an entry where it has one. */
static enum scb_status make_item(struct scb_restore_pass *pass, const struct scb_entry *entry,
                                 struct scb_send_item *item, bool *ret_is_one,
                                 struct scb_error *error)
{
    static const struct scb_bytes none = {(const uint8_t *)"", 0};
    enum scb_match match = SCB_MATCH_NONE;
    struct scb_bytes suffix = suffix_of(pass);
    item->index = pass->next_index++;
    *ret_is_one = false;
    enum scb_status status = scb_fingerprints_match(pass->target, entry, suffix, &match, error);
    if (status != SCB_OK)
        return status;
    pass->total++;
    pass->equal += match == SCB_MATCH_EQUAL;
    if (match == SCB_MATCH_EQUAL)
        return SCB_OK;
    if (match == SCB_MATCH_AGAIN || !fits(pass, entry)) {
        scb_restore_refuse(&pass->refusals, item->index,
                           match == SCB_MATCH_AGAIN ? "the backup has its key twice"
                                                    : "too large: no node takes a transaction of "
                                                      "over 128 KiB");
        return SCB_OK;
    }
    bool edits = match == SCB_MATCH_OTHER;
    pass->edit += edits;
    pass->create += !edits;
    if (pass->plans && !edits && !is_sample(pass, item->index, entry))
        return SCB_OK;
    *ret_is_one = true;
    status = encode(edits ? pass->edit_selector : pass->create_selector, entry, none, &pass->data,
                    error);
    scb_buffer_clear(&pass->fallback);
    if (status == SCB_OK && edits && suffix.size > 0)
        status = encode(pass->edit_selector, entry, suffix, &pass->fallback, error);
    item->data = scb_buffer_bytes(&pass->data);
    item->fallback = scb_buffer_bytes(&pass->fallback);
    return status;
}

static enum scb_status next_item(void *state, bool *ret_more, struct scb_send_item *ret_item,
                                 struct scb_error *error)
{
    struct scb_restore_pass *pass = state;
    enum scb_status status = SCB_OK;
    bool is_one = false;
    *ret_more = true;
    while (status == SCB_OK && *ret_more && !is_one) {
        struct scb_entry entry;
        status = scb_backup_reader_next(pass->reader, ret_more, &entry, error);
        if (status == SCB_OK && *ret_more)
            status = make_item(pass, &entry, ret_item, &is_one, error);
        if (status == SCB_OK && scb_cancel_requested(pass->parts->cancel))
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
    return status;
}

/* --- reports --- */

/* The place of a sampled create among the samples, or -1. */
static int sample_of(const struct scb_restore_pass *pass, uint64_t index)
{
    for (size_t i = 0; i < pass->samples; i++)
        if (pass->sampled[i].index == index)
            return (int)i;
    return -1;
}

static void report_simulated(struct scb_restore_pass *pass, const struct scb_send_report *report)
{
    int sample = sample_of(pass, report->index);
    if (report->outcome == SCB_SEND_REFUSED) {
        scb_restore_refuse(&pass->refusals, report->index, report->reason);
        if (sample >= 0)
            (void)snprintf(pass->create_refusal, sizeof(pass->create_refusal), "%s",
                           report->reason);
        pass->create -= sample >= 0;
        pass->edit -= sample < 0;
    } else if (sample >= 0) {
        pass->sampled_gas += report->gas;
        pass->sampled_weight += pass->sampled[sample].weight;
    } else {
        pass->edit_gas += report->gas;
    }
}

static enum scb_status take_report(void *state, const struct scb_send_report *report,
                                   struct scb_error *error)
{
    (void)error;
    struct scb_restore_pass *pass = state;
    pass->done++;
    if (pass->plans)
        report_simulated(pass, report);
    else if (report->outcome == SCB_SEND_REFUSED)
        scb_restore_refuse(&pass->refusals, report->index, report->reason);
    if (report->outcome == SCB_SEND_FAILED || report->outcome == SCB_SEND_LOST)
        scb_log_warn(pass->parts->log,
                     report->outcome == SCB_SEND_FAILED
                         ? "Transaction failed; its entry is looked at again"
                         : "Another transaction took its nonce; its entry is looked at again",
                     SCB_NUMBER("entry", report->index));
    show(pass);
    return SCB_OK;
}

static enum scb_status record(void *state, const struct scb_signed *transactions, size_t count,
                              struct scb_error *error)
{
    struct scb_restore_pass *pass = state;
    return pass->journal == NULL ? SCB_OK
                                 : scb_journal_append(pass->journal, transactions, count, error);
}

static void note(void *state, const char *text)
{
    const struct scb_restore_pass *pass = state;
    scb_log_warn(pass->parts->log, "Node takes a transaction only later; it is sent again",
                 SCB_TEXT("reason", text));
}

static struct scb_sender_settings sender_settings(struct scb_restore_pass *pass)
{
    const struct scb_restore_options *options = pass->settings->options;
    return (struct scb_sender_settings){.client = pass->parts->client,
                                        .signer = options->signer,
                                        .from = pass->account,
                                        .to = &pass->settings->contract,
                                        .chain_id = pass->chain_id,
                                        .simulate_only = pass->plans,
                                        .max_fee_per_gas = options->max_fee_per_gas,
                                        .max_total_cost = options->max_total_cost,
                                        .spent_before = pass->spent,
                                        /* A node that signs takes one after the other: anvil
                                         * loses some of many at once. */
                                        .window = options->signer == NULL ? 1 : WINDOW,
                                        .replace_after_ms = options->replace_after_ms,
                                        .clock = pass->parts->clock,
                                        .state = pass,
                                        .next = next_item,
                                        .record = record,
                                        .report = take_report,
                                        .note = note};
}

enum scb_status scb_restore_pass_run(struct scb_restore_pass *pass, scb_wei max_total_cost,
                                     struct scb_sender_totals *ret_totals, struct scb_error *error)
{
    struct scb_sender_settings settings = sender_settings(pass);
    settings.max_total_cost = max_total_cost;
    pass->data.max = pass->fallback.max = SCB_SENDER_MAX_DATA;
    pass->began_ms = pass->logged_ms = scb_clock_monotonic_ms(pass->parts->clock);
    enum scb_status status = scb_abi_selector(create_function, pass->create_selector, error);
    if (status == SCB_OK)
        status = scb_abi_selector(edit_function, pass->edit_selector, error);
    if (status == SCB_OK)
        status = scb_backup_reader_rewind(pass->reader, error);
    if (status == SCB_OK) {
        scb_fingerprints_forget_seen(pass->target);
        pass->stride = scb_backup_reader_manifest(pass->reader)->total_keys / SCB_RESTORE_SAMPLES;
        status = scb_sender_run(&settings, ret_totals, error);
    }
    scb_buffer_free(&pass->data);
    scb_buffer_free(&pass->fallback);
    return status;
}

static enum scb_status next_recorded(void *state, bool *ret_more, struct scb_send_item *ret_item,
                                     struct scb_error *error)
{
    struct scb_restore_pass *pass = state;
    enum scb_status status = scb_journal_next(pass->journal, ret_more, &pass->recorded, error);
    ret_item->index = pass->recorded.index;
    ret_item->recorded = &pass->recorded;
    return status;
}

enum scb_status scb_restore_resume(struct scb_restore_pass *pass, uint64_t below,
                                   struct scb_sender_totals *ret_totals, struct scb_error *error)
{
    struct scb_sender_settings settings = sender_settings(pass);
    uint64_t nonce = 0, count = 0;
    settings.next = next_recorded;
    pass->began_ms = pass->logged_ms = scb_clock_monotonic_ms(pass->parts->clock);
    enum scb_status status =
        scb_chain_nonce(pass->parts->client, &pass->account, false, &nonce, error);
    if (status == SCB_OK)
        status = scb_journal_rewind(pass->journal, below < nonce ? below : nonce, &count, error);
    pass->to_do = count;
    if (status == SCB_OK && count > 0)
        status = scb_sender_run(&settings, ret_totals, error);
    return status;
}

uint64_t scb_restore_pass_gas(const struct scb_restore_pass *pass)
{
    scb_wei gas = pass->edit_gas;
    if (pass->sampled_weight > 0)
        gas += (scb_wei)pass->weight * pass->sampled_gas / pass->sampled_weight;
    return gas > UINT64_MAX ? UINT64_MAX : (uint64_t)gas;
}
