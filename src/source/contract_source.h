/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source driver for an EVM contract: pins a block, then answers ranges with eth_calls. What is
 * too heavy for a node, or for the memory there is, is asked for in smaller pieces here; the
 * caller only sees that an answer may be a prefix of what it asked for.
 */
#ifndef SCB_SOURCE_CONTRACT_SOURCE_H
#define SCB_SOURCE_CONTRACT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"
#include "scb/source.h"
#include "source/pin.h"
#include "source/rpc_client.h"

struct scb_contract_source_settings {
    struct scb_rpc_client_settings client;
    struct scb_pin_settings pin;
    const char *page_function;
    uint64_t gas_limit;    /* 0 = the node's own cap */
    size_t memory_limit;   /* bytes for answers and answers under way */
    size_t max_value_size; /* of one value */
    size_t max_key_size;   /* of one key, and of one version id */
};

SCB_MUST_CHECK enum scb_status
scb_contract_source_open(const struct scb_contract_source_settings *settings,
                         struct scb_source **ret_source, struct scb_error *error);

#endif
