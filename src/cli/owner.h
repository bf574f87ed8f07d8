/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a command of root's works as: the owner of the backups. What it makes or replaces stays the
 * service's to write, and nothing that others put in its way is met with root's rights.
 */
#ifndef SCB_CLI_OWNER_H
#define SCB_CLI_OWNER_H

#include <stdbool.h>

#include "scb/error.h"

enum { SCB_OWNER_NAME_SIZE = 72 };

/*
 * Where the process is root's and backup_dir is not, it becomes its owner's for good, with that
 * user's groups; a directory that is not there yet will be its nearest parent's owner's. ret_name
 * is who that is, "" where all stays as it is. AccessError where that is not allowed.
 */
SCB_MUST_CHECK enum scb_status scb_owner_become(const char *backup_dir,
                                                char ret_name[SCB_OWNER_NAME_SIZE],
                                                struct scb_error *error);

#endif
