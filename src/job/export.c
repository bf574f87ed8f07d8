/* SPDX-License-Identifier: Apache-2.0 */
#include "job/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/durable_apart.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "format/rows.h"
#include "job/entries_db.h"
#include "job/reading.h"

enum { MODE = 0600 };

/* Where the export goes. */
struct target {
    const struct scb_export_options *options;
    char *path; /* of the directory */
    int dir_fd;
    struct scb_durable_file file;
    struct scb_row_writer rows;
    struct scb_entries_db *db; /* for SQLite, instead of rows */
    size_t cache;              /* for it, in bytes */
};

static enum scb_status write_output(void *state, const void *data, size_t size,
                                    struct scb_error *error)
{
    const struct target *target = state;
    if (target->options->output != NULL)
        return scb_file_write(target->file.fd, target->options->output, data, size, error);
    SCB_FILE_WATCHED(NULL); /* a reader may take its time */
    return scb_file_write(target->options->fd, "standard output", data, size, error);
}

/* A rename would replace a device or a pipe by a file. */
static enum scb_status check_output(const char *path, struct scb_error *error)
{
    struct stat about;
    if (lstat(path, &about) != 0) {
        enum scb_status status = errno == ENAMETOOLONG ? SCB_ERROR_VALIDATION : SCB_ERROR_FILE;
        return errno == ENOENT
                   ? SCB_OK
                   : scb_error_set_errno(error, status, errno, "output '%s' not looked at", path);
    }
    if (S_ISREG(about.st_mode))
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "output '%s' is no regular file", path);
    return scb_error_hint(error, "give another path, or - for standard output");
}

/* The temporary file in the directory that the path names. */
static enum scb_status open_file(struct target *target, struct scb_error *error)
{
    const char *path = target->options->output, *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (name[0] == '\0')
        return scb_error_set(error, SCB_ERROR_VALIDATION, "output '%s' names no file", path);
    enum scb_status status = check_output(path, error);
    if (status != SCB_OK)
        return status;
    target->path = slash == NULL ? scb_strdup(".", error)
                                 : scb_format(error, "%.*s", (int)(name - path), path);
    if (target->path == NULL)
        return SCB_ERROR_RESOURCE;
    status = scb_dir_open(target->path, false, 0, &target->dir_fd, error);
    return status == SCB_OK
               ? scb_durable_open_apart(&target->file, target->dir_fd, name, MODE, error)
               : status;
}

static enum scb_status open_target(struct target *target, const struct scb_manifest *manifest,
                                   struct scb_error *error)
{
    const struct scb_export_options *options = target->options;
    enum scb_status status = options->output == NULL ? SCB_OK : open_file(target, error);
    if (status != SCB_OK)
        return status;
    if (options->format != SCB_EXPORT_SQLITE) {
        target->rows = (struct scb_row_writer){
            .form = options->format == SCB_EXPORT_CSV ? SCB_ROWS_CSV : SCB_ROWS_NDJSON,
            .escape_formulas = options->escape_formulas,
            .sink = {write_output, target},
            .pending = {.max = SCB_ROW_BUFFER}};
        return scb_row_writer_begin(&target->rows, error);
    }
    SCB_AUTO(string) char *path = scb_format(error, "%s/%s", target->path, target->file.temporary);
    const struct scb_entries_db_place place = {
        .path = path, .secret = scb_manifest_is_encrypted(manifest), .cache = target->cache};
    return path == NULL ? SCB_ERROR_RESOURCE
                        : scb_entries_db_create(&place, manifest, &target->db, error);
}

static enum scb_status add(void *state, const struct scb_entry *entry, struct scb_error *error)
{
    struct target *target = state;
    return target->db != NULL ? scb_entries_db_add(target->db, entry, error)
                              : scb_row_writer_add(&target->rows, entry, error);
}

static enum scb_status finish(struct target *target, struct scb_error *error)
{
    enum scb_status status = target->db != NULL ? scb_entries_db_finish(target->db, error)
                                                : scb_row_writer_end(&target->rows, error);
    scb_entries_db_close(target->db);
    target->db = NULL;
    if (status == SCB_OK && target->options->output != NULL)
        status = scb_durable_commit(&target->file, error);
    return status;
}

static void close_target(struct target *target)
{
    scb_entries_db_close(target->db);
    if (target->file.fd >= 0)
        scb_durable_abort(&target->file);
    scb_fd_cleanup(&target->dir_fd);
    scb_buffer_free(&target->rows.pending);
    free(target->path);
}

enum scb_status scb_export_run(const struct scb_reading_parts *parts,
                               const struct scb_export_options *options,
                               struct scb_export_result *ret_result, struct scb_error *error)
{
    struct target target = {
        .options = options, .dir_fd = -1, .file = {.fd = -1}, .cache = parts->memory_limit / 4};
    struct scb_backup_reader *reader = NULL;
    struct scb_reading_progress progress = {.activity = "Export", .parts = parts};
    if (options->format == SCB_EXPORT_SQLITE && options->output == NULL)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "a SQLite export needs a file");
    enum scb_status status = scb_reading_open(parts, options->backup_date, &reader, error);
    if (status == SCB_OK)
        status = open_target(&target, scb_backup_reader_manifest(reader), error);
    if (status == SCB_OK)
        status = scb_read_entries(reader, &progress, add, &target, error);
    if (status == SCB_OK)
        status = finish(&target, error);
    if (status == SCB_OK) {
        struct scb_export_result *result = ret_result;
        (void)snprintf(result->backup_date, sizeof(result->backup_date), "%s",
                       scb_backup_reader_record(reader)->backup_date);
        result->keys = scb_backup_reader_manifest(reader)->total_keys;
        result->duration_ms = scb_clock_monotonic_ms(parts->clock) - progress.started_ms;
    }
    close_target(&target);
    scb_backup_reader_close(reader);
    return status;
}
