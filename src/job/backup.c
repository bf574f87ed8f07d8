/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/page.h"
#include "job/archive.h"
#include "job/begin.h"
#include "job/binding.h"
#include "job/claim.h"
#include "job/found_archive.h"
#include "job/patience.h"
#include "job/pipeline.h"
#include "job/settle.h"
#include "source/pin.h"

enum {
    MAX_REPINS = 3,
    BLOCK_TIME_MS = 2000,
};

/* One backup being made. */
struct backup {
    const struct scb_backup_parts *parts;
    const struct scb_backup_settings *settings;
    struct scb_backup_dir *dir;
    struct scb_beginning begin;
    struct scb_archive archive;
    struct scb_patience patience;
    struct scb_backup_result *result;
};

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
    struct scb_archive_settings archive = {.dir = backup->dir,
                                           .backup_date = settings->backup_date,
                                           .max_size = settings->max_backup_file_size,
                                           .encrypted = settings->recipients->count > 0,
                                           .identity = settings->identity};
    enum scb_status status = scb_archive_open(&backup->archive, &archive, error);
    struct scb_pipeline_settings pipeline = {.source = parts->source,
                                             .dir = backup->dir,
                                             .catalog = parts->catalog,
                                             .patience = &backup->patience,
                                             .archive = &backup->archive,
                                             .store = parts->store,
                                             .log = parts->log,
                                             .metrics = parts->metrics,
                                             .clock = parts->clock,
                                             .cancel = parts->cancel,
                                             .backup_date = settings->backup_date,
                                             .rules = settings->rules,
                                             .recipients = settings->recipients,
                                             .total_keys = backup->begin.run.total_keys,
                                             .total_pages = backup->begin.run.total_pages,
                                             .page_size = backup->begin.run.page_size,
                                             .max_concurrent_pages = settings->max_concurrent_pages,
                                             .worker_concurrency = settings->worker_concurrency,
                                             .memory_limit = settings->memory_limit / 8,
                                             .page_deadline_ms = settings->page_deadline_ms,
                                             .quorum = settings->quorum,
                                             .observe = observe,
                                             .observe_state = backup};
    if (status == SCB_OK)
        status = scb_pipeline_run(&pipeline, backup->begin.pages, ret_pin_lost, error);
    if (status == SCB_OK)
        status = parts->source->ops->confirm(parts->source, ret_pin_lost, error);
    else if (status == SCB_ERROR_VALIDATION || status == SCB_ERROR_CONTRACT)
        *ret_pin_lost |= was_replaced(parts->source);
    if (status == SCB_OK && *ret_pin_lost)
        status = scb_error_set(error, SCB_ERROR_CONTRACT,
                               "block %" PRIu64
                               " was replaced (the chain reorganised), or who served it "
                               "does not confirm it",
                               backup->begin.pin.block_number);
    if (status != SCB_OK)
        scb_archive_abort(&backup->archive);
    return status;
}

/* Reads all pages of one block; when the block is lost on the way, all of a newer one. */
static enum scb_status run_to_the_end(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = scb_begin(&backup->begin, error);
    while (status == SCB_OK) {
        bool pin_lost = false;
        status = run_pages(backup, &pin_lost, error);
        if (status == SCB_OK)
            return SCB_OK;
        if (!pin_lost || backup->settings->resume_only) /* of an earlier slot: that block or none */
            return status;
        if (backup->result->repins == MAX_REPINS || scb_pin_is_fixed(backup->settings->block)) {
            scb_error_wrap(error, "the pinned block was lost %" PRIu64 " times",
                           backup->result->repins + 1);
            return scb_error_hint(error, "add an archive endpoint, or raise "
                                         "backup.max_concurrent_pages to be done sooner");
        }
        backup->result->repins++;
        scb_metrics_add(backup->parts->metrics, SCB_METRIC_REPINS, 0, 1);
        scb_log_warn(backup->parts->log, "Block lost, pinning a newer one",
                     SCB_TEXT("backup_date", backup->settings->backup_date),
                     SCB_TEXT("error", error->message));
        if (scb_cancel_sleep(backup->parts->cancel, BLOCK_TIME_MS)) /* for there to be one */
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        status = scb_begin_over(&backup->begin, error);
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
    const struct scb_run_record *run = &backup->begin.run;
    *manifest = (struct scb_manifest){.chain_id = run->chain_id,
                                      .block_number = run->block_number,
                                      .block_time = run->block_time,
                                      .total_keys = run->total_keys,
                                      .total_pages = run->total_pages,
                                      .page_size = run->page_size,
                                      .recipients = *backup->settings->recipients,
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
        status = scb_binding_check(backup->parts->store, &backup->begin.pin, true, error);
    if (status != SCB_OK) {
        scb_archive_abort(&backup->archive);
        return status;
    }
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t size = 0;
    status =
        scb_archive_finish(&backup->archive, &manifest, backup->begin.pages, sha256, &size, error);
    if (status != SCB_OK)
        return status;
    uint64_t files = backup->settings->identity == NULL ? 2 : 3; /* manifest and signature, too */
    scb_metrics_add(backup->parts->metrics, SCB_METRIC_FILES_CREATED, 0, files);
    scb_metrics_add(backup->parts->metrics, SCB_METRIC_FILE_BYTES, 0, size);
    struct scb_backup_record record = {.state = SCB_BACKUP_COMPLETED,
                                       .completed_at_ms = scb_clock_real_ms(backup->parts->clock),
                                       .total_pages = (int64_t)manifest.total_pages,
                                       .total_keys = (int64_t)manifest.total_keys,
                                       .file_size = (int64_t)size};
    memcpy(record.backup_date, manifest.backup_date, sizeof(record.backup_date));
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(record.backup_date, name);
    (void)snprintf(record.backup_file_path, sizeof(record.backup_file_path), "%s/%s",
                   record.backup_date, name);
    scb_text_hex(sha256, sizeof(sha256), record.checksum);
    do
        status = scb_catalog_complete(backup->parts->catalog, &record, error);
    while (scb_patience_again(&backup->patience, &status, error));
    return status;
}

static enum scb_status run_once(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = scb_store_check_space(backup->parts->store, error);
    if (status == SCB_OK)
        status = run_to_the_end(backup, error);
    return status == SCB_OK ? complete(backup, error) : status;
}

/* What follows `completed`. */
static enum scb_status settle(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = scb_settle(backup->parts, backup->settings, backup->dir, error);
    return status == SCB_OK ? scb_catalog_get(backup->parts->catalog, backup->settings->backup_date,
                                              &backup->result->backup, error)
                            : status;
}

typedef enum scb_status (*backup_part)(struct backup *backup, struct scb_error *error);

/*
 * A failed file operation is tried again at once, then once more after a pause. It is the whole
 * part that is taken up again, a run from the page files: after a failed sync nobody knows what of
 * a file is on the disk, so that it must be written anew.
 */
static enum scb_status try_all(struct backup *backup, backup_part once, struct scb_error *error)
{
    static const int64_t pauses_ms[] = {0, 1000};
    enum scb_status status = once(backup, error);
    for (size_t i = 0; i < SCB_LENGTH(pauses_ms) && status == SCB_ERROR_FILE; i++) {
        scb_log_warn(backup->parts->log, "File operation failed, trying again",
                     SCB_TEXT("backup_date", backup->settings->backup_date),
                     SCB_TEXT("error", error->message));
        if (scb_cancel_sleep(backup->parts->cancel, pauses_ms[i]))
            return status;
        status = once(backup, error);
    }
    return status;
}

bool scb_backup_was_canceled(const struct scb_backup_record *backup)
{
    const char *canceled = scb_status_name(SCB_ERROR_CANCELED); /* as make writes it */
    return backup->state == SCB_BACKUP_FAILED &&
           strncmp(backup->error_message, canceled, strlen(canceled)) == 0;
}

static void record_failure(struct backup *backup, const struct scb_error *failure)
{
    const struct scb_backup_parts *parts = backup->parts;
    const char *backup_date = backup->settings->backup_date;
    struct scb_error error = {0};
    enum scb_status status = SCB_OK;
    char message[1200];
    const char *run_id = backup->settings->run_id;
    (void)snprintf(message, sizeof(message), "%s: %s%s%s%s", scb_status_name(failure->status),
                   failure->message, run_id == NULL ? "" : " (run ", run_id == NULL ? "" : run_id,
                   run_id == NULL ? "" : ")");
    do
        status = scb_catalog_fail(parts->catalog, backup_date, message,
                                  scb_clock_real_ms(parts->clock), &error);
    while (scb_patience_again(&backup->patience, &status, &error));
    if (status != SCB_OK)
        scb_log_failure(parts->log, "Failure not recorded", backup_date, &error);
}

static enum scb_status make(struct backup *backup, struct scb_error *error)
{
    enum scb_status status = try_all(backup, run_once, error);
    /* One that may only be resumed and could not be looked at stays what it is, for later. */
    if (status == SCB_OK || (backup->settings->resume_only && !backup->begin.started))
        return status;
    record_failure(backup, error);
    return status;
}

static enum scb_status open_dir(struct backup *backup, bool create, struct scb_error *error)
{
    struct scb_error problem = {0};
    enum scb_status status = scb_backup_dir_open(
        backup->parts->store, backup->settings->backup_date, create, &backup->dir, &problem);
    backup->begin.dir = backup->dir;
    if (status == SCB_OK || (status == SCB_ERROR_NOT_FOUND && !create))
        return SCB_OK;
    *error = problem;
    return status;
}

/*
 * Finds what there is of the backup: its row and its directory. One that must exist may have lost
 * its row, with the database; what is on the disk is then taken as by any other run.
 */
static enum scb_status find(struct backup *backup, bool *ret_known, struct scb_error *error)
{
    const struct scb_backup_settings *settings = backup->settings;
    struct scb_backup_result *result = backup->result;
    struct scb_error none = {0};
    enum scb_status status =
        scb_catalog_get(backup->parts->catalog, settings->backup_date, &result->backup, &none);
    *ret_known = status == SCB_OK;
    if (!*ret_known && (status != SCB_ERROR_NOT_FOUND || settings->resume_only)) {
        *error = none;
        return status;
    }
    bool completed = *ret_known && result->backup.state == SCB_BACKUP_COMPLETED;
    bool lost = !*ret_known && settings->must_exist;
    status = open_dir(backup, !completed && !lost, error);
    if (status != SCB_OK || !lost || backup->dir != NULL)
        return status;
    *error = none;
    return scb_error_hint(error, "it was never begun; 'satellite backup run --backup-date %s' does",
                          settings->backup_date);
}

/* Whether there is an archive already; only one that nothing says was completed is this run's. */
static enum scb_status find_archive(struct backup *backup, bool *ret_stands,
                                    struct scb_error *error)
{
    bool known = false;
    struct scb_backup_result *result = backup->result;
    enum scb_status status = find(backup, &known, error);
    if (status != SCB_OK)
        return status;
    const struct scb_found_archive found = {.parts = backup->parts,
                                            .settings = backup->settings,
                                            .dir = backup->dir,
                                            .row = known ? &result->backup : NULL};
    status = scb_found_archive_look(&found, ret_stands, error);
    result->already_done = *ret_stands && (!known || result->backup.checksum[0] != '\0');
    return status;
}

static void say_started(const struct backup *backup)
{
    backup->result->begun = true;
    scb_metrics_add(backup->parts->metrics, SCB_METRIC_OPERATIONS, SCB_OPERATION_STARTED, 1);
    scb_log_info(backup->parts->log, "Backup operation started",
                 SCB_TEXT("backup_date", backup->settings->backup_date),
                 SCB_TEXT("version", SCB_VERSION));
}

static enum scb_status make_or_settle(struct backup *backup, struct scb_error *error)
{
    bool stands = false;
    enum scb_status status = find_archive(backup, &stands, error);
    if (status == SCB_OK && !backup->result->already_done)
        say_started(backup);
    if (status == SCB_OK && !stands)
        status = make(backup, error);
    if (status == SCB_OK)
        status = try_all(backup, settle, error);
    if (backup->dir != NULL && !backup->begin.started && !backup->result->already_done)
        scb_backup_dir_remove_if_empty(backup->dir);
    scb_backup_dir_close(backup->dir);
    return status;
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
    struct backup backup = {
        .parts = parts,
        .settings = settings,
        .begin = {.parts = parts, .settings = settings, .patience = &backup.patience},
        .patience = {.clock = parts->clock,
                     .cancel = parts->cancel,
                     .log = parts->log,
                     .backup_date = settings->backup_date,
                     .limit_ms = settings->file_operation_timeout_ms},
        .result = ret_result};
    int64_t started_ms = scb_clock_monotonic_ms(parts->clock);
    struct scb_claim claim;
    enum scb_status status = scb_claim_take(parts, settings, &claim, error);
    if (status != SCB_OK)
        return status;
    scb_settle_newest(parts, settings);
    status = make_or_settle(&backup, error);
    scb_claim_release(&claim);
    free(backup.begin.pages);
    ret_result->pin = backup.begin.pin;
    ret_result->resumed = backup.begin.resumed;
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
    plan->block_number = (int64_t)ret_result->pin.block_number;
    uint64_t pages = 0;
    status = scb_begin_count_pages(settings, ret_result->pin.total_keys, &pages, error);
    plan->total_pages = (int64_t)pages;
    return status;
}
