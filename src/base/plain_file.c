/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"

static enum scb_status look_at(int fd, const char *path, struct stat *ret_about,
                               struct scb_error *error)
{
    if (fd >= 0 && fstat(fd, ret_about) == 0)
        return SCB_OK;
    enum scb_status status = errno == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
    scb_error_set_errno(error, status, errno, "'%s' not opened", path);
    return scb_error_hint(error, "check the path and who may read the file");
}

/* What others can read is no secret any more; what they can write is theirs. */
static enum scb_status check_mode(const struct stat *about, const char *path,
                                  struct scb_error *error)
{
    mode_t allowed = about->st_uid == 0 ? 0740 : 0700;
    if ((about->st_mode & 0777 & ~allowed) == 0)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is open to others, its mode is %04o", path,
                  (unsigned)about->st_mode & 07777);
    return scb_error_hint(error, "chmod 600 %s", path);
}

enum scb_status scb_plain_file_check_secret(int fd, const char *path, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct stat about = {0};
    enum scb_status status = look_at(fd, path, &about, error);
    return status == SCB_OK ? check_mode(&about, path, error) : status;
}

enum scb_status scb_plain_file_open(const char *path, bool is_secret, int *ret_fd,
                                    struct scb_error *error)
{
    SCB_FILE_OPERATION;
    struct stat about = {0};
    SCB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum scb_status status = look_at(fd, path, &about, error);
    if (status == SCB_OK && !S_ISREG(about.st_mode))
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is no plain file", path);
    if (status == SCB_OK && is_secret)
        status = check_mode(&about, path, error);
    if (status != SCB_OK)
        return status;
    *ret_fd = fd;
    fd = -1; // NOLINT(clang-analyzer-deadcode.DeadStores): the end of the scope reads it
    return SCB_OK;
}
