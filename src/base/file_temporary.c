/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for a while: without a name, in the directory for such.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"

/* Where the file system has no files without a name, one that loses it at once. */
static int open_unnamed_in(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s/satellite-XXXXXX", dir);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR) || size >= (int)sizeof(path))
        return fd;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

const char *scb_temporary_dir(void)
{
    const char *const dirs[] = {getenv("TMPDIR"), "/var/tmp"};
    for (size_t i = 0; i < SCB_LENGTH(dirs); i++) {
        struct stat about;
        if (dirs[i] != NULL && stat(dirs[i], &about) == 0 && S_ISDIR(about.st_mode) &&
            access(dirs[i], W_OK | X_OK) == 0)
            return dirs[i];
    }
    return "/tmp";
}

enum scb_status scb_file_open_unnamed(int *ret_fd, struct scb_error *error)
{
    SCB_FILE_OPERATION;
    const char *dir = scb_temporary_dir();
    int fd = open_unnamed_in(dir);
    if (fd >= 0) {
        *ret_fd = fd;
        return SCB_OK;
    }
    (void)scb_error_set_errno(error, SCB_ERROR_FILE, errno, "no temporary file made in '%s'", dir);
    (void)scb_error_hint(error, "set TMPDIR to a directory that can be written");
    return SCB_ERROR_FILE;
}
