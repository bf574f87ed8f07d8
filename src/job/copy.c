/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the copy gets its name last, once it was read back and found to be the backup. What is
 * killed before leaves a temporary file, which the next copy to that directory removes.
 */
#include "job/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/durable_apart.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"

enum {
    MODE = 0600,
    STEP = 256 * 1024,
    SYNC_EVERY = 64 * 1024 * 1024, /* so that no sync takes long: a slow disk is no stuck one */
    OBSERVE_MS = 200,
};

struct copying {
    const struct scb_reading_parts *parts;
    const struct scb_verify_settings *settings;
    struct scb_backup_record record; /* with the size and checksum of the archive */
    struct scb_store_lock *lock;
    int archive_fd;
    int dir_fd;       /* that the copy comes to stand in */
    const char *name; /* the copy's there: the end of the result's path */
    struct scb_durable_file file;
    int64_t started_ms, shown_ms;
    struct scb_copy_result result;
};

/* --- the archive --- */

static enum scb_status not_recorded(const struct copying *copying, struct scb_error *error)
{
    return scb_error_hint(error, "satellite backup verify --backup-date %s says more",
                          copying->record.backup_date);
}

/* A record may know neither size nor checksum: what there is now is copied then. */
static enum scb_status complete_record(struct copying *copying, uint64_t size,
                                       struct scb_error *error)
{
    struct scb_backup_record *record = &copying->record;
    if (record->file_size >= 0 && (uint64_t)record->file_size != size) {
        (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                            "archive: %" PRIu64 " bytes; the database says %" PRId64, size,
                            record->file_size);
        return not_recorded(copying, error);
    }
    record->file_size = (int64_t)size;
    return record->checksum[0] != '\0'
               ? SCB_OK
               : scb_digest_file(copying->archive_fd, "archive", copying->parts->cancel,
                                 record->checksum, error);
}

/* Under the backup's shared lock, which is kept. */
static enum scb_status open_archive(struct copying *copying, struct scb_error *error)
{
    const struct scb_store *store = copying->parts->store;
    const char *backup_date = copying->record.backup_date;
    char name[SCB_ARCHIVE_NAME_SIZE];
    uint64_t size = 0;
    struct scb_backup_dir *dir = NULL;
    scb_archive_name(backup_date, name);
    enum scb_status status = scb_store_lock_shared(store, backup_date, &copying->lock, error);
    if (status == SCB_OK)
        status = scb_backup_dir_open(store, backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, name, &copying->archive_fd, &size, error);
    scb_backup_dir_close(dir);
    if (status == SCB_OK)
        status = complete_record(copying, size, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "backup %s", backup_date);
}

/* --- where it goes to --- */

static bool is_directory(const char *path)
{
    SCB_FILE_OPERATION;
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The copy's path, and where in it its name begins. */
static enum scb_status name_copy(struct copying *copying, const char *destination,
                                 struct scb_error *error)
{
    char *path = copying->result.path, archive[SCB_ARCHIVE_NAME_SIZE] = "";
    size_t length = strlen(destination);
    bool is_below = is_directory(destination);
    if (is_below)
        scb_archive_name(copying->record.backup_date, archive);
    bool ends = length > 0 && destination[length - 1] == '/';
    int size = snprintf(path, sizeof(copying->result.path), "%s%s%s", destination,
                        is_below && !ends ? "/" : "", archive);
    if (size >= (int)sizeof(copying->result.path))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "the path '%.40s...' is too long",
                             destination);
    const char *slash = strrchr(path, '/');
    copying->name = slash == NULL ? path : slash + 1;
    if (copying->name[0] != '\0')
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is no directory that is there",
                        destination);
    return scb_error_hint(error, "make it first, or name a new file");
}

static enum scb_status open_directory(struct copying *copying, struct scb_error *error)
{
    const char *path = copying->result.path;
    bool is_inside = false;
    SCB_AUTO(string)
    char *directory = copying->name == path
                          ? scb_strdup(".", error)
                          : scb_format(error, "%.*s", (int)(copying->name - path), path);
    if (directory == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_dir_open(directory, false, 0, &copying->dir_fd, error);
    if (status == SCB_ERROR_NOT_FOUND)
        return scb_error_hint(error, "make it first: a copy goes into a directory that is there");
    if (status == SCB_OK)
        status = scb_store_contains(copying->parts->store, copying->dir_fd, &is_inside, error);
    if (status != SCB_OK || !is_inside)
        return status;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' lies in backup.backup_dir", path);
    return scb_error_hint(error, "copy to another disk or machine: what befalls the one is not to "
                                 "befall the other");
}

/* Whether a file has the copy's name already; anything else than a file is refused. */
static enum scb_status look_there(const struct copying *copying, bool *ret_is_there,
                                  struct scb_error *error)
{
    SCB_FILE_OPERATION;
    const char *path = copying->result.path;
    struct stat about;
    *ret_is_there = fstatat(copying->dir_fd, copying->name, &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*ret_is_there) {
        enum scb_status status = errno == ENAMETOOLONG ? SCB_ERROR_VALIDATION : SCB_ERROR_FILE;
        return errno == ENOENT
                   ? SCB_OK
                   : scb_error_set_errno(error, status, errno, "'%s' not looked at", path);
    }
    if (S_ISREG(about.st_mode))
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is %s", path,
                        S_ISLNK(about.st_mode) ? "a symbolic link" : "no regular file");
    return scb_error_hint(error, "name a directory that is there, or a new file");
}

static enum scb_status check_space(const struct copying *copying, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct statvfs space = {0};
    if (fstatvfs(copying->dir_fd, &space) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "free space not known");
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    uint64_t wanted_bytes = (uint64_t)copying->record.file_size;
    if (free_bytes >= wanted_bytes)
        return SCB_OK;
    char free_text[32], wanted[32];
    scb_text_format_size_short(free_bytes, free_text, sizeof(free_text));
    scb_text_format_size_short(wanted_bytes, wanted, sizeof(wanted));
    return scb_error_set(error, SCB_ERROR_RESOURCE, "%s free there, the archive takes %s",
                         free_text, wanted);
}

/* --- the copy --- */

/* What could not be written says where that is, and what can be done. */
static enum scb_status written(const struct copying *copying, enum scb_status status,
                               struct scb_error *error)
{
    if (status == SCB_OK)
        return SCB_OK;
    if (status == SCB_ERROR_RESOURCE)
        (void)scb_error_hint(error, "free space there, or copy to another disk");
    else if (error->hint[0] == '\0')
        (void)scb_error_hint(error, "the owner of the backups must be able to write there");
    return scb_error_wrap(error, "copy '%s'", copying->result.path);
}

/* As many pages and keys as there are in so much of the archive, about. */
static void show(struct copying *copying, uint64_t done)
{
    const struct scb_reading_parts *parts = copying->parts;
    const struct scb_backup_record *record = &copying->record;
    int64_t now_ms = scb_clock_monotonic_ms(parts->clock);
    if (parts->observe == NULL || now_ms - copying->shown_ms < OBSERVE_MS)
        return;
    double share = record->file_size <= 0 ? 1 : (double)done / (double)record->file_size;
    uint64_t pages = record->total_pages < 0 ? 0 : (uint64_t)record->total_pages;
    uint64_t keys = record->total_keys < 0 ? 0 : (uint64_t)record->total_keys;
    const struct scb_run_progress progress = {.activity = "Copy",
                                              .backup_date = record->backup_date,
                                              .pages = (uint64_t)((double)pages * share),
                                              .total_pages = pages,
                                              .keys = (uint64_t)((double)keys * share),
                                              .total_keys = keys,
                                              .elapsed_ms = now_ms - copying->started_ms};
    parts->observe(parts->observe_state, &progress);
    copying->shown_ms = now_ms;
}

static enum scb_status sync_copy(const struct copying *copying, struct scb_error *error)
{
    return written(copying, scb_file_sync(copying->file.fd, copying->name, error), error);
}

/* One step from offset on; *ret_got is 0 at the archive's end. */
static enum scb_status copy_step(struct copying *copying, struct scb_digest *digest, void *step,
                                 uint64_t offset, size_t *ret_got, struct scb_error *error)
{
    enum scb_status status =
        scb_file_read_at(copying->archive_fd, "archive", offset, step, STEP, ret_got, error);
    if (status == SCB_OK)
        status = scb_digest_update(digest, step, *ret_got, error);
    if (status == SCB_OK)
        status = written(copying, scb_durable_write(&copying->file, step, *ret_got, error), error);
    if (status == SCB_OK && offset > 0 && offset % SYNC_EVERY == 0)
        status = sync_copy(copying, error);
    if (status == SCB_OK && scb_cancel_requested(copying->parts->cancel))
        status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    show(copying, offset);
    return status;
}

/* All of it, and on the disk; it was what was recorded. */
static enum scb_status copy_archive(struct copying *copying, struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    char checksum[SCB_SHA256_TEXT_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    SCB_AUTO(memory) void *step = scb_alloc(STEP, 1, error);
    if (step == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_digest_begin(&digest, error);
    uint64_t offset = 0;
    for (size_t got = 1; status == SCB_OK && got > 0; offset += got)
        status = copy_step(copying, &digest, step, offset, &got, error);
    if (status == SCB_OK)
        status = scb_digest_end(&digest, sha256, error);
    if (status != SCB_OK)
        return status;
    scb_text_hex(sha256, sizeof(sha256), checksum);
    if (strcmp(checksum, copying->record.checksum) == 0)
        return sync_copy(copying, error);
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        "backup %s: archive: its SHA-256 is %s; the database says %s",
                        copying->record.backup_date, checksum, copying->record.checksum);
    return not_recorded(copying, error);
}

/* Everything that can be told of it as it stands there. */
static enum scb_status verify(struct copying *copying, int fd, struct scb_error *error)
{
    const struct scb_reading_parts *parts = copying->parts;
    const struct scb_verify_parts verify_parts = {.store = parts->store,
                                                  .catalog = parts->catalog,
                                                  .keys = parts->keys,
                                                  .clock = parts->clock,
                                                  .cancel = parts->cancel,
                                                  .observe = parts->observe,
                                                  .observe_state = parts->observe_state};
    const struct scb_verify_result *result = &copying->result.verified;
    scb_verify_copy(&verify_parts, copying->settings, &copying->record, fd,
                    &copying->result.verified);
    if (result->outcome == SCB_VERIFY_VALID)
        return SCB_OK;
    if (result->error.status == SCB_ERROR_CANCELED || result->problems == 0) {
        *error = result->error;
        return scb_error_wrap(error, "the copy could not be checked");
    }
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        "the copy of backup %s is invalid, %" PRIu64 " problem%s: %s: %s",
                        result->backup_date, result->problems, result->problems == 1 ? "" : "s",
                        result->first_problem.where, result->first_problem.what);
    return not_recorded(copying, error);
}

/* What is on the disk is read, where the system knows how, not what is in memory still. */
static void forget_cached(int fd)
{
    SCB_FILE_OPERATION;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static enum scb_status read_back(struct copying *copying, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status =
        scb_file_open(copying->dir_fd, copying->file.temporary, O_RDONLY, 0, &fd, error);
    if (status != SCB_OK)
        return status;
    forget_cached(fd);
    return verify(copying, fd, error);
}

static enum scb_status write_copy(struct copying *copying, struct scb_error *error)
{
    enum scb_status status = check_space(copying, error);
    if (status == SCB_OK)
        status =
            scb_durable_open_apart(&copying->file, copying->dir_fd, copying->name, MODE, error);
    status = written(copying, status, error);
    if (status == SCB_OK)
        status = copy_archive(copying, error);
    if (status == SCB_OK)
        status = read_back(copying, error);
    return status == SCB_OK ? written(copying, scb_durable_commit_new(&copying->file, error), error)
                            : status;
}

/* A file has the name: is it the copy, from an earlier time or by other means? */
static enum scb_status check_there(struct copying *copying, struct scb_error *error)
{
    const char *path = copying->result.path;
    char checksum[SCB_SHA256_TEXT_SIZE] = "";
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status =
        scb_file_open(copying->dir_fd, copying->name, O_RDONLY | O_NONBLOCK, 0, &fd, error);
    if (status == SCB_OK)
        status = scb_digest_file(fd, path, copying->parts->cancel, checksum, error);
    if (status != SCB_OK)
        return status;
    if (strcmp(checksum, copying->record.checksum) != 0) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is there and is another file", path);
        return scb_error_hint(error, "give another path, or move it away; it is not written over");
    }
    copying->result.was_there = true;
    status = verify(copying, fd, error);
    if (status == SCB_OK) /* who wrote it may not have waited for the disk */
        status = scb_file_sync(fd, path, error);
    return status == SCB_OK ? scb_dir_sync(copying->dir_fd, path, error) : status;
}

static enum scb_status run(struct copying *copying, const char *destination,
                           struct scb_error *error)
{
    bool is_there = false;
    enum scb_status status = name_copy(copying, destination, error);
    if (status == SCB_OK)
        status = open_directory(copying, error);
    if (status == SCB_OK)
        status = look_there(copying, &is_there, error);
    if (status == SCB_OK)
        status = open_archive(copying, error);
    if (status != SCB_OK)
        return status;
    return is_there ? check_there(copying, error) : write_copy(copying, error);
}

enum scb_status scb_copy_run(const struct scb_reading_parts *parts,
                             const struct scb_verify_settings *settings,
                             const struct scb_copy_options *options,
                             struct scb_copy_result *ret_result, struct scb_error *error)
{
    struct copying copying = {.parts = parts,
                              .settings = settings,
                              .archive_fd = -1,
                              .dir_fd = -1,
                              .file = {.fd = -1},
                              .started_ms = scb_clock_monotonic_ms(parts->clock)};
    copying.shown_ms = copying.started_ms;
    enum scb_status status =
        scb_backup_find(parts->catalog, options->backup_date, &copying.record, error);
    if (status == SCB_OK)
        status = run(&copying, options->destination, error);
    if (status == SCB_OK) {
        struct scb_copy_result *result = &copying.result;
        memcpy(result->checksum, copying.record.checksum, sizeof(result->checksum));
        result->size = (uint64_t)copying.record.file_size;
        result->verified.duration_ms = scb_clock_monotonic_ms(parts->clock) - copying.started_ms;
        *ret_result = *result;
    }
    if (copying.file.fd >= 0)
        scb_durable_abort(&copying.file);
    scb_fd_cleanup(&copying.archive_fd);
    scb_fd_cleanup(&copying.dir_fd);
    scb_store_unlock(copying.lock);
    return status;
}
