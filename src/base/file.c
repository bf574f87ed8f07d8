/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file_watch.h"
#include "base/memory.h"

static bool is_symbolic_link(int dir_fd, const char *name)
{
    struct stat about = {0};
    return fstatat(dir_fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode);
}

/* Without openat2 (before Linux 5.6): a name without '/' and O_NOFOLLOW is as good. */
static int open_name(int dir_fd, const char *name, int flags, mode_t mode)
{
    if (strchr(name, '/') != NULL || strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    int fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == ENOTDIR) /* O_DIRECTORY hides that it is a link that stands there */
        errno = is_symbolic_link(dir_fd, name) ? ELOOP : ENOTDIR;
    return fd;
}

static int open_below(int dir_fd, const char *name, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    do
        fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
    while (fd < 0 && errno == EINTR);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    return open_name(dir_fd, name, flags, mode);
}

static enum scb_status not_opened(const char *what, const char *name, int errnum,
                                  struct scb_error *error)
{
    enum scb_status status = errnum == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
    status = scb_error_set_errno(error, status, errnum, "%s '%s' not opened", what, name);
    if (errnum == ELOOP)
        (void)scb_error_hint(error, "a symbolic link stands there; remove it");
    return status;
}

/* A new directory is there after a power loss only when the one that it stands in is synced. */
static enum scb_status sync_parent(const char *path, struct scb_error *error)
{
    const char *slash = strrchr(path, '/');
    /* With its last '/', so that the root directory is no special case. */
    SCB_AUTO(string)
    char *parent = scb_format(error, "%.*s", (int)(slash != NULL ? slash + 1 - path : 1),
                              slash != NULL ? path : ".");
    if (parent == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(fd) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return not_opened("directory", parent, errno, error);
    return scb_dir_sync(fd, parent, error);
}

static enum scb_status make_parents(const char *path, mode_t mode, struct scb_error *error)
{
    SCB_AUTO(string) char *copy = scb_strdup(path, error);
    if (copy == NULL)
        return SCB_ERROR_RESOURCE;
    char *after_root = copy + (copy[0] == '/' ? 1 : 0);
    for (char *slash = strchr(after_root, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        bool made = mkdir(copy, mode) == 0;
        if (!made && errno != EEXIST)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "directory '%s' not made",
                                       copy);
        enum scb_status status = made ? sync_parent(copy, error) : SCB_OK;
        if (status != SCB_OK || slash == NULL)
            return status;
        *slash = '/';
    }
}

enum scb_status scb_dir_open(const char *path, bool create, mode_t mode, int *ret_fd,
                             struct scb_error *error)
{
    SCB_FILE_OPERATION;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        enum scb_status status = make_parents(path, mode, error);
        if (status != SCB_OK)
            return status;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return not_opened("directory", path, errno, error);
    *ret_fd = fd;
    return SCB_OK;
}

enum scb_status scb_dir_open_below(int dir_fd, const char *name, bool create, mode_t mode,
                                   int *ret_fd, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    bool made = create && mkdirat(dir_fd, name, mode) == 0;
    if (create && !made && errno != EEXIST)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "directory '%s' not made", name);
    int fd = open_below(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return not_opened("directory", name, errno, error);
    if (made && fchmod(fd, mode) != 0) {
        int failed = errno;
        (void)close(fd);
        return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "directory '%s' not set up",
                                   name);
    }
    *ret_fd = fd;
    return SCB_OK;
}

enum scb_status scb_dir_sync(int dir_fd, const char *name, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    if (fsync(dir_fd) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "directory '%s' not synced", name);
    return SCB_OK;
}

static enum scb_status set_mode(int fd, const char *name, mode_t mode, struct scb_error *error)
{
    /* No sane umask takes from the owner's own bits; the group's need to be set. */
    if ((mode & 077) == 0 || fchmod(fd, mode) == 0)
        return SCB_OK;
    int failed = errno;
    (void)close(fd);
    return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "mode of '%s' not set", name);
}

enum scb_status scb_file_open(int dir_fd, const char *name, int flags, mode_t mode, int *ret_fd,
                              struct scb_error *error)
{
    SCB_FILE_OPERATION;
    int fd = open_below(dir_fd, name, flags, mode);
    if (fd < 0)
        return not_opened("file", name, errno, error);
    if ((flags & O_CREAT) != 0 && set_mode(fd, name, mode, error) != SCB_OK)
        return SCB_ERROR_FILE;
    *ret_fd = fd;
    return SCB_OK;
}

enum scb_status scb_file_create(int dir_fd, const char *name, mode_t mode, int *ret_fd,
                                struct scb_error *error)
{
    SCB_FILE_OPERATION;
    enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL };
    int fd = open_below(dir_fd, name, FLAGS, mode);
    if (fd < 0 && errno == EEXIST) {
        if (is_symbolic_link(dir_fd, name))
            return not_opened("file", name, ELOOP, error);
        enum scb_status status = scb_file_remove(dir_fd, name, error);
        if (status != SCB_OK)
            return status;
        fd = open_below(dir_fd, name, FLAGS, mode);
    }
    if (fd < 0)
        return not_opened("file", name, errno, error);
    if (set_mode(fd, name, mode, error) != SCB_OK)
        return SCB_ERROR_FILE;
    *ret_fd = fd;
    return SCB_OK;
}

enum scb_status scb_file_write(int fd, const char *name, const void *data, size_t size,
                               struct scb_error *error)
{
    SCB_FILE_OPERATION;
    const uint8_t *from = data;
    while (size > 0) {
        ssize_t written = write(fd, from, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return scb_error_set_errno(error, SCB_ERROR_FILE, written == 0 ? EIO : errno,
                                       "file '%s' not written", name);
        from += written;
        size -= (size_t)written;
    }
    return SCB_OK;
}

/* From an offset on, or where that is NULL from the file's own position, which moves. */
static enum scb_status read_from(int fd, const char *name, const uint64_t *offset, void *data,
                                 size_t size, size_t *ret_size, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    uint8_t *to = data;
    size_t done = 0;
    while (done < size) {
        ssize_t got = offset == NULL ? read(fd, to + done, size - done)
                                     : pread(fd, to + done, size - done, (off_t)(*offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not read", name);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_size = done;
    return SCB_OK;
}

enum scb_status scb_file_read(int fd, const char *name, void *data, size_t size, size_t *ret_size,
                              struct scb_error *error)
{
    return read_from(fd, name, NULL, data, size, ret_size, error);
}

enum scb_status scb_file_read_at(int fd, const char *name, uint64_t offset, void *data, size_t size,
                                 size_t *ret_size, struct scb_error *error)
{
    return read_from(fd, name, &offset, data, size, ret_size, error);
}

enum scb_status scb_file_read_all(int dir_fd, const char *name, struct scb_buffer *out,
                                  struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_file_open(dir_fd, name, O_RDONLY | O_NONBLOCK, 0, &fd, error);
    while (status == SCB_OK) {
        enum { STEP = 64 * 1024 };
        size_t room = out->max - out->size < STEP ? out->max - out->size + 1 : STEP;
        uint8_t step[STEP];
        size_t got = 0;
        status = scb_file_read(fd, name, step, room, &got, error);
        if (status != SCB_OK || got == 0)
            break;
        status = scb_buffer_append(out, step, got, error);
        if (status != SCB_OK)
            (void)scb_error_wrap(error, "file '%s'", name);
    }
    return status;
}

enum scb_status scb_file_sync(int fd, const char *name, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    if (fsync(fd) != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not synced", name);
    return SCB_OK;
}

enum scb_status scb_file_close(int fd, const char *name, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    if (close(fd) != 0 && errno != EINTR)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not closed", name);
    return SCB_OK;
}

enum scb_status scb_file_remove(int dir_fd, const char *name, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "file '%s' not removed", name);
    return SCB_OK;
}

void scb_fd_cleanup(int *fd)
{
    SCB_FILE_OPERATION;
    if (*fd >= 0)
        (void)close(*fd);
}
