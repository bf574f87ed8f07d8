/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands that verify say of trust, for people.
 */
#ifndef SCB_CLI_TRUST_VIEW_H
#define SCB_CLI_TRUST_VIEW_H

#include "scb/verify.h"

/* Who vouches for the backup, and what of it could not be seen: no line, one or two. */
void scb_print_trust(const struct scb_verify_result *result);

#endif
