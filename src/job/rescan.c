/* SPDX-License-Identifier: Apache-2.0 */
#include "job/rescan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "format/manifest.h"
#include "format/page.h"
#include "job/archive_pages.h"
#include "job/page_content.h"
#include "job/signature_check.h"
#include "store/inventory.h"

enum {
    BATCH = 128, /* pages recorded at a time */
};

/* An archive on its way into the catalog. */
struct archive {
    int fd;
    const struct scb_cancel *cancel;
    struct scb_manifest manifest;
    struct scb_backup_record record;
};

/* --- one archive --- */

typedef enum scb_status (*page_taker)(void *state, const struct scb_archived_page *page,
                                      struct scb_error *error);

/* Gives every page to take, until the work is to end. */
static enum scb_status walk(struct archive *archive, page_taker take, void *state,
                            struct scb_error *error)
{
    struct scb_archive_pages *pages = NULL;
    enum scb_status status =
        scb_archive_pages_open(archive->fd, (uint64_t)archive->record.file_size,
                               archive->record.backup_date, &pages, error);
    if (status == SCB_OK)
        archive->manifest = *scb_archive_pages_manifest(pages);
    for (bool more = true; status == SCB_OK;) {
        struct scb_archived_page page;
        status = scb_archive_pages_next(pages, &more, &page, error);
        if (status != SCB_OK || !more)
            break;
        status = take(state, &page, error);
        if (status == SCB_OK && scb_cancel_requested(archive->cancel))
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
    scb_archive_pages_close(pages);
    return status;
}

static enum scb_status check_page(void *state, const struct scb_archived_page *page,
                                  struct scb_error *error)
{
    struct scb_bytes held;
    enum scb_status status = scb_page_content_check(state, page, &held, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "%s", page->place.name);
}

/* A row says that the backup is whole: so its pages are looked at too, and none is opened. */
static enum scb_status check_pages(struct archive *archive, struct scb_error *error)
{
    const struct scb_page_content_settings settings = {.fd = archive->fd};
    struct scb_page_content *content = NULL;
    enum scb_status status = scb_page_content_new(&settings, &content, error);
    if (status == SCB_OK)
        status = walk(archive, check_page, content, error);
    scb_page_content_free(content);
    return status;
}

/* The manifest is an outside file: what cannot be a backup of that date and row is refused. */
static enum scb_status check_archive(const struct archive *archive,
                                     const struct scb_backup_record *row, struct scb_error *error)
{
    const struct scb_manifest *manifest = &archive->manifest;
    const char *checksum = archive->record.checksum;
    char hash[67] = "0x";
    scb_text_hex(manifest->block_hash, sizeof(manifest->block_hash), hash + 2);
    if (row != NULL && row->block_hash[0] != '\0' && strcmp(row->block_hash, hash) != 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "its archive is of another block than the run in the database");
    if (row != NULL && row->checksum[0] != '\0' && strcmp(row->checksum, checksum) != 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "its archive is not the one that was recorded");
    if (manifest->chain_id > INT64_MAX || manifest->block_number > INT64_MAX ||
        manifest->block_time > INT64_MAX || manifest->total_keys > INT64_MAX ||
        manifest->page_size > INT64_MAX)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "its manifest has numbers out of bounds");
    return SCB_OK;
}

static enum scb_status check_signature(const struct archive *archive,
                                       const struct scb_node_ids *trusted, struct scb_error *error)
{
    enum scb_signature_state signature;
    struct scb_node_id signer;
    struct scb_archive_pages *pages = NULL;
    enum scb_status status =
        scb_archive_pages_open(archive->fd, (uint64_t)archive->record.file_size,
                               archive->record.backup_date, &pages, error);
    if (status == SCB_OK)
        status = scb_signature_check(archive->fd, pages, trusted, &signature, &signer, error);
    scb_archive_pages_close(pages);
    return status;
}

/* Whoever may write to the directory can put a whole archive there, unless the row tells which. */
static enum scb_status check_demands(const struct archive *archive,
                                     const struct scb_rescan_demands *demands,
                                     struct scb_error *error)
{
    const struct scb_manifest *manifest = &archive->manifest;
    if (demands->row != NULL && demands->row->checksum[0] != '\0')
        return SCB_OK;
    if (memcmp(manifest->contract, demands->contract, sizeof(manifest->contract)) != 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "it is of another contract");
    if (!scb_age_recipients_are_equal(&manifest->recipients, demands->recipients))
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "it is not encrypted for whom encryption.recipients names");
    enum scb_status status = check_signature(archive, demands->trusted, error);
    if (status == SCB_ERROR_INTEGRITY) /* the backup itself is whole */
        status = error->status = SCB_ERROR_VALIDATION;
    return status;
}

static enum scb_status read_archive(const struct scb_store *store, const char *backup_date,
                                    const struct scb_backup_record *row, struct archive *archive,
                                    struct scb_error *error)
{
    char name[SCB_ARCHIVE_NAME_SIZE];
    uint64_t size = 0;
    struct stat about = {0};
    struct scb_backup_dir *dir = NULL;
    scb_archive_name(backup_date, name);
    enum scb_status status = scb_backup_dir_open(store, backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, name, &archive->fd, &size, error);
    if (status == SCB_OK) /* who made it may not have come so far */
        status = scb_file_sync(archive->fd, name, error);
    if (status == SCB_OK)
        status = scb_backup_dir_sync(dir, error);
    scb_backup_dir_close(dir);
    struct scb_backup_record *record = &archive->record;
    (void)snprintf(record->backup_date, sizeof(record->backup_date), "%s", backup_date);
    (void)snprintf(record->backup_file_path, sizeof(record->backup_file_path), "%s/%s", backup_date,
                   name);
    if (status == SCB_OK)
        status = scb_digest_file(archive->fd, name, archive->cancel, record->checksum, error);
    record->file_size = (int64_t)size;
    if (status == SCB_OK)
        status = check_pages(archive, error);
    if (status == SCB_OK)
        status = check_archive(archive, row, error);
    if (status != SCB_OK)
        return status;
    const struct scb_manifest *manifest = &archive->manifest;
    record->total_pages = (int64_t)manifest->total_pages;
    record->total_keys = (int64_t)manifest->total_keys;
    /* The archive got its name when it was done. */
    record->completed_at_ms = fstat(archive->fd, &about) == 0 ? (int64_t)about.st_mtime * 1000 : 0;
    return SCB_OK;
}

/* --- into the catalog --- */

struct recorder {
    struct scb_catalog *catalog;
    const struct scb_backup_record *record;
    const struct scb_manifest *manifest;
    struct scb_page_record *batch; /* BATCH of them */
    size_t count;
};

static enum scb_status flush(struct recorder *recorder, struct scb_error *error)
{
    size_t count = recorder->count;
    recorder->count = 0;
    return count == 0 ? SCB_OK
                      : scb_catalog_record_pages(recorder->catalog, recorder->record->backup_date,
                                                 recorder->batch, count, error);
}

static enum scb_status record_page(void *state, const struct scb_archived_page *archived,
                                   struct scb_error *error)
{
    struct recorder *recorder = state;
    const struct scb_manifest_page *page = &archived->page;
    char name[SCB_PAGE_NAME_SIZE];
    struct scb_page_record *row = &recorder->batch[recorder->count++];
    *row = (struct scb_page_record){.page_number = page->number,
                                    .state = SCB_BACKUP_COMPLETED,
                                    .completed_at_ms = recorder->record->completed_at_ms,
                                    .keys_count = page->keys,
                                    .file_size = page->size};
    scb_page_file_name(page->number, scb_manifest_is_encrypted(recorder->manifest), name);
    (void)snprintf(row->file_path, sizeof(row->file_path), "%s/%s", recorder->record->backup_date,
                   name);
    memcpy(row->sha256, page->sha256, sizeof(row->sha256));
    return recorder->count < BATCH ? SCB_OK : flush(recorder, error);
}

/* A crash on the way leaves a row in progress, which the next rescan finishes. */
static enum scb_status record_archive(struct scb_catalog *catalog, struct archive *archive,
                                      struct scb_error *error)
{
    const struct scb_manifest *manifest = &archive->manifest;
    struct scb_run_record run = {.chain_id = manifest->chain_id,
                                 .block_number = manifest->block_number,
                                 .block_time = manifest->block_time,
                                 .page_size = manifest->page_size,
                                 .total_keys = manifest->total_keys,
                                 .total_pages = manifest->total_pages};
    memcpy(run.backup_date, archive->record.backup_date, sizeof(run.backup_date));
    memcpy(run.contract, manifest->contract, sizeof(run.contract));
    memcpy(run.block_hash, manifest->block_hash, sizeof(run.block_hash));
    scb_age_recipients_format(&manifest->recipients, run.recipients);
    struct recorder recorder = {
        .catalog = catalog, .record = &archive->record, .manifest = manifest};
    SCB_AUTO(memory) void *batch = scb_alloc(BATCH, sizeof(*recorder.batch), error);
    recorder.batch = batch;
    if (batch == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status =
        scb_catalog_start(catalog, &run, archive->record.completed_at_ms, error);
    if (status == SCB_OK)
        status = walk(archive, record_page, &recorder, error);
    if (status == SCB_OK)
        status = flush(&recorder, error);
    return status == SCB_OK ? scb_catalog_complete(catalog, &archive->record, error) : status;
}

/* --- one backup --- */

static void warn(const struct scb_cleanup_parts *parts, const char *message,
                 const char *backup_date, const char *reason)
{
    scb_log_warn(parts->log, message, SCB_TEXT("backup_date", backup_date),
                 SCB_TEXT("reason", reason));
}

/* Makes the row of a directory whose archive is whole, and what is demanded, where something is;
 * row is the one there is, or NULL. An archive that cannot be read is a finding, too: it must not
 * keep the others from being found. */
static enum scb_status restore(const struct scb_cleanup_parts *parts, const char *backup_date,
                               const struct scb_backup_record *row,
                               const struct scb_rescan_demands *demands,
                               struct scb_error *ret_problem, struct scb_error *error)
{
    struct archive archive = {.fd = -1, .cancel = parts->cancel};
    enum scb_status status = read_archive(parts->store, backup_date, row, &archive, ret_problem);
    if (status == SCB_OK && demands != NULL)
        status = check_demands(&archive, demands, ret_problem);
    bool whole = status == SCB_OK;
    if (whole)
        status = record_archive(parts->catalog, &archive, error);
    scb_fd_cleanup(&archive.fd);
    if (!whole && status == SCB_ERROR_CANCELED)
        *error = *ret_problem;
    if (!whole && status != SCB_ERROR_CANCELED) {
        warn(parts, "Directory holds no whole backup", backup_date, ret_problem->message);
        return SCB_OK;
    }
    if (status != SCB_OK)
        return scb_error_wrap(error, "backup %s", backup_date);
    scb_log_info(parts->log, "Backup restored to the status database",
                 SCB_TEXT("backup_date", backup_date),
                 SCB_NUMBER("total_keys", archive.record.total_keys),
                 SCB_TEXT("checksum", archive.record.checksum));
    return SCB_OK;
}

static enum scb_status lose(const struct scb_cleanup_parts *parts, const char *backup_date,
                            const char *reason, struct scb_rescan_result *result,
                            struct scb_error *error)
{
    char message[160];
    (void)snprintf(message, sizeof(message), "%s: %s", scb_status_name(SCB_ERROR_NOT_FOUND),
                   reason);
    warn(parts, "Completed backup is gone", backup_date, reason);
    result->lost++;
    return scb_catalog_invalidate(parts->catalog, backup_date, message, error);
}

/* Nobody else works on it while this runs. */
static enum scb_status compare(const struct scb_cleanup_parts *parts, const char *backup_date,
                               struct scb_rescan_result *result, struct scb_error *error)
{
    struct scb_backup_record row;
    struct scb_inventory_entry files;
    struct scb_error problem = {0};
    enum scb_status status = scb_catalog_get(parts->catalog, backup_date, &row, &problem);
    bool has_row = status == SCB_OK;
    bool has_files = false;
    if (status == SCB_OK || status == SCB_ERROR_NOT_FOUND) {
        status = scb_inventory_measure(parts->store, backup_date, &files, &problem);
        has_files = status == SCB_OK;
    }
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND) {
        *error = problem;
        return status;
    }
    bool archived = has_files && files.archive_bytes >= 0;
    if (has_row && row.state == SCB_BACKUP_COMPLETED) {
        const char *reason = !has_files  ? "its directory is missing"
                             : !archived ? "its archive is missing"
                             : files.archive_bytes != row.file_size
                                 ? "its archive has another size than was recorded"
                                 : NULL;
        return reason == NULL ? SCB_OK : lose(parts, backup_date, reason, result, error);
    }
    if (archived) {
        problem = (struct scb_error){0};
        status = restore(parts, backup_date, has_row ? &row : NULL, NULL, &problem, error);
        result->restored += status == SCB_OK && problem.status == SCB_OK;
        result->orphans += status == SCB_OK && problem.status != SCB_OK;
        return status;
    }
    if (has_files && !has_row) {
        warn(parts, "Directory holds no whole backup", backup_date,
             "it has no archive, and the status database does not know it");
        result->orphans++;
    }
    return SCB_OK;
}

static enum scb_status compare_locked(const struct scb_cleanup_parts *parts,
                                      const char *backup_date, struct scb_rescan_result *result,
                                      struct scb_error *error)
{
    struct scb_store_lock *lock = NULL;
    struct scb_error problem = {0};
    enum scb_status status =
        scb_store_lock(parts->store, backup_date, parts->clock, &lock, &problem);
    if (status == SCB_ERROR_BUSY) {
        warn(parts, "Backup not looked at", backup_date, problem.message);
        result->skipped++;
        return SCB_OK;
    }
    if (status != SCB_OK) {
        *error = problem;
        return status;
    }
    status = compare(parts, backup_date, result, error);
    scb_store_unlock(lock);
    return status;
}

/* --- all of them --- */

/* Completed rows whose directory the inventory does not have. */
struct missing {
    const struct scb_inventory *inventory;
    char (*dates)[SCB_BACKUP_DATE_SIZE];
    size_t count, room;
};

static enum scb_status add_missing(void *state, const struct scb_backup_record *backup,
                                   struct scb_error *error)
{
    struct missing *missing = state;
    if (backup->state != SCB_BACKUP_COMPLETED ||
        scb_inventory_find(missing->inventory, backup->backup_date) != NULL)
        return SCB_OK;
    if (missing->count == missing->room) {
        missing->room = missing->room == 0 ? 64 : missing->room * 2;
        void *grown = scb_realloc(missing->dates, missing->room, sizeof(*missing->dates), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        missing->dates = grown;
    }
    memcpy(missing->dates[missing->count++], backup->backup_date, SCB_BACKUP_DATE_SIZE);
    return SCB_OK;
}

enum scb_status scb_rescan_run(const struct scb_cleanup_parts *parts,
                               struct scb_rescan_result *ret_result, struct scb_error *error)
{
    SCB_AUTO(inventory) struct scb_inventory inventory = {0};
    struct missing missing = {.inventory = &inventory};
    *ret_result = (struct scb_rescan_result){0};
    enum scb_status status = scb_inventory_load(parts->store, &inventory, error);
    if (status == SCB_OK)
        status = scb_catalog_list(parts->catalog, 0, add_missing, &missing, error);
    for (size_t i = 0; i < missing.count && status == SCB_OK; i++)
        status = compare_locked(parts, missing.dates[i], ret_result, error);
    for (size_t i = 0; i < inventory.count && status == SCB_OK; i++)
        status = compare_locked(parts, inventory.entries[i].backup_date, ret_result, error);
    free(missing.dates);
    return status;
}

enum scb_status scb_rescan_adopt(const struct scb_cleanup_parts *parts, const char *backup_date,
                                 const struct scb_rescan_demands *demands,
                                 struct scb_error *ret_problem, struct scb_error *error)
{
    *ret_problem = (struct scb_error){0};
    return restore(parts, backup_date, demands->row, demands, ret_problem, error);
}
