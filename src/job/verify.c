/* SPDX-License-Identifier: Apache-2.0 */
#include "job/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "job/verify_report.h"

/* --- the report --- */

static void find(struct scb_verify_report *report, struct scb_verify_finding *finding,
                 const char *where)
{
    struct scb_verify_result *result = report->result;
    const struct scb_verify_observer *observer = &report->parts->observer;
    finding->backup_date = result->backup_date;
    (void)snprintf(finding->where, sizeof(finding->where), "%s", where);
    pthread_mutex_lock(&report->lock);
    if (!finding->warning && result->problems == 0)
        result->first_problem = *finding;
    if (finding->warning)
        result->warnings++;
    else
        result->problems++;
    if (observer->found != NULL)
        observer->found(observer->state, finding);
    pthread_mutex_unlock(&report->lock);
}

void scb_verify_problem(struct scb_verify_report *report, const char *where, const char *format,
                        ...)
{
    struct scb_verify_finding finding = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding.what, sizeof(finding.what), format, arguments);
    va_end(arguments);
    find(report, &finding, where);
}

void scb_verify_warning(struct scb_verify_report *report, const char *where, const char *format,
                        ...)
{
    struct scb_verify_finding finding = {.warning = true};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding.what, sizeof(finding.what), format, arguments);
    va_end(arguments);
    find(report, &finding, where);
}

enum scb_status scb_verify_judge(struct scb_verify_report *report, const char *where,
                                 enum scb_status status, const struct scb_error *failure,
                                 struct scb_error *error)
{
    if (status == SCB_OK)
        return SCB_OK;
    if (status == SCB_ERROR_INTEGRITY || status == SCB_ERROR_NOT_FOUND) {
        scb_verify_problem(report, where, "%s", failure->message);
        return SCB_OK;
    }
    *error = *failure;
    return scb_error_wrap(error, "%s", where);
}

void scb_verify_show(struct scb_verify_report *report, const struct scb_manifest *manifest,
                     const char *activity, uint64_t pages, uint64_t keys)
{
    const struct scb_verify_parts *parts = report->parts;
    if (parts->observe == NULL)
        return;
    const struct scb_run_progress progress = {.activity = activity,
                                              .backup_date = report->result->backup_date,
                                              .pages = pages,
                                              .total_pages = manifest->total_pages,
                                              .keys = keys,
                                              .total_keys = manifest->total_keys,
                                              .elapsed_ms = scb_clock_monotonic_ms(parts->clock) -
                                                            report->started_ms};
    parts->observe(parts->observe_state, &progress);
}

/* --- the archive as a file --- */

/* Its checksum is made while its pages are looked at. */
struct hasher {
    const struct scb_cancel *cancel;
    int fd;
    char checksum[65];
    enum scb_status status;
    struct scb_error error;
    pthread_t thread;
};

static void *hash_archive(void *argument)
{
    struct hasher *hasher = argument;
    hasher->status =
        scb_digest_file(hasher->fd, "archive", hasher->cancel, hasher->checksum, &hasher->error);
    return NULL;
}

/* --- against the status database --- */

static void check_record(struct scb_verify_report *report, const struct scb_backup_record *record,
                         const struct scb_manifest *manifest)
{
    char hash[67] = "0x";
    scb_text_hex(manifest->block_hash, sizeof(manifest->block_hash), hash + 2);
    report->other_keys = record->total_keys != (int64_t)manifest->total_keys;
    if (report->other_keys || record->total_pages != (int64_t)manifest->total_pages)
        scb_verify_problem(
            report, "database",
            "%" PRId64 " keys in %" PRId64 " pages; the manifest says %" PRIu64 " in %" PRIu64,
            record->total_keys, record->total_pages, manifest->total_keys, manifest->total_pages);
    if (record->block_hash[0] != '\0' && (record->block_number != (int64_t)manifest->block_number ||
                                          strcmp(record->block_hash, hash) != 0))
        scb_verify_problem(report, "database",
                           "block %" PRId64 " %s; the manifest says %" PRIu64 " %s",
                           record->block_number, record->block_hash, manifest->block_number, hash);
}

/* The database's rows beside the manifest's pages. */
struct row_walk {
    struct scb_verify_report *report;
    struct scb_archive_pages *pages;
    struct scb_archived_page page; /* the last one that was looked at */
    bool more;
    uint64_t rows;
};

static enum scb_status compare_row(void *state, const struct scb_page_record *row,
                                   struct scb_error *error)
{
    struct row_walk *walk = state;
    const struct scb_manifest_page *page = &walk->page.page;
    enum scb_status status = SCB_OK;
    walk->rows++;
    do /* past pages without a row: the number of rows says that there are such */
        status = scb_archive_pages_next(walk->pages, &walk->more, &walk->page, error);
    while (status == SCB_OK && walk->more && page->number < row->page_number);
    if (status != SCB_OK || !walk->more)
        return status;
    if (row->page_number != page->number || row->state != SCB_BACKUP_COMPLETED ||
        row->keys_count != page->keys || row->file_size != page->size ||
        memcmp(row->sha256, page->sha256, sizeof(row->sha256)) != 0)
        scb_verify_problem(walk->report, "database",
                           "the row of page %" PRIu64 " is not what the manifest says",
                           row->page_number);
    return SCB_OK;
}

static enum scb_status check_rows(struct scb_verify_report *report, int fd, uint64_t size,
                                  struct scb_error *error)
{
    const char *backup_date = report->result->backup_date;
    struct row_walk walk = {.report = report};
    enum scb_status status = scb_archive_pages_open(fd, size, backup_date, &walk.pages, error);
    if (status != SCB_OK)
        return status;
    status = scb_catalog_pages(report->parts->catalog, backup_date, compare_row, &walk, error);
    uint64_t total = scb_archive_pages_manifest(walk.pages)->total_pages;
    if (status == SCB_OK && walk.rows != total)
        scb_verify_problem(report, "database",
                           "%" PRIu64 " rows of pages; the manifest has "
                           "%" PRIu64,
                           walk.rows, total);
    scb_archive_pages_close(walk.pages);
    return status;
}

/* --- one backup --- */

struct archive {
    int fd;
    uint64_t size;
    struct scb_archive_pages *pages;
};

static enum scb_status check_against_chain(struct scb_verify_report *report,
                                           const struct archive *archive, struct scb_error *error)
{
    struct scb_archive_pages *pages = NULL;
    enum scb_status status = scb_archive_pages_open(archive->fd, archive->size,
                                                    report->result->backup_date, &pages, error);
    if (status == SCB_OK)
        status = scb_verify_chain(report, archive->fd, pages, error);
    scb_archive_pages_close(pages);
    return status;
}

/* dir: what lies beside the archive; NULL for a copy, beside which nothing does. */
static enum scb_status check_opened(struct scb_verify_report *report,
                                    const struct scb_backup_record *record,
                                    const struct scb_backup_dir *dir, struct archive archive,
                                    struct scb_error *error)
{
    const struct scb_manifest *manifest = scb_archive_pages_manifest(archive.pages);
    struct scb_error locked = {0};
    check_record(report, record, manifest);
    enum scb_status status = scb_verify_unlock(report, manifest, &locked, error);
    if (status == SCB_OK)
        status = scb_verify_signature(report, archive.fd, archive.pages, error);
    if (status == SCB_OK)
        status = check_rows(report, archive.fd, archive.size, error);
    if (status == SCB_OK && dir != NULL)
        status = scb_verify_beside(report, dir, archive.fd, archive.pages, error);
    if (status == SCB_OK)
        status = scb_verify_pages(report, dir, archive.fd, archive.pages, error);
    if (status == SCB_OK && locked.status != SCB_OK && dir != NULL) {
        *error = locked;
        return locked.status;
    }
    return status == SCB_OK && report->parts->source != NULL
               ? check_against_chain(report, &archive, error)
               : status;
}

/* Everything that is said of the archive, once it is known to be one. */
static enum scb_status check_content(struct scb_verify_report *report,
                                     const struct scb_backup_record *record,
                                     const struct scb_backup_dir *dir, int fd, uint64_t size,
                                     struct scb_error *error)
{
    struct scb_archive_pages *pages = NULL;
    struct scb_error failure = {0};
    enum scb_status status =
        scb_archive_pages_open(fd, size, record->backup_date, &pages, &failure);
    if (status != SCB_OK)
        return scb_verify_judge(report, "archive", status, &failure, error);
    status = check_opened(report, record, dir, (struct archive){fd, size, pages}, error);
    scb_archive_pages_close(pages);
    return status;
}

/* Its size, its checksum and its content. */
static enum scb_status check_file(struct scb_verify_report *report,
                                  const struct scb_backup_record *record,
                                  const struct scb_backup_dir *dir, int fd, uint64_t size,
                                  struct scb_error *error)
{
    if (record->file_size >= 0 && size != (uint64_t)record->file_size)
        scb_verify_problem(report, "archive", "%" PRIu64 " bytes; the database says %" PRId64, size,
                           record->file_size);
    struct hasher hasher = {.fd = fd, .cancel = report->parts->cancel};
    enum scb_status status =
        scb_thread_start(&hasher.thread, "verify-hash", hash_archive, &hasher, error);
    if (status != SCB_OK)
        return status;
    status = check_content(report, record, dir, fd, size, error);
    (void)pthread_join(hasher.thread, NULL);
    if (status == SCB_OK && hasher.status != SCB_OK) {
        *error = hasher.error;
        return error->status;
    }
    if (hasher.status == SCB_OK && record->checksum[0] != '\0' &&
        strcmp(hasher.checksum, record->checksum) != 0)
        scb_verify_problem(report, "archive", "its SHA-256 is %s; the database says %s",
                           hasher.checksum, record->checksum);
    return status;
}

static enum scb_status check_archive(struct scb_verify_report *report,
                                     const struct scb_backup_record *record,
                                     const struct scb_backup_dir *dir, struct scb_error *error)
{
    char name[SCB_ARCHIVE_NAME_SIZE];
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    struct scb_error failure = {0};
    scb_archive_name(record->backup_date, name);
    enum scb_status status = scb_backup_dir_read(dir, name, &fd, &size, &failure);
    if (status != SCB_OK)
        return scb_verify_judge(report, "archive", status, &failure, error);
    status = check_file(report, record, dir, fd, size, error);
    return status == SCB_OK ? scb_verify_latest(report, record, fd, error) : status;
}

/* The record is read again under the lock: a cleanup may have been first. */
static enum scb_status check_locked(struct scb_verify_report *report, const char *backup_date,
                                    struct scb_error *error)
{
    struct scb_backup_record record;
    struct scb_backup_dir *dir = NULL;
    struct scb_error failure = {0};
    enum scb_status status = scb_catalog_get(report->parts->catalog, backup_date, &record, error);
    if (status == SCB_OK && record.state != SCB_BACKUP_COMPLETED)
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "it is %s",
                             scb_backup_state_name(record.state));
    if (status != SCB_OK)
        return status;
    status = scb_backup_dir_open(report->parts->store, backup_date, false, &dir, &failure);
    if (status != SCB_OK)
        return scb_verify_judge(report, "directory", status, &failure, error);
    status = check_archive(report, &record, dir, error);
    scb_backup_dir_close(dir);
    return status;
}

static struct scb_verify_report begin(const struct scb_verify_parts *parts,
                                      const struct scb_verify_settings *settings,
                                      const char *backup_date, struct scb_verify_result *result)
{
    *result = (struct scb_verify_result){0};
    (void)snprintf(result->backup_date, sizeof(result->backup_date), "%s", backup_date);
    return (struct scb_verify_report){.lock = PTHREAD_MUTEX_INITIALIZER,
                                      .parts = parts,
                                      .settings = settings,
                                      .result = result,
                                      .started_ms = scb_clock_monotonic_ms(parts->clock)};
}

static void end(struct scb_verify_report *report, enum scb_status status,
                const struct scb_error *error)
{
    const struct scb_verify_parts *parts = report->parts;
    struct scb_verify_result *result = report->result;
    if (status == SCB_ERROR_INTEGRITY) /* it changed, or was read otherwise, on the way */
        scb_verify_problem(report, "archive", "%s", error->message);
    else if (status != SCB_OK)
        result->error = *error;
    result->outcome = result->problems > 0 ? SCB_VERIFY_INVALID
                      : status != SCB_OK   ? SCB_VERIFY_NOT_CHECKED
                                           : SCB_VERIFY_VALID;
    result->duration_ms = scb_clock_monotonic_ms(parts->clock) - report->started_ms;
    if (parts->observer.done != NULL)
        parts->observer.done(parts->observer.state, result);
}

void scb_verify_run(const struct scb_verify_parts *parts,
                    const struct scb_verify_settings *settings, const char *backup_date,
                    struct scb_verify_result *ret_result)
{
    struct scb_verify_report report = begin(parts, settings, backup_date, ret_result);
    struct scb_store_lock *lock = NULL;
    struct scb_error error = {0};
    enum scb_status status = scb_store_lock_shared(parts->store, backup_date, &lock, &error);
    if (status == SCB_OK)
        status = check_locked(&report, ret_result->backup_date, &error);
    scb_store_unlock(lock);
    end(&report, status, &error);
}

void scb_verify_copy(const struct scb_verify_parts *parts,
                     const struct scb_verify_settings *settings,
                     const struct scb_backup_record *record, int fd,
                     struct scb_verify_result *ret_result)
{
    struct scb_verify_report report = begin(parts, settings, record->backup_date, ret_result);
    struct scb_error error = {0};
    struct stat about;
    enum scb_status status =
        fstat(fd, &about) != 0
            ? scb_error_set_errno(&error, SCB_ERROR_FILE, errno, "the copy not looked at")
            : check_file(&report, record, NULL, fd, (uint64_t)about.st_size, &error);
    end(&report, status, &error);
}
