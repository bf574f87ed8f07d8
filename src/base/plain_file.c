/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file_watch.h"

enum scb_status scb_plain_file_open(const char *path, struct stat *ret_about, int *ret_fd,
                                    struct scb_error *error)
{
    SCB_FILE_OPERATION;
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*ret_fd < 0 || fstat(*ret_fd, ret_about) != 0) {
        enum scb_status status = errno == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
        (void)scb_error_set_errno(error, status, errno, "'%s' not opened", path);
        return scb_error_hint(error, "check the path and who may read the file");
    }
    return S_ISREG(ret_about->st_mode)
               ? SCB_OK
               : scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is no plain file", path);
}

enum scb_status scb_plain_file_check_secret(const char *path, const struct stat *about,
                                            struct scb_error *error)
{
    mode_t allowed = about->st_uid == 0 ? 0740 : 0700;
    if ((about->st_mode & 0777 & ~allowed) == 0)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' is open to others, its mode is %04o",
                        path, (unsigned)about->st_mode & 07777);
    (void)scb_error_hint(error, "chmod 600 %s", path);
    return SCB_ERROR_VALIDATION;
}
