/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one durable write: a temporary file that takes its name once it is whole and on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"

enum scb_status scb_durable_open(struct scb_durable_file *file, int dir_fd, const char *name,
                                 mode_t mode, struct scb_error *error)
{
    *file = (struct scb_durable_file){.dir_fd = dir_fd, .fd = -1, .lock_fd = -1};
    if (strlen(name) > NAME_MAX - strlen("..tmp")) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "file name too long: '%.40s...'", name);
        (void)scb_error_hint(error, "give a shorter one");
        return SCB_ERROR_VALIDATION;
    }
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    (void)snprintf(file->temporary, sizeof(file->temporary), ".%.250s.tmp", name);
    return scb_file_create(dir_fd, file->temporary, mode, &file->fd, error);
}

enum scb_status scb_durable_write(struct scb_durable_file *file, const void *data, size_t size,
                                  struct scb_error *error)
{
    return scb_file_write(file->fd, file->name, data, size, error);
}

static void unlock(struct scb_durable_file *file)
{
    if (file->lock_fd >= 0)
        (void)close(file->lock_fd);
    file->lock_fd = -1;
}

static int rename_over(const struct scb_durable_file *file)
{
    return renameat(file->dir_fd, file->temporary, file->dir_fd, file->name);
}

static int rename_new(const struct scb_durable_file *file)
{
    int renamed =
        renameat2(file->dir_fd, file->temporary, file->dir_fd, file->name, RENAME_NOREPLACE);
    if (renamed == 0 || (errno != EINVAL && errno != ENOSYS))
        return renamed;
    /* NFS and others cannot: looking first is the best that is left. */
    if (faccessat(file->dir_fd, file->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return rename_over(file);
    errno = EEXIST;
    return -1;
}

static enum scb_status finish(struct scb_durable_file *file,
                              int (*take_name)(const struct scb_durable_file *file),
                              struct scb_error *error)
{
    SCB_FILE_OPERATION;
    enum scb_status status = scb_file_sync(file->fd, file->name, error);
    if (status == SCB_OK) {
        status = scb_file_close(file->fd, file->name, error);
        file->fd = -1;
    }
    if (status == SCB_OK && take_name(file) != 0)
        status = errno == EEXIST ? scb_error_set(error, SCB_ERROR_FILE,
                                                 "file '%s' is there already", file->name)
                                 : scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                                       "file '%s' not renamed", file->name);
    if (status != SCB_OK)
        scb_durable_abort(file);
    unlock(file);
    return status;
}

enum scb_status scb_durable_rename(struct scb_durable_file *file, struct scb_error *error)
{
    return finish(file, rename_over, error);
}

enum scb_status scb_durable_commit(struct scb_durable_file *file, struct scb_error *error)
{
    enum scb_status status = scb_durable_rename(file, error);
    return status != SCB_OK ? status : scb_dir_sync(file->dir_fd, file->name, error);
}

enum scb_status scb_durable_commit_new(struct scb_durable_file *file, struct scb_error *error)
{
    enum scb_status status = finish(file, rename_new, error);
    return status != SCB_OK ? status : scb_dir_sync(file->dir_fd, file->name, error);
}

void scb_durable_abort(struct scb_durable_file *file)
{
    SCB_FILE_OPERATION;
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
    if (file->temporary[0] != '\0')
        (void)unlinkat(file->dir_fd, file->temporary, 0);
    unlock(file);
}

enum scb_status scb_file_write_durably(int dir_fd, const char *name, const void *data, size_t size,
                                       mode_t mode, struct scb_error *error)
{
    struct scb_durable_file file;
    enum scb_status status = scb_durable_open(&file, dir_fd, name, mode, error);
    if (status != SCB_OK)
        return status;
    status = scb_durable_write(&file, data, size, error);
    if (status != SCB_OK) {
        scb_durable_abort(&file);
        return status;
    }
    return scb_durable_commit(&file, error);
}
