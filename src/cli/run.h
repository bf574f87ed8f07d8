/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a command line to an exit code: reads it, makes configuration and log ready, calls the
 * command's handler, shows its error.
 */
#ifndef SCB_CLI_RUN_H
#define SCB_CLI_RUN_H

#include "base/thread.h"

extern const char scb_default_config_path[];

/* The process's exit code. Standard output is closed afterwards. */
int scb_cli_run(int argc, char *const *argv, const char *const *environment,
                const struct scb_cancel *cancel);

#endif
