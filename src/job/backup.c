/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/page.h"
#include "job/archive.h"
#include "job/binding.h"
#include "job/pipeline.h"
#include "job/rescan.h"

enum {
    MAX_REPINS = 3,
    LOCK_POLL_MS = 200,
    BLOCK_TIME_MS = 2000,
};

/* One backup being made. */
struct backup {
    const struct scb_backup_parts *parts;
    const struct scb_backup_settings *settings;
    struct scb_backup_dir *dir;
    struct scb_pin pin;
    struct scb_run_record run;
    struct scb_page_entry *pages; /* run.total_pages of them */
    struct scb_archive archive;
    struct scb_backup_result *result;
    bool started; /* it stands in the catalog */
};

static int64_t real_ms(const struct backup *backup)
{
    return scb_clock_real_ms(backup->parts->clock);
}

static uint64_t count_pages(uint64_t keys, uint64_t page_size)
{
    return keys == 0 ? 1 : (keys - 1) / page_size + 1;
}

/* --- the block --- */

static void log_pin(const struct backup *backup)
{
    const struct scb_pin *pin = &backup->pin;
    char hash[67] = "0x", time[SCB_TIMESTAMP_SIZE];
    scb_text_hex(pin->block_hash, sizeof(pin->block_hash), hash + 2);
    scb_timestamp_format((int64_t)pin->block_time * 1000, time);
    scb_log_info(backup->parts->log, "Block pinned",
                 SCB_TEXT("backup_date", backup->settings->backup_date),
                 SCB_NUMBER("block_number", pin->block_number), SCB_TEXT("block_hash", hash),
                 SCB_TEXT("block_time", time), SCB_NUMBER("chain_id", pin->chain_id),
                 SCB_NUMBER("total_keys", pin->total_keys), SCB_TEXT("chosen", pin->reason),
                 SCB_TEXT("note", "a full node keeps the state of about 128 blocks"));
}

static bool is_fixed(const char *block)
{
    return block[0] >= '0' && block[0] <= '9';
}

/* A chain that is behind what was backed up last is a switched or stuck node. */
static enum scb_status check_height(const struct backup *backup, struct scb_error *error)
{
    struct scb_backup_record newest;
    struct scb_error none = {0};
    enum scb_status status = scb_catalog_newest(backup->parts->catalog, true, &newest, &none);
    if (status == SCB_ERROR_NOT_FOUND || is_fixed(backup->settings->block))
        return SCB_OK;
    if (status != SCB_OK) {
        *error = none;
        return status;
    }
    if (newest.block_number <= (int64_t)backup->pin.block_number)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "block %" PRIu64 " is older than the last backup's (%" PRId64 ")",
                  backup->pin.block_number, newest.block_number);
    return scb_error_hint(error, "is the node stuck or another chain's? or fix contract.block");
}

/* --- where to begin --- */

static enum scb_status allocate_pages(struct backup *backup, struct scb_error *error)
{
    uint64_t limit = backup->settings->memory_limit / 4 / sizeof(*backup->pages);
    if (backup->run.total_pages > limit) {
        scb_error_set(error, SCB_ERROR_RESOURCE,
                      "%" PRIu64 " pages need more memory than backup.memory_limit allows",
                      backup->run.total_pages);
        return scb_error_hint(error, "raise backup.page_size or backup.memory_limit");
    }
    free(backup->pages);
    backup->pages = scb_alloc(backup->run.total_pages, sizeof(*backup->pages), error);
    return backup->pages == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

/* A new run at a newly pinned block; what an earlier one left is dropped, rows before files. */
static enum scb_status start_over(struct backup *backup, struct scb_error *error)
{
    const struct scb_backup_parts *parts = backup->parts;
    enum scb_status status = SCB_OK;
    if (parts->pinned != NULL && backup->result->repins == 0)
        backup->pin = *parts->pinned;
    else
        status = parts->source->ops->pin(parts->source, NULL, &backup->pin, error);
    if (status == SCB_OK)
        status = check_height(backup, error);
    if (status == SCB_OK)
        status = scb_binding_check(parts->store, &backup->pin, false, error);
    if (status != SCB_OK)
        return status;
    log_pin(backup);
    const struct scb_pin *pin = &backup->pin;
    struct scb_run_record run = {.chain_id = pin->chain_id,
                                 .block_number = pin->block_number,
                                 .block_time = pin->block_time,
                                 .page_size = backup->settings->page_size,
                                 .total_keys = pin->total_keys};
    run.total_pages = count_pages(run.total_keys, run.page_size);
    (void)snprintf(run.backup_date, sizeof(run.backup_date), "%s", backup->settings->backup_date);
    memcpy(run.contract, pin->contract, sizeof(run.contract));
    memcpy(run.block_hash, pin->block_hash, sizeof(run.block_hash));
    backup->run = run;
    status = allocate_pages(backup, error);
    if (status == SCB_OK)
        status = scb_catalog_start(parts->catalog, &backup->run, real_ms(backup), error);
    backup->started = status == SCB_OK;
    return status != SCB_OK ? status : scb_backup_dir_clear(backup->dir, error);
}

static enum scb_status take_recorded(void *state, const struct scb_page_record *page,
                                     struct scb_error *error)
{
    (void)error;
    struct backup *backup = state;
    bool odd = page->empty_keys + page->empty_versions + page->duplicate_keys > 0;
    if (page->page_number >= backup->run.total_pages || page->state != SCB_BACKUP_COMPLETED ||
        (odd && backup->settings->rules.strict)) /* fetched again, to fail as it must */
        return SCB_OK;
    struct scb_page_entry *entry = &backup->pages[page->page_number];
    memcpy(entry->sha256, page->sha256, sizeof(entry->sha256));
    entry->size = page->file_size;
    return SCB_OK;
}

/* Why an unfinished run cannot go on with today's settings, or NULL. */
static const char *unlike(const struct backup *backup, const struct scb_run_record *run)
{
    const struct scb_backup_settings *settings = backup->settings;
    uint64_t fixed = 0;
    char hash[67] = "0x";
    scb_text_hex(run->block_hash, sizeof(run->block_hash), hash + 2);
    if (memcmp(run->contract, settings->contract.bytes, sizeof(run->contract)) != 0)
        return "contract.address has changed";
    if (run->page_size != settings->page_size)
        return "backup.page_size has changed";
    if (scb_text_parse_u64(settings->block, &fixed, NULL) == SCB_OK && fixed != run->block_number)
        return "contract.block has changed";
    if (strncmp(settings->block, "0x", 2) == 0 && strcasecmp(settings->block, hash) != 0)
        return "contract.block has changed";
    if (settings->chain_id != 0 && settings->chain_id != run->chain_id)
        return "contract.chain_id has changed";
    if (run->total_pages != count_pages(run->total_keys, run->page_size))
        return "its record in the database is damaged";
    return NULL;
}

/*
 * Takes an unfinished run up again at its own block; *ret_reason says why that cannot be (it
 * must start over then), NULL that it did.
 */
static enum scb_status resume(struct backup *backup, const struct scb_run_record *run,
                              const char **ret_reason, struct scb_error *error)
{
    const struct scb_backup_parts *parts = backup->parts;
    *ret_reason = unlike(backup, run);
    if (*ret_reason != NULL)
        return SCB_OK;
    struct scb_pin wanted = {.chain_id = run->chain_id, .block_number = run->block_number};
    memcpy(wanted.block_hash, run->block_hash, sizeof(wanted.block_hash));
    struct scb_error refused = {0};
    enum scb_status status =
        parts->source->ops->pin(parts->source, &wanted, &backup->pin, &refused);
    if (status == SCB_ERROR_CANCELED || (status != SCB_OK && refused.retryable)) {
        *error = refused;
        return status;
    }
    if (status != SCB_OK || backup->pin.total_keys != run->total_keys) {
        *ret_reason = "its block is no longer served";
        return SCB_OK;
    }
    backup->run = *run;
    status = scb_binding_check(parts->store, &backup->pin, false, error);
    if (status == SCB_OK)
        status = allocate_pages(backup, error);
    if (status == SCB_OK)
        status = scb_catalog_resume(parts->catalog, run->backup_date, error);
    backup->started = status == SCB_OK;
    if (status == SCB_OK)
        status = scb_catalog_pages(parts->catalog, run->backup_date, take_recorded, backup, error);
    return status;
}

static enum scb_status begin(struct backup *backup, struct scb_error *error)
{
    struct scb_run_record run;
    struct scb_error none = {0};
    enum scb_status status =
        scb_catalog_get_run(backup->parts->catalog, backup->settings->backup_date, &run, &none);
    if (status == SCB_ERROR_NOT_FOUND)
        return start_over(backup, error);
    if (status != SCB_OK) {
        *error = none;
        return status;
    }
    const char *reason = NULL;
    status = resume(backup, &run, &reason, error);
    if (status != SCB_OK)
        return status;
    if (reason == NULL) {
        backup->result->resumed = true;
        log_pin(backup);
        scb_log_info(backup->parts->log, "Backup resumed", SCB_TEXT("backup_date", run.backup_date),
                     SCB_NUMBER("block_number", run.block_number));
        return SCB_OK;
    }
    if (backup->settings->resume_only) {
        backup->started = true;
        scb_error_set(error, SCB_ERROR_CONTRACT, "interrupted, and %s", reason);
        return scb_error_hint(error, "satellite backup retry starts it over at a newer block");
    }
    scb_log_warn(backup->parts->log, "Backup starts over", SCB_TEXT("backup_date", run.backup_date),
                 SCB_TEXT("reason", reason));
    return start_over(backup, error);
}

/* --- the pages --- */

static void observe(void *state, const struct scb_run_progress *progress)
{
    struct backup *backup = state;
    backup->result->reused_pages = progress->reused_pages;
    if (backup->parts->observe != NULL)
        backup->parts->observe(backup->parts->observe_state, progress);
}

/* Whether odd answers have a simple reason: another block stands at the pinned number now. */
static bool was_replaced(struct scb_source *source)
{
    bool changed = false;
    struct scb_error unused = {0};
    return source->ops->confirm(source, &changed, &unused) == SCB_OK && changed;
}

static enum scb_status run_pages(struct backup *backup, bool *ret_pin_lost, struct scb_error *error)
{
    const struct scb_backup_parts *parts = backup->parts;
    const struct scb_backup_settings *settings = backup->settings;
    enum scb_status status = scb_archive_open(&backup->archive, backup->dir, settings->backup_date,
                                              settings->max_backup_file_size, error);
    struct scb_pipeline_settings pipeline = {.source = parts->source,
                                             .dir = backup->dir,
                                             .catalog = parts->catalog,
                                             .archive = &backup->archive,
                                             .store = parts->store,
                                             .log = parts->log,
                                             .clock = parts->clock,
                                             .watch = parts->watch,
                                             .cancel = parts->cancel,
                                             .backup_date = settings->backup_date,
                                             .rules = settings->rules,
                                             .total_keys = backup->run.total_keys,
                                             .total_pages = backup->run.total_pages,
                                             .page_size = backup->run.page_size,
                                             .max_concurrent_pages = settings->max_concurrent_pages,
                                             .worker_concurrency = settings->worker_concurrency,
                                             .memory_limit = settings->memory_limit / 8,
                                             .page_deadline_ms = settings->page_deadline_ms,
                                             .observe = observe,
                                             .observe_state = backup};
    if (status == SCB_OK)
        status = scb_pipeline_run(&pipeline, backup->pages, ret_pin_lost, error);
    if (status == SCB_OK)
        status = parts->source->ops->confirm(parts->source, ret_pin_lost, error);
    else if (status == SCB_ERROR_VALIDATION || status == SCB_ERROR_CONTRACT)
        *ret_pin_lost |= was_replaced(parts->source);
    if (status == SCB_OK && *ret_pin_lost)
        status = scb_error_set(error, SCB_ERROR_CONTRACT,
                               "block %" PRIu64 " was replaced (the chain reorganised)",
                               backup->pin.block_number);
    if (status != SCB_OK)
        scb_archive_abort(&backup->archive);
    return status;
}

/* Reads all pages of one block; when the block is lost on the way, all of a newer one. */
static enum scb_status run_to_the_end(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = begin(backup, error);
    while (status == SCB_OK) {
        bool pin_lost = false;
        status = run_pages(backup, &pin_lost, error);
        if (status == SCB_OK)
            return SCB_OK;
        if (!pin_lost)
            return status;
        if (backup->result->repins == MAX_REPINS || is_fixed(backup->settings->block)) {
            scb_error_wrap(error, "the pinned block was lost %" PRIu64 " times",
                           backup->result->repins + 1);
            return scb_error_hint(error, "add an archive endpoint, or raise "
                                         "backup.max_concurrent_pages to be done sooner");
        }
        backup->result->repins++;
        scb_log_warn(backup->parts->log, "Block lost, pinning a newer one",
                     SCB_TEXT("backup_date", backup->settings->backup_date),
                     SCB_TEXT("error", error->message));
        if (scb_cancel_sleep(backup->parts->cancel, BLOCK_TIME_MS)) /* for there to be one */
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        status = start_over(backup, error);
    }
    return status;
}

/* --- the end --- */

static enum scb_status add_warnings(void *state, const struct scb_page_record *page,
                                    struct scb_error *error)
{
    (void)error;
    struct scb_warnings *warnings = state;
    warnings->empty_keys += page->empty_keys;
    warnings->empty_versions += page->empty_versions;
    warnings->duplicate_keys += page->duplicate_keys;
    return SCB_OK;
}

static enum scb_status make_manifest(const struct backup *backup, struct scb_manifest *manifest,
                                     struct scb_error *error)
{
    const struct scb_run_record *run = &backup->run;
    *manifest = (struct scb_manifest){.chain_id = run->chain_id,
                                      .block_number = run->block_number,
                                      .block_time = run->block_time,
                                      .total_keys = run->total_keys,
                                      .total_pages = run->total_pages,
                                      .page_size = run->page_size,
                                      .program = "satellite " SCB_VERSION};
    memcpy(manifest->backup_date, run->backup_date, sizeof(manifest->backup_date));
    memcpy(manifest->contract, run->contract, sizeof(manifest->contract));
    memcpy(manifest->block_hash, run->block_hash, sizeof(manifest->block_hash));
    return scb_catalog_pages(backup->parts->catalog, run->backup_date, add_warnings,
                             &manifest->warnings, error);
}

/* `completed` is written last, after the archive and its directory are on the disk. */
static enum scb_status complete(struct backup *backup, struct scb_error *error)
{
    struct scb_manifest manifest;
    enum scb_status status = make_manifest(backup, &manifest, error);
    if (status == SCB_OK) /* with its first archive the directory becomes this contract's */
        status = scb_binding_check(backup->parts->store, &backup->pin, true, error);
    if (status != SCB_OK) {
        scb_archive_abort(&backup->archive);
        return status;
    }
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t size = 0;
    status = scb_archive_finish(&backup->archive, &manifest, backup->pages, sha256, &size, error);
    if (status != SCB_OK)
        return status;
    struct scb_backup_record record = {.state = SCB_BACKUP_COMPLETED,
                                       .completed_at_ms = real_ms(backup),
                                       .total_pages = (int64_t)manifest.total_pages,
                                       .total_keys = (int64_t)manifest.total_keys,
                                       .file_size = (int64_t)size};
    memcpy(record.backup_date, manifest.backup_date, sizeof(record.backup_date));
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(record.backup_date, name);
    (void)snprintf(record.backup_file_path, sizeof(record.backup_file_path), "%s/%s",
                   record.backup_date, name);
    scb_text_hex(sha256, sizeof(sha256), record.checksum);
    return scb_catalog_complete(backup->parts->catalog, &record, error);
}

/* What follows `completed`; every start redoes it, so a crash in between does no harm. */
static enum scb_status settle(struct backup *backup, struct scb_error *error)
{
    struct scb_backup_record newest;
    enum scb_status status = scb_catalog_newest(backup->parts->catalog, true, &newest, error);
    if (status == SCB_OK && strcmp(newest.backup_date, backup->settings->backup_date) == 0)
        status = scb_backup_dir_publish(backup->dir, error);
    if (status == SCB_OK && !backup->settings->keep_page_files)
        status = scb_backup_dir_clear(backup->dir, error);
    if (status == SCB_OK)
        status = scb_catalog_get(backup->parts->catalog, backup->settings->backup_date,
                                 &backup->result->backup, error);
    return status;
}

static enum scb_status try_once(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = scb_store_check_space(backup->parts->store, error);
    if (status == SCB_OK)
        status = run_to_the_end(backup, error);
    return status == SCB_OK ? complete(backup, error) : status;
}

/*
 * A failed file operation is tried again at once, then once more after a pause. It is the whole run
 * that is taken up again, from the page files: after a failed sync nobody knows what of a file is
 * on the disk, so that it must be written anew.
 */
static enum scb_status try_all(struct backup *backup, struct scb_error *error)
{
    static const int64_t pauses_ms[] = {0, 1000};
    enum scb_status status = try_once(backup, error);
    for (size_t i = 0; i < SCB_LENGTH(pauses_ms) && status == SCB_ERROR_FILE; i++) {
        scb_log_warn(backup->parts->log, "File operation failed, trying again",
                     SCB_TEXT("backup_date", backup->settings->backup_date),
                     SCB_TEXT("error", error->message));
        if (scb_cancel_sleep(backup->parts->cancel, pauses_ms[i]))
            return status;
        status = try_once(backup, error);
    }
    return status;
}

static enum scb_status make(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = try_all(backup, error);
    if (status == SCB_OK || !backup->started)
        return status;
    struct scb_error second = {0};
    char message[1200];
    (void)snprintf(message, sizeof(message), "%s: %s", scb_status_name(error->status),
                   error->message);
    if (scb_catalog_fail(backup->parts->catalog, backup->settings->backup_date, message, &second) !=
        SCB_OK)
        scb_log_failure(backup->parts->log, "Failure not recorded", backup->settings->backup_date,
                        &second);
    return status;
}

/*
 * An archive gets its name when all of it is on the disk; its row may be lost after that, with the
 * power or the database. It is the backup, so that it is not made anew over it.
 */
static enum scb_status adopt_unknown_archive(struct backup *backup, struct scb_error *error)
{
    const struct scb_cleanup_parts parts = {.store = backup->parts->store,
                                            .catalog = backup->parts->catalog,
                                            .log = backup->parts->log,
                                            .clock = backup->parts->clock};
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(backup->settings->backup_date, name);
    if (scb_backup_dir_read(backup->dir, name, &fd, &size, NULL) != SCB_OK)
        return SCB_OK;
    enum scb_status status = scb_rescan_adopt(&parts, backup->settings->backup_date,
                                              &backup->result->already_done, error);
    if (status != SCB_OK || backup->result->already_done)
        return status;
    scb_error_set(error, SCB_ERROR_DATABASE,
                  "%s/%s is there, but the status database does not know it, nor is it whole",
                  backup->settings->backup_date, name);
    return scb_error_hint(error, "move it away to make the backup again");
}

static enum scb_status make_or_settle(struct backup *backup, struct scb_error *error)
{
    struct scb_error none = {0};
    enum scb_status status = scb_catalog_get(backup->parts->catalog, backup->settings->backup_date,
                                             &backup->result->backup, &none);
    if (status != SCB_OK && (status != SCB_ERROR_NOT_FOUND || backup->settings->must_exist)) {
        *error = none;
        return status;
    }
    bool known = status == SCB_OK;
    backup->result->already_done =
        status == SCB_OK && backup->result->backup.state == SCB_BACKUP_COMPLETED;
    status = scb_backup_dir_open(backup->parts->store, backup->settings->backup_date, true,
                                 &backup->dir, error);
    if (status == SCB_OK && !known)
        status = adopt_unknown_archive(backup, error);
    if (status == SCB_OK && !backup->result->already_done)
        status = make(backup, error);
    if (status == SCB_OK)
        status = settle(backup, error);
    if (backup->dir != NULL && !backup->started && !backup->result->already_done)
        scb_backup_dir_remove_if_empty(backup->dir);
    scb_backup_dir_close(backup->dir);
    return status;
}

/* The directory's lock, then the backup's. */
struct locks {
    struct scb_store_lock *writer, *backup;
};

static void unlock(struct locks *locks)
{
    scb_store_unlock(locks->backup);
    scb_store_unlock(locks->writer);
    *locks = (struct locks){0};
}

static enum scb_status lock(const struct scb_backup_parts *parts,
                            const struct scb_backup_settings *settings, struct locks *ret_locks,
                            struct scb_error *error)
{
    int64_t end_ms = scb_clock_monotonic_ms(parts->clock) + settings->lock_wait_ms;
    for (;;) {
        enum scb_status status =
            scb_store_lock_writer(parts->store, parts->clock, &ret_locks->writer, error);
        if (status == SCB_OK)
            status = scb_store_lock(parts->store, settings->backup_date, parts->clock,
                                    &ret_locks->backup, error);
        if (status == SCB_OK)
            return SCB_OK;
        unlock(ret_locks);
        if (status != SCB_ERROR_BUSY || scb_clock_monotonic_ms(parts->clock) >= end_ms)
            return status;
        if (scb_cancel_sleep(parts->cancel, LOCK_POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
}

static void log_completed(const struct backup *backup)
{
    const struct scb_backup_result *result = backup->result;
    char duration[32];
    scb_text_format_elapsed(result->duration_ms, duration, sizeof(duration));
    scb_log_info(
        backup->parts->log, "Backup operation completed",
        SCB_TEXT("backup_date", result->backup.backup_date), SCB_TEXT("duration", duration),
        SCB_NUMBER("total_keys", result->backup.total_keys),
        SCB_NUMBER("total_pages", result->backup.total_pages),
        SCB_TEXT("file_path", result->backup.backup_file_path),
        SCB_NUMBER("file_size", result->backup.file_size),
        SCB_TEXT("checksum", result->backup.checksum),
        SCB_NUMBER("reused_pages", result->reused_pages), SCB_NUMBER("calls", result->calls.calls),
        SCB_NUMBER("retries", result->calls.retries), SCB_TEXT("version", SCB_VERSION));
}

enum scb_status scb_backup_run(const struct scb_backup_parts *parts,
                               const struct scb_backup_settings *settings,
                               struct scb_backup_result *ret_result, struct scb_error *error)
{
    *ret_result = (struct scb_backup_result){0};
    struct backup backup = {.parts = parts, .settings = settings, .result = ret_result};
    int64_t started_ms = scb_clock_monotonic_ms(parts->clock);
    struct locks locks = {0};
    enum scb_status status = lock(parts, settings, &locks, error);
    if (status != SCB_OK)
        return status;
    scb_log_info(parts->log, "Backup operation started",
                 SCB_TEXT("backup_date", settings->backup_date), SCB_TEXT("version", SCB_VERSION));
    status = make_or_settle(&backup, error);
    unlock(&locks);
    free(backup.pages);
    ret_result->pin = backup.pin;
    ret_result->duration_ms = scb_clock_monotonic_ms(parts->clock) - started_ms;
    parts->source->ops->counters(parts->source, &ret_result->calls);
    if (status == SCB_OK && !ret_result->already_done)
        log_completed(&backup);
    return status;
}

enum scb_status scb_backup_plan(const struct scb_backup_parts *parts,
                                const struct scb_backup_settings *settings,
                                struct scb_backup_result *ret_result, struct scb_error *error)
{
    *ret_result = (struct scb_backup_result){0};
    enum scb_status status = parts->source->ops->pin(parts->source, NULL, &ret_result->pin, error);
    if (status != SCB_OK)
        return status;
    struct scb_backup_record *plan = &ret_result->backup;
    (void)snprintf(plan->backup_date, sizeof(plan->backup_date), "%s", settings->backup_date);
    plan->total_keys = (int64_t)ret_result->pin.total_keys;
    plan->total_pages = (int64_t)count_pages(ret_result->pin.total_keys, settings->page_size);
    plan->block_number = (int64_t)ret_result->pin.block_number;
    return SCB_OK;
}
