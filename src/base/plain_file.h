/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the configuration names, such as keys and certificates: by their path, links allowed,
 * plain files only. What lies below a directory that was opened is base/file's.
 */
#ifndef SCB_BASE_PLAIN_FILE_H
#define SCB_BASE_PLAIN_FILE_H

#include <sys/stat.h>

#include "scb/error.h"

/*
 * Opens it for reading; a pipe is not waited for. NotFoundError, FileSystemError, or
 * ValidationError for what is no plain file. *ret_fd is the caller's to close, whatever this
 * returns.
 */
SCB_MUST_CHECK enum scb_status scb_plain_file_open(const char *path, struct stat *ret_about,
                                                   int *ret_fd, struct scb_error *error);

/*
 * ValidationError where others than its owner, or the group that root has given it to, may do
 * anything with it: what it holds is no secret any more.
 */
SCB_MUST_CHECK enum scb_status
scb_plain_file_check_secret(const char *path, const struct stat *about, struct scb_error *error);

#endif
