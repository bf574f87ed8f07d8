/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable files whose temporary file nobody else has, and which a killed process does not leave for
 * ever. Not for those who have a directory to themselves: base/file.
 */
#ifndef SCB_BASE_DURABLE_APART_H
#define SCB_BASE_DURABLE_APART_H

#include "base/file.h"

/*
 * As scb_durable_open, beside files of a person's: two who write to the same name do not meet, and
 * nothing that lies there is taken over. The temporary file, .satellite-*.tmp, is locked until
 * commit or abort; those that nobody has locked any more are removed.
 */
SCB_MUST_CHECK enum scb_status scb_durable_open_apart(struct scb_durable_file *file, int dir_fd,
                                                      const char *name, mode_t mode,
                                                      struct scb_error *error);

#endif
