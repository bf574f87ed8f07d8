/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a process that a hanging disk would keep: the thread that hangs is not waited for, and
 * whoever says why may hang on the same disk (log.file).
 */
#ifndef SCB_CLI_STUCK_H
#define SCB_CLI_STUCK_H

#include <stdint.h>

#include "scb/error.h"

typedef void (*scb_stuck_say)(const void *state, const struct scb_error *error);

/* Says it, for say_ms at most, and ends the process with the error's exit code. */
_Noreturn void scb_stuck_end(scb_stuck_say say, const void *state, const struct scb_error *error,
                             int64_t say_ms);

#endif
