/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which block a backup is of (SPEC 1): chosen from a tag, number or hash, checked on every
 * endpoint, and proved - a node that ignores the block it is asked for is found out here.
 */
#ifndef SCB_SOURCE_PIN_H
#define SCB_SOURCE_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "evm/address.h"
#include "scb/error.h"
#include "scb/source.h"
#include "source/rpc_client.h"

struct scb_pin_settings {
    struct scb_address contract;
    uint64_t chain_id; /* 0 = take the node's */
    const char *block; /* "auto", a tag, a number or a hash */
    uint64_t confirmations;
    int64_t max_block_age_ms; /* 0 = any */
    const char *total_function;
    uint64_t gas_limit; /* of reads; 0 = the node's own cap */
    size_t quorum;      /* endpoints that must give the same total; 1 at least */
    const struct scb_clock *clock;
    /* Told what an operator should know: an endpoint left out, a step down. May be NULL. */
    void (*note)(void *state, const char *text);
    void *note_state;
};

/* Whether contract.block is a number or a hash: there is no newer one then. */
static inline bool scb_pin_is_fixed(const char *block)
{
    return block[0] >= '0' && block[0] <= '9';
}

enum { SCB_BLOCK_PARAMETER_SIZE = 128 };

/* How an endpoint is asked for the pinned block: a JSON value, EIP-1898 hash or number. */
struct scb_block_parameter {
    char json[SCB_BLOCK_PARAMETER_SIZE];
};

/*
 * Chooses the block, or takes over wanted (not NULL), which must still be served. Endpoints that
 * cannot serve it are excluded and noted; with none left their error is returned.
 * ret_parameters has room for one parameter an endpoint.
 */
SCB_MUST_CHECK enum scb_status scb_pin_choose(struct scb_rpc_client *client,
                                              const struct scb_pin_settings *settings,
                                              const struct scb_pin *wanted, struct scb_pin *ret_pin,
                                              struct scb_block_parameter *ret_parameters,
                                              struct scb_error *error);

/*
 * Reads the hash at the pinned number again; *ret_changed says that the chain reorganised, or that
 * an endpoint that gave pages by the block's number (asked_by_number: bit n is endpoint n) does not
 * confirm it.
 */
SCB_MUST_CHECK enum scb_status scb_pin_confirm(struct scb_rpc_client *client,
                                               const struct scb_pin *pin, uint64_t asked_by_number,
                                               bool *ret_changed, struct scb_error *error);

#endif
