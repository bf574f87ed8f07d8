/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command of the operator's with a text on its standard input: without a shell, in an
 * environment of its own, for a bounded time.
 */
#ifndef SCB_SERVICE_NOTIFY_COMMAND_H
#define SCB_SERVICE_NOTIFY_COMMAND_H

#include <stdint.h>

#include "base/thread.h"
#include "scb/entry.h"
#include "scb/error.h"

/*
 * command is a path and arguments, split at blanks. It and what it has started are killed after
 * timeout_ms, or when cancel is requested. An exit code but 0 is an InternalError.
 */
SCB_MUST_CHECK enum scb_status scb_notify_command_run(const char *command, struct scb_bytes input,
                                                      int64_t timeout_ms,
                                                      const struct scb_cancel *cancel,
                                                      struct scb_error *error);

#endif
