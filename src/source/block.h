/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One block as an endpoint tells of it, checked against what was asked for.
 */
#ifndef SCB_SOURCE_BLOCK_H
#define SCB_SOURCE_BLOCK_H

#include <stdint.h>

#include "scb/error.h"
#include "source/rpc_client.h"

struct scb_block {
    uint64_t number;
    uint8_t hash[32];
    uint64_t time; /* seconds */
};

/* Why a block will not do, where the answer is definite; such an answer lets `auto` step down. */
enum scb_block_verdict {
    SCB_BLOCK_SUITS,
    SCB_BLOCK_NOT_KNOWN,
    SCB_BLOCK_STATE_GONE,
    SCB_BLOCK_NO_CODE,
};

/* "the node does not know it" */
const char *scb_block_verdict_text(enum scb_block_verdict verdict);

/*
 * Asks an endpoint for a block. selector is JSON text: a quoted tag, number or hash; another block
 * than the one named is a ContractConnectionError. *ret_verdict is SCB_BLOCK_SUITS or
 * SCB_BLOCK_NOT_KNOWN; *ret_block is set with the first.
 */
SCB_MUST_CHECK enum scb_status scb_block_get(struct scb_rpc_client *client, int endpoint,
                                             const char *selector,
                                             enum scb_block_verdict *ret_verdict,
                                             struct scb_block *ret_block, struct scb_error *error);

/* The same for a block that was there: who does not know it may only lag, and is asked again. */
SCB_MUST_CHECK enum scb_status scb_block_get_known(struct scb_rpc_client *client, int endpoint,
                                                   const char *selector,
                                                   enum scb_block_verdict *ret_verdict,
                                                   struct scb_block *ret_block,
                                                   struct scb_error *error);

#endif
