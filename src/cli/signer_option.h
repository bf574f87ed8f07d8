/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that signs: --keystore FILE with --password-file FILE, or the password typed at the
 * terminal. Neither is ever in the arguments or the environment.
 */
#ifndef SCB_CLI_SIGNER_OPTION_H
#define SCB_CLI_SIGNER_OPTION_H

#include "cli/command.h"
#include "evm/signer.h"

/* *ret_signer stays NULL where no --keystore was given. */
SCB_MUST_CHECK enum scb_status scb_signer_option(const struct scb_command_context *context,
                                                 struct scb_signer **ret_signer,
                                                 struct scb_error *error);

#endif
