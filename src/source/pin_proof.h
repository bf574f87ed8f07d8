/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether one endpoint can be held to a block, and how it is asked for it then. Which block, and
 * what follows for the endpoint, is pin.c's to say.
 */
#ifndef SCB_SOURCE_PIN_PROOF_H
#define SCB_SOURCE_PIN_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "scb/error.h"
#include "source/block.h"
#include "source/pin.h"
#include "source/rpc_client.h"

/* What is to be proved of whom. */
struct scb_proof {
    struct scb_rpc_client *client;
    const struct scb_pin_settings *settings;
    size_t endpoint;
    const struct scb_block *block;
    bool taken_over; /* it is an earlier run's block, which may be canonical no more */
};

/*
 * Proves the block on the endpoint by what NUMBER says there, and looks whether the contract has
 * code. Sets *ret_parameter; *ret_verdict says whether the block will do.
 */
SCB_MUST_CHECK enum scb_status scb_pin_prove(const struct scb_proof *proof,
                                             struct scb_block_parameter *ret_parameter,
                                             enum scb_block_verdict *ret_verdict,
                                             struct scb_error *error);

#endif
