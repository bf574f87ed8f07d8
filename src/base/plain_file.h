/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a setting names and that are read whole: keys, certificates. Not for what lies below
 * backup_dir (base/file).
 */
#ifndef SCB_BASE_PLAIN_FILE_H
#define SCB_BASE_PLAIN_FILE_H

#include <stdbool.h>

#include "scb/error.h"

/*
 * Opens a file for reading: only a plain one, since a pipe would be waited for; links may lead
 * there. One with a secret must not be open to others than its owner; root's may be read by its
 * group. NotFoundError, FileSystemError, or ValidationError for what is no such file.
 */
SCB_MUST_CHECK enum scb_status scb_plain_file_open(const char *path, bool is_secret, int *ret_fd,
                                                   struct scb_error *error);

/* The same of an open file, for who sees only in it whether it holds a secret: ValidationError. */
SCB_MUST_CHECK enum scb_status scb_plain_file_check_secret(int fd, const char *path,
                                                           struct scb_error *error);

#endif
