/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The help: short texts made from the tables of commands and settings.
 */
#ifndef SCB_CLI_HELP_H
#define SCB_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* "satellite backup get KEY [--backup-date D]" */
void scb_help_usage(FILE *out, const struct scb_command *command);
/* One command: usage, what it does, its options, an example. */
void scb_help_command(FILE *out, const struct scb_command *command);
/* The commands that begin with the words (all of them for none), one a line. */
void scb_help_group(FILE *out, const char *const *words, size_t count);
/* The settings' flags with their defaults, bounds and meaning. */
void scb_help_settings(FILE *out, const struct scb_config *config);

#endif
