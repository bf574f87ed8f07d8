/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages, in man(7), out of the tables of commands, settings and errors.
 */
#ifndef SCB_CLI_MANUAL_H
#define SCB_CLI_MANUAL_H

#include <stdio.h>

#include "scb/config.h"

/* satellite(1). date is "YYYY-MM-DD". */
void scb_manual_commands(FILE *out, const char *date);
/* satellite-config(5), of the settings of this version. */
void scb_manual_settings(FILE *out, const struct scb_config *config, const char *date);

#endif
