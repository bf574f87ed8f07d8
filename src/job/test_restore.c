/* SPDX-License-Identifier: Apache-2.0 */
#include "job/test_restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/durable_apart.h"
#include "base/memory.h"
#include "job/entries_db.h"
#include "job/reading.h"

struct drill {
    const struct scb_reading_parts *parts;
    struct scb_restore_test_result *result;
    struct scb_reading_progress progress;
    int dir_fd;                   /* of TMPDIR; -1: it is in memory */
    struct scb_durable_file file; /* of the database there; it never gets its name */
    char *path;                   /* to it, or the name in memory */
    struct scb_entries_db_place place;
    struct scb_entries_db *written; /* NULL: it is closed */
    struct scb_entries_db *db;      /* that is read */
    uint64_t index;                 /* of the entry that is compared */
};

/* What is encrypted on the disk is never there in the clear, not even for a while. */
static enum scb_status make_secret_scratch(struct drill *drill, struct scb_error *error)
{
    drill->path = scb_format(error, "drill-%p", (void *)drill);
    size_t eighth = drill->parts->memory_limit / 8;
    drill->place = (struct scb_entries_db_place){
        .path = drill->path, .memory = 6 * eighth, .secret = true, .cache = eighth};
    return drill->path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

static enum scb_status make_scratch(struct drill *drill, struct scb_error *error)
{
    const char *dir = scb_temporary_dir();
    enum scb_status status = scb_dir_open(dir, false, 0, &drill->dir_fd, error);
    if (status == SCB_OK)
        status =
            scb_durable_open_apart(&drill->file, drill->dir_fd, "scratch database", 0600, error);
    if (status != SCB_OK)
        return status;
    drill->path = scb_format(error, "%s/%s", dir, drill->file.temporary);
    drill->place = (struct scb_entries_db_place){.path = drill->path};
    return drill->path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

static void remove_scratch(struct drill *drill)
{
    scb_entries_db_close(drill->written);
    scb_entries_db_close(drill->db);
    if (drill->file.fd >= 0)
        scb_durable_abort(&drill->file);
    scb_fd_cleanup(&drill->dir_fd);
    free(drill->path);
}

static enum scb_status restore_entry(void *state, const struct scb_entry *entry,
                                     struct scb_error *error)
{
    struct drill *drill = state;
    return scb_entries_db_add(drill->written, entry, error);
}

static enum scb_status explain(const struct drill *drill, struct scb_error *error)
{
    if (drill->place.memory == 0 || error->status != SCB_ERROR_RESOURCE)
        return error->status;
    scb_error_wrap(error, "the scratch database of an encrypted backup is in memory");
    return scb_error_hint(error, "raise backup.memory_limit, of which it may take three quarters");
}

static enum scb_status restore(struct drill *drill, struct scb_backup_reader *reader,
                               struct scb_error *error)
{
    const struct scb_manifest *manifest = scb_backup_reader_manifest(reader);
    enum scb_status status = scb_manifest_is_encrypted(manifest) ? make_secret_scratch(drill, error)
                                                                 : make_scratch(drill, error);
    drill->progress.activity = "Test restore";
    if (status == SCB_OK)
        status = scb_entries_db_create(&drill->place, manifest, &drill->written, error);
    if (status == SCB_OK)
        status = scb_read_entries(reader, &drill->progress, restore_entry, drill, error);
    if (status == SCB_OK)
        status = scb_entries_db_finish(drill->written, error);
    if (status != SCB_OK)
        return explain(drill, error);
    if (drill->place.memory == 0) /* else it would be gone */
        scb_entries_db_close(SCB_TAKE(drill->written));
    return SCB_OK;
}

static enum scb_status compare_entry(void *state, const struct scb_entry *entry,
                                     struct scb_error *error)
{
    struct drill *drill = state;
    bool more = false;
    struct scb_entry restored;
    enum scb_status status = scb_entries_db_next(drill->db, &more, &restored, error);
    if (status != SCB_OK)
        return status;
    const char *wrong = !more                                                  ? "is missing"
                        : scb_bytes_compare(restored.key, entry->key) != 0     ? "has another key"
                        : scb_bytes_compare(restored.value, entry->value) != 0 ? "has another value"
                        : scb_bytes_compare(restored.version_id, entry->version_id) != 0
                            ? "has another version id"
                            : NULL;
    if (wrong != NULL)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "restored entry %" PRIu64 " %s",
                             drill->index, wrong);
    drill->index++;
    drill->result->keys++;
    drill->result->bytes += entry->key.size + entry->value.size + entry->version_id.size;
    return SCB_OK;
}

/* Reads both again, the database by another connection. */
static enum scb_status compare(struct drill *drill, struct scb_error *error)
{
    bool more = false;
    struct scb_entry none;
    struct scb_backup_reader *reader = NULL;
    drill->progress.activity = "Comparison";
    enum scb_status status = scb_entries_db_open(&drill->place, &drill->db, error);
    scb_entries_db_close(SCB_TAKE(drill->written));
    if (status == SCB_OK)
        status = scb_reading_open(drill->parts, drill->result->backup_date, &reader, error);
    if (status == SCB_OK)
        status = scb_read_entries(reader, &drill->progress, compare_entry, drill, error);
    if (status == SCB_OK)
        status = scb_entries_db_next(drill->db, &more, &none, error);
    if (status == SCB_OK && more)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                               "there is an entry %" PRIu64 " that the backup does not have",
                               drill->index);
    scb_backup_reader_close(reader);
    return status;
}

/* The lock of the first reader is kept until the end: nobody deletes the backup in between. */
static enum scb_status run(struct drill *drill, const char *backup_date, struct scb_error *error)
{
    struct scb_backup_reader *reader = NULL;
    struct scb_backup_record record;
    enum scb_status status = scb_backup_find(drill->parts->catalog, backup_date, &record, error);
    if (status != SCB_OK)
        return status;
    char *date = drill->result->backup_date;
    (void)snprintf(date, sizeof(drill->result->backup_date), "%s", record.backup_date);
    status = scb_reading_open(drill->parts, date, &reader, error);
    if (status == SCB_OK)
        status = restore(drill, reader, error);
    if (status == SCB_OK)
        status = compare(drill, error);
    remove_scratch(drill);
    scb_backup_reader_close(reader);
    return status;
}

static enum scb_status record(const struct drill *drill, const struct scb_error *failure,
                              struct scb_error *error)
{
    const struct scb_restore_test_result *result = drill->result;
    struct scb_check_record check = {.kind = SCB_CHECK_TEST_RESTORE,
                                     .checked_at_ms = scb_clock_real_ms(drill->parts->clock),
                                     .outcome = result->outcome,
                                     .keys = result->keys,
                                     .duration_ms = result->duration_ms};
    (void)snprintf(check.message, sizeof(check.message), "%.511s", failure->message);
    return scb_catalog_record_check(drill->parts->catalog, result->backup_date, &check, error);
}

enum scb_status scb_test_restore_run(const struct scb_reading_parts *parts, const char *backup_date,
                                     struct scb_restore_test_result *ret_result,
                                     struct scb_error *error)
{
    struct drill drill = {.parts = parts,
                          .result = ret_result,
                          .progress = {.parts = parts},
                          .dir_fd = -1,
                          .file = {.fd = -1}};
    struct scb_error failure = {0};
    int64_t started_ms = scb_clock_monotonic_ms(parts->clock);
    *ret_result = (struct scb_restore_test_result){0};
    enum scb_status status = run(&drill, backup_date, &failure);
    ret_result->duration_ms = scb_clock_monotonic_ms(parts->clock) - started_ms;
    ret_result->outcome = status == SCB_OK                ? SCB_VERIFY_VALID
                          : status == SCB_ERROR_INTEGRITY ? SCB_VERIFY_INVALID
                                                          : SCB_VERIFY_NOT_CHECKED;
    if (ret_result->backup_date[0] != '\0' && status != SCB_ERROR_CANCELED) {
        enum scb_status recorded = record(&drill, &failure, error);
        if (status == SCB_OK)
            return recorded;
    }
    if (status != SCB_OK)
        *error = failure;
    return status;
}
