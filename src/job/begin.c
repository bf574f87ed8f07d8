/* SPDX-License-Identifier: Apache-2.0 */
#include "job/begin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/key_index.h"
#include "job/binding.h"
#include "source/pin.h"

/* --- the block --- */

static void log_pin(const struct scb_beginning *begin)
{
    const struct scb_pin *pin = &begin->pin;
    char hash[67] = "0x", time[SCB_TIMESTAMP_SIZE];
    scb_text_hex(pin->block_hash, sizeof(pin->block_hash), hash + 2);
    scb_timestamp_format((int64_t)pin->block_time * 1000, time);
    scb_log_info(begin->parts->log, "Block pinned",
                 SCB_TEXT("backup_date", begin->settings->backup_date),
                 SCB_NUMBER("block_number", pin->block_number), SCB_TEXT("block_hash", hash),
                 SCB_TEXT("block_time", time), SCB_NUMBER("chain_id", pin->chain_id),
                 SCB_NUMBER("total_keys", pin->total_keys), SCB_TEXT("chosen", pin->reason),
                 SCB_TEXT("note", "a full node keeps the state of about 128 blocks"));
}

/* A chain that is behind what was backed up last is a switched or stuck node. */
static enum scb_status check_height(const struct scb_beginning *begin, struct scb_error *error)
{
    struct scb_backup_record newest;
    struct scb_error none = {0};
    enum scb_status status = scb_catalog_newest(begin->parts->catalog, true, &newest, &none);
    if (status == SCB_ERROR_NOT_FOUND || scb_pin_is_fixed(begin->settings->block))
        return SCB_OK;
    if (status != SCB_OK) {
        *error = none;
        return status;
    }
    if (newest.block_number <= (int64_t)begin->pin.block_number)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "block %" PRIu64 " is older than the last backup's (%" PRId64 ")",
                  begin->pin.block_number, newest.block_number);
    return scb_error_hint(error, "is the node stuck or another chain's? or fix contract.block");
}

/* --- a new run --- */

static uint64_t count_pages(uint64_t keys, uint64_t page_size)
{
    return keys == 0 ? 1 : (keys - 1) / page_size + 1;
}

enum scb_status scb_begin_count_pages(const struct scb_backup_settings *settings, uint64_t keys,
                                      uint64_t *ret_pages, struct scb_error *error)
{
    uint64_t limit = settings->memory_limit / 4 / sizeof(struct scb_page_entry);
    *ret_pages = count_pages(keys, settings->page_size);
    if (*ret_pages <= limit)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_RESOURCE,
                  "%" PRIu64 " pages need more memory than backup.memory_limit allows", *ret_pages);
    error->permanent = true;
    return scb_error_hint(error, "raise backup.page_size or backup.memory_limit");
}

static enum scb_status allocate_pages(struct scb_beginning *begin, struct scb_error *error)
{
    free(begin->pages);
    begin->pages = scb_alloc(begin->run.total_pages, sizeof(*begin->pages), error);
    return begin->pages == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

/* What a run of today's settings is recorded with, before its block is known. */
static void describe(const struct scb_backup_settings *settings, struct scb_run_record *ret_run)
{
    *ret_run = (struct scb_run_record){.page_size = settings->page_size,
                                       .max_key_size = settings->rules.max_key_size,
                                       .max_value_size = settings->rules.max_value_size,
                                       .quorum = settings->quorum};
    (void)snprintf(ret_run->backup_date, sizeof(ret_run->backup_date), "%s", settings->backup_date);
    (void)snprintf(ret_run->page_function, sizeof(ret_run->page_function), "%s",
                   settings->page_function);
    (void)snprintf(ret_run->total_function, sizeof(ret_run->total_function), "%s",
                   settings->total_function);
    if (settings->run_id != NULL)
        (void)snprintf(ret_run->run_id, sizeof(ret_run->run_id), "%s", settings->run_id);
    memcpy(ret_run->contract, settings->contract.bytes, sizeof(ret_run->contract));
    _Static_assert(sizeof(ret_run->recipients) >= SCB_AGE_RECIPIENTS_TEXT_SIZE, "room for all");
    scb_age_recipients_format(settings->recipients, ret_run->recipients);
}

static enum scb_status choose_block(struct scb_beginning *begin, struct scb_error *error)
{
    const struct scb_backup_parts *parts = begin->parts;
    enum scb_status status = SCB_OK;
    if (parts->pinned != NULL && !begin->started)
        begin->pin = *parts->pinned;
    else
        status = parts->source->ops->pin(parts->source, NULL, &begin->pin, error);
    if (status == SCB_OK)
        status = check_height(begin, error);
    if (status == SCB_OK)
        status = scb_binding_check(parts->store, &begin->pin, false, error);
    if (status == SCB_OK)
        log_pin(begin);
    return status;
}

/* What an earlier run has left, whose rows are gone. */
static enum scb_status drop_files(const struct scb_beginning *begin, struct scb_error *error)
{
    enum scb_status status = scb_backup_dir_clear(begin->dir, error);
    return status == SCB_OK ? scb_backup_dir_remove(begin->dir, SCB_KEY_INDEX_NAME, error) : status;
}

enum scb_status scb_begin_over(struct scb_beginning *begin, struct scb_error *error)
{
    const struct scb_backup_parts *parts = begin->parts;
    struct scb_run_record *run = &begin->run;
    begin->resumed = false;
    enum scb_status status = choose_block(begin, error);
    if (status != SCB_OK)
        return status;
    describe(begin->settings, run);
    run->chain_id = begin->pin.chain_id;
    run->block_number = begin->pin.block_number;
    run->block_time = begin->pin.block_time;
    run->total_keys = begin->pin.total_keys;
    memcpy(run->block_hash, begin->pin.block_hash, sizeof(run->block_hash));
    status = scb_begin_count_pages(begin->settings, run->total_keys, &run->total_pages, error);
    if (status == SCB_OK)
        status = allocate_pages(begin, error);
    if (status != SCB_OK)
        return status;
    do
        status = scb_catalog_start(parts->catalog, run, scb_clock_real_ms(parts->clock), error);
    while (scb_patience_again(begin->patience, &status, error));
    if (status != SCB_OK)
        return status;
    begin->started = true;
    return drop_files(begin, error);
}

/* --- an unfinished run --- */

static enum scb_status take_recorded(void *state, const struct scb_page_record *page,
                                     struct scb_error *error)
{
    (void)error;
    struct scb_beginning *begin = state;
    bool odd = page->empty_keys + page->empty_versions + page->duplicate_keys > 0;
    if (page->page_number >= begin->run.total_pages || page->state != SCB_BACKUP_COMPLETED ||
        (odd && begin->settings->rules.strict)) /* fetched again, to fail as it must */
        return SCB_OK;
    struct scb_page_entry *entry = &begin->pages[page->page_number];
    memcpy(entry->sha256, page->sha256, sizeof(entry->sha256));
    entry->size = page->file_size;
    begin->taken_over++;
    return SCB_OK;
}

/* Why what it has read is not what a run of today's settings would have read, or NULL. */
static const char *read_otherwise(const struct scb_backup_settings *settings,
                                  const struct scb_run_record *run)
{
    struct scb_run_record today;
    describe(settings, &today);
    if (memcmp(run->contract, today.contract, sizeof(run->contract)) != 0)
        return "contract.address has changed";
    if (run->page_size != today.page_size)
        return "backup.page_size has changed";
    if (run->page_function[0] == '\0')
        return "how its pages were read was not recorded";
    if (strcmp(run->page_function, today.page_function) != 0)
        return "contract.page_function has changed";
    if (strcmp(run->total_function, today.total_function) != 0)
        return "contract.total_function has changed";
    if (run->max_key_size > today.max_key_size) /* larger ones let through what there is */
        return "backup.max_key_size is smaller than it was";
    if (run->max_value_size > today.max_value_size)
        return "backup.max_value_size is smaller than it was";
    if (run->quorum < today.quorum) /* fewer gave the pages that are there */
        return "contract.quorum is larger than it was";
    if (strcmp(run->recipients, today.recipients) != 0)
        return "encryption.recipients has changed";
    return NULL;
}

/* Why an unfinished run cannot go on with today's settings, or NULL. */
static const char *unlike(const struct scb_backup_settings *settings,
                          const struct scb_run_record *run)
{
    uint64_t fixed = 0;
    char hash[67] = "0x";
    scb_text_hex(run->block_hash, sizeof(run->block_hash), hash + 2);
    if (scb_text_parse_u64(settings->block, &fixed, NULL) == SCB_OK && fixed != run->block_number)
        return "contract.block has changed";
    if (strncmp(settings->block, "0x", 2) == 0 && strcasecmp(settings->block, hash) != 0)
        return "contract.block has changed";
    if (settings->chain_id != 0 && settings->chain_id != run->chain_id)
        return "contract.chain_id has changed";
    const char *reason = read_otherwise(settings, run);
    if (reason == NULL && run->total_pages != count_pages(run->total_keys, run->page_size))
        reason = "its record in the database is damaged";
    return reason;
}

/*
 * The run stands at its block again: its finished pages are taken over. Where it has none, it may
 * have ended before the files of the run before it were gone.
 */
static enum scb_status take_over(struct scb_beginning *begin, const struct scb_run_record *run,
                                 struct scb_error *error)
{
    const struct scb_backup_parts *parts = begin->parts;
    uint64_t pages = 0;
    struct scb_run_record today;
    describe(begin->settings, &today);
    begin->run = *run;
    begin->run.max_key_size = today.max_key_size;
    begin->run.max_value_size = today.max_value_size;
    begin->run.quorum = today.quorum;
    memcpy(begin->run.run_id, today.run_id, sizeof(today.run_id));
    enum scb_status status = scb_binding_check(parts->store, &begin->pin, false, error);
    if (status == SCB_OK)
        status = scb_begin_count_pages(begin->settings, run->total_keys, &pages, error);
    if (status == SCB_OK)
        status = allocate_pages(begin, error);
    if (status != SCB_OK)
        return status;
    do
        status = scb_catalog_resume(parts->catalog, &begin->run, error);
    while (scb_patience_again(begin->patience, &status, error));
    begin->started = status == SCB_OK;
    begin->resumed = begin->started;
    begin->taken_over = 0;
    if (status == SCB_OK)
        status = scb_catalog_pages(parts->catalog, run->backup_date, take_recorded, begin, error);
    return status == SCB_OK && begin->taken_over == 0 ? drop_files(begin, error) : status;
}

/*
 * Takes an unfinished run up again at its own block; *ret_reason says why that cannot be (it
 * must start over then), and stays {0} where it did.
 */
static enum scb_status resume(struct scb_beginning *begin, const struct scb_run_record *run,
                              struct scb_error *ret_reason, struct scb_error *error)
{
    const struct scb_backup_parts *parts = begin->parts;
    const char *difference = unlike(begin->settings, run);
    if (difference != NULL) {
        scb_error_set(ret_reason, SCB_ERROR_VALIDATION, "%s", difference);
        return SCB_OK;
    }
    struct scb_pin wanted = {.chain_id = run->chain_id, .block_number = run->block_number};
    memcpy(wanted.block_hash, run->block_hash, sizeof(wanted.block_hash));
    struct scb_error refused = {0};
    enum scb_status status = parts->source->ops->pin(parts->source, &wanted, &begin->pin, &refused);
    if (status == SCB_OK && begin->pin.total_keys != run->total_keys)
        status = scb_error_set(&refused, SCB_ERROR_NOT_FOUND, "it has another number of keys now");
    if (status == SCB_OK)
        return take_over(begin, run, error);
    if (status != SCB_ERROR_NOT_FOUND) { /* nobody knows whether it is served */
        *error = refused;
        return status;
    }
    scb_error_set(ret_reason, status, "its block is no longer served: %s", refused.message);
    return SCB_OK;
}

enum scb_status scb_begin(struct scb_beginning *begin, struct scb_error *error)
{
    const struct scb_backup_settings *settings = begin->settings;
    struct scb_run_record run;
    struct scb_error none = {0};
    enum scb_status status =
        scb_catalog_get_run(begin->parts->catalog, settings->backup_date, &run, &none);
    if (status == SCB_ERROR_NOT_FOUND && !settings->resume_only)
        return scb_begin_over(begin, error); /* a new one, or one that failed before it began */
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = none;
        return status;
    }
    struct scb_error reason = {0};
    if (status == SCB_ERROR_NOT_FOUND)
        scb_error_set(&reason, status, "it had no block yet");
    else if (resume(begin, &run, &reason, error) != SCB_OK)
        return error->status;
    if (reason.status == SCB_OK) {
        log_pin(begin);
        scb_log_info(begin->parts->log, "Backup resumed", SCB_TEXT("backup_date", run.backup_date),
                     SCB_NUMBER("block_number", run.block_number));
        return SCB_OK;
    }
    if (settings->resume_only) {
        begin->started = true; /* so that it is marked failed */
        scb_error_set(error, SCB_ERROR_CONTRACT, "interrupted, and %s", reason.message);
        return scb_error_hint(error, "satellite backup retry starts it over at a newer block");
    }
    scb_log_warn(begin->parts->log, "Backup starts over", SCB_TEXT("backup_date", run.backup_date),
                 SCB_TEXT("reason", reason.message));
    return scb_begin_over(begin, error);
}
