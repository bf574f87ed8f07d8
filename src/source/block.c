/* SPDX-License-Identifier: Apache-2.0 */
#include "source/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "evm/rpc.h"

enum {
    PARAMS_SIZE = 128,
    HASH_SELECTOR_SIZE = 68, /* quotes, 0x and 64 digits */
};

/* 9999-12-31T23:59:59Z: what has a four-digit year can be written. */
static const uint64_t LAST_SECOND = 253402300799;

static enum scb_status read_block(const json_t *object, struct scb_block *ret_block,
                                  struct scb_error *error)
{
    enum scb_status status = scb_rpc_quantity(json_object_get(object, "number"), "block number",
                                              &ret_block->number, error);
    if (status == SCB_OK)
        status =
            scb_rpc_data(json_object_get(object, "hash"), "block hash", ret_block->hash, 32, error);
    if (status == SCB_OK)
        status = scb_rpc_quantity(json_object_get(object, "timestamp"), "block time",
                                  &ret_block->time, error);
    if (status == SCB_OK && ret_block->time > LAST_SECOND)
        status = scb_error_set(error, SCB_ERROR_CONTRACT,
                               "a block of after the year 9999; the node does not tell the truth");
    return status;
}

/* The block asked for by number or hash must be the one that comes back. */
static enum scb_status check_answer(const char *selector, const struct scb_block *block,
                                    struct scb_error *error)
{
    if (strncmp(selector, "\"0x", 3) != 0) /* a tag */
        return SCB_OK;
    bool right = false;
    if (strlen(selector) == HASH_SELECTOR_SIZE) {
        uint8_t hash[32];
        right = scb_text_unhex(selector + 3, sizeof(hash), hash) &&
                memcmp(hash, block->hash, sizeof(hash)) == 0;
    } else {
        right = strtoull(selector + 1, NULL, 16) == block->number;
    }
    if (right)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_CONTRACT, "asked for block %s, the node gave block %" PRIu64,
                  selector, block->number);
    return scb_error_hint(error, "the node or its balancer lies; use another endpoint");
}

static enum scb_status ask(struct scb_rpc_client *client, struct scb_rpc_call *call,
                           const char *selector, enum scb_block_verdict *ret_verdict,
                           struct scb_block *ret_block, struct scb_error *error)
{
    bool by_hash = strlen(selector) == HASH_SELECTOR_SIZE;
    char params[PARAMS_SIZE];
    (void)snprintf(params, sizeof(params), "[%s,false]", selector);
    struct scb_error failure = {0};
    enum scb_status status = scb_rpc_client_call(
        client, call, by_hash ? "eth_getBlockByHash" : "eth_getBlockByNumber", params, &failure);
    *ret_verdict = SCB_BLOCK_SUITS;
    if (status == SCB_OK && (call->result == NULL || json_is_null(call->result))) {
        *ret_verdict = SCB_BLOCK_NOT_KNOWN;
    } else if (status == SCB_OK) {
        status = read_block(call->result, ret_block, &failure);
        if (status == SCB_OK)
            status = check_answer(selector, ret_block, &failure);
    } else if (call->outcome == SCB_RPC_BAD_PARAMETER || call->outcome == SCB_RPC_BLOCK_UNKNOWN ||
               call->outcome == SCB_RPC_METHOD_MISSING) {
        *ret_verdict = SCB_BLOCK_NOT_KNOWN;
        status = SCB_OK;
    }
    if (status != SCB_OK)
        *error = failure;
    scb_rpc_call_free(call);
    return status;
}

enum scb_status scb_block_get(struct scb_rpc_client *client, int endpoint, const char *selector,
                              enum scb_block_verdict *ret_verdict, struct scb_block *ret_block,
                              struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = endpoint, .block_may_be_missing = true};
    return ask(client, &call, selector, ret_verdict, ret_block, error);
}

static enum scb_rpc_outcome judge_present(struct scb_rpc_call *call)
{
    if (call->result != NULL && !json_is_null(call->result))
        return SCB_RPC_OK;
    scb_error_set(&call->error, SCB_ERROR_CONTRACT, "the node no longer knows the block");
    return SCB_RPC_BLOCK_UNKNOWN;
}

enum scb_status scb_block_get_known(struct scb_rpc_client *client, int endpoint,
                                    const char *selector, enum scb_block_verdict *ret_verdict,
                                    struct scb_block *ret_block, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = endpoint, .judge = judge_present};
    return ask(client, &call, selector, ret_verdict, ret_block, error);
}

const char *scb_block_verdict_text(enum scb_block_verdict verdict)
{
    switch (verdict) {
    case SCB_BLOCK_SUITS:
        return "suits";
    case SCB_BLOCK_NOT_KNOWN:
        return "the node does not know it";
    case SCB_BLOCK_STATE_GONE:
        return "the node no longer holds its state";
    case SCB_BLOCK_NO_CODE:
        return "the contract has no code there";
    }
    return "";
}
