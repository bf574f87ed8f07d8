/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the lock is on the present file itself, since a file for the lock alone would be one more
 * that everybody who appends must be able to write. Whoever waited looks again whether what he has
 * locked still is the present file. Space for lines to come is reserved behind the file's end, so
 * that a disk that others have filled does not end the log at once.
 */
#include "access/audit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    LOCK_TRIES = 2500,
    LOCK_PAUSE_NS = 2000000,
    RESERVE = 64 * 1024,        /* bytes of disk kept behind the end, */
    RESERVE_LEFT = RESERVE / 2, /* when fewer than these are left */
};

static enum scb_status split(const char *path, struct scb_audit_file *file, char ret_dir[PATH_MAX],
                             struct scb_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    size_t length = strlen(name);
    /* Room for ".<20 digits>" and the temporary name of a durable write. */
    if (length == 0 || length > NAME_MAX - 40 || strlen(path) >= PATH_MAX) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "audit.path '%.200s' names no file", path);
        return scb_error_hint(error, "write it like /var/lib/satellite/audit.log");
    }
    memcpy(file->name, name, length + 1);
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    (void)snprintf(ret_dir, PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    return SCB_OK;
}

/* A file that root makes belongs to who has the directory. */
static enum scb_status give_away(const struct scb_audit_file *file, struct scb_error *error)
{
    struct stat dir, about;
    if (fstat(file->dir_fd, &dir) != 0 || fstat(file->fd, &about) != 0 ||
        (about.st_uid != dir.st_uid && geteuid() == 0 &&
         fchown(file->fd, dir.st_uid, dir.st_gid) != 0))
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not given to its owner",
                                   file->path);
    return SCB_OK;
}

static enum scb_status create(struct scb_audit_file *file, struct scb_error *error)
{
    struct stat dir;
    if (fstat(file->dir_fd, &dir) != 0 || (geteuid() != 0 && geteuid() != dir.st_uid)) {
        (void)scb_error_set(error, SCB_ERROR_FILE, "%s is not there", file->path);
        return scb_error_hint(error, "only its directory's owner makes it");
    }
    enum scb_status status = scb_file_open(
        file->dir_fd, file->name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0600, &file->fd, error);
    if (status == SCB_OK)
        status = give_away(file, error);
    return status == SCB_OK ? scb_dir_sync(file->dir_fd, file->path, error) : status;
}

/* Two may be about to create it: who comes second opens the first one's. */
static enum scb_status open_present(struct scb_audit_file *file, enum scb_audit_open how,
                                    struct scb_error *error)
{
    int flags = how == SCB_AUDIT_READ ? O_RDONLY : O_RDWR | O_APPEND;
    for (int tries = 0;; tries++) {
        enum scb_status status =
            scb_file_open(file->dir_fd, file->name, flags, 0, &file->fd, error);
        if (status != SCB_ERROR_NOT_FOUND || how != SCB_AUDIT_CREATE)
            return status;
        status = create(file, error);
        if (status == SCB_OK || tries == 1 ||
            faccessat(file->dir_fd, file->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            return status;
    }
}

/* *ret_present is false where the file has been put away meanwhile. */
static enum scb_status lock(struct scb_audit_file *file, enum scb_audit_open how, bool *ret_present,
                            struct scb_error *error)
{
    struct flock whole = {.l_type = how == SCB_AUDIT_READ ? F_RDLCK : F_WRLCK,
                          .l_whence = SEEK_SET};
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    for (int tries = 0; fcntl(file->fd, F_OFD_SETLK, &whole) != 0; tries++) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not locked", file->path);
        if (tries == LOCK_TRIES)
            return scb_error_set(error, SCB_ERROR_BUSY, "%s is locked by another process",
                                 file->path);
        (void)nanosleep(&pause, NULL);
    }
    struct stat mine, present;
    if (fstat(file->fd, &mine) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not looked at", file->path);
    *ret_present = fstatat(file->dir_fd, file->name, &present, AT_SYMLINK_NOFOLLOW) == 0 &&
                   present.st_dev == mine.st_dev && present.st_ino == mine.st_ino;
    file->size = mine.st_size;
    return SCB_OK;
}

static enum scb_status open_and_lock(struct scb_audit_file *file, enum scb_audit_open how,
                                     struct scb_error *error)
{
    bool present = false;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && !present) {
        scb_fd_cleanup(&file->fd);
        file->fd = -1;
        status = open_present(file, how, error);
        if (status == SCB_OK)
            status = lock(file, how, &present, error);
    }
    return status;
}

enum scb_status scb_audit_file_open(const char *path, enum scb_audit_open how,
                                    struct scb_audit_file *ret_file, struct scb_error *error)
{
    SCB_AUTO(audit_file) struct scb_audit_file file = {.dir_fd = -1, .fd = -1};
    char dir[PATH_MAX];
    enum scb_status status = split(path, &file, dir, error);
    if (status == SCB_OK)
        status = scb_dir_open(dir, how == SCB_AUDIT_CREATE, 0700, &file.dir_fd, error);
    if (status == SCB_OK)
        status = open_and_lock(&file, how, error);
    if (status != SCB_OK)
        return status;
    *ret_file = file;
    file.fd = file.dir_fd = -1;
    return SCB_OK;
}

void scb_audit_file_close(struct scb_audit_file *file)
{
    scb_fd_cleanup(&file->fd);
    scb_fd_cleanup(&file->dir_fd);
    file->fd = file->dir_fd = -1;
}

void scb_audit_file_cleanup(struct scb_audit_file *file)
{
    scb_audit_file_close(file);
}

static void reserve(const struct scb_audit_file *file)
{
    struct stat about;
    if (fstat(file->fd, &about) != 0)
        return;
    int64_t left = (int64_t)about.st_blocks * 512 - (int64_t)about.st_size;
    if (left < RESERVE_LEFT) /* where that is not to be had, nothing is lost */
        (void)fallocate(file->fd, FALLOC_FL_KEEP_SIZE, about.st_size, RESERVE);
}

enum scb_status scb_audit_file_append(struct scb_audit_file *file, struct scb_bytes data, bool sync,
                                      struct scb_error *error)
{
    SCB_FILE_OPERATION;
    enum scb_status status = scb_file_write(file->fd, file->path, data.data, data.size, error);
    if (status == SCB_OK && sync && fdatasync(file->fd) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not synced", file->path);
    if (status != SCB_OK) {
        /* Where that fails as well, what is left there is passed over as torn. */
        int ignored = ftruncate(file->fd, file->size);
        (void)ignored;
        if (error != NULL) /* a full disk too: what is missing is a line of a file */
            error->status = SCB_ERROR_FILE;
        return SCB_ERROR_FILE;
    }
    file->size += (off_t)data.size;
    reserve(file);
    return SCB_OK;
}

enum scb_status scb_audit_file_rotate(struct scb_audit_file *file, uint64_t seq,
                                      struct scb_error *error)
{
    char older[NAME_MAX + 1];
    scb_audit_file_older_name(file, seq, older);
    /* Its reserved blocks are of no use any more. */
    int ignored = ftruncate(file->fd, file->size);
    (void)ignored;
    if (renameat2(file->dir_fd, file->name, file->dir_fd, older, RENAME_NOREPLACE) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not renamed to %s", file->path,
                                   older);
    int old_fd = file->fd; /* locked until the new one is */
    file->fd = -1;
    enum scb_status status = open_and_lock(file, SCB_AUDIT_CREATE, error);
    (void)close(old_fd);
    return status;
}
