/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command that failed says why.
 */
#ifndef SCB_CLI_FAILURE_H
#define SCB_CLI_FAILURE_H

#include <stdbool.h>

#include "base/log.h"

/*
 * As one line on standard error, in fields, run_id among them, where as_json is set; and in log,
 * where that is another one (else NULL). The log's file may hang, so it comes last.
 */
void scb_failure_show(const struct scb_error *failure, bool as_json, const char *run_id,
                      struct scb_log *log);

#endif
