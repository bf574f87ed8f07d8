/* SPDX-License-Identifier: Apache-2.0 */
#include "source/pin_proof.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "evm/abi.h"

enum {
    MAX_CODE = 1024 * 1024, /* EIP-170 allows 24 KiB; other chains more */
    PARAMS_SIZE = 512,
};

/* Init code that returns NUMBER as one word: run without `to`, it tells which block it runs in. */
#define NUMBER_PROBE "0x4360005260206000f3"

/* What the probe says of a way to ask the endpoint for the block. */
enum probe { PROBE_SAME_BLOCK, PROBE_OTHER_BLOCK, PROBE_NOT_RUN, PROBE_STATE_GONE, PROBE_UNKNOWN };

static enum scb_status probe(const struct scb_proof *proof,
                             const struct scb_block_parameter *parameter, enum probe *ret_probe,
                             struct scb_error *error)
{
    char params[PARAMS_SIZE];
    (void)snprintf(params, sizeof(params), "[{\"data\":\"" NUMBER_PROBE "\"},%s]", parameter->json);
    struct scb_rpc_call call = {
        .endpoint = (int)proof->endpoint, .hex_result = true, .max_result = 4096};
    struct scb_error failure = {0};
    enum scb_status status =
        scb_rpc_client_call(proof->client, &call, "eth_call", params, &failure);
    uint64_t number = 0;
    bool ran = status == SCB_OK && scb_abi_decode_u64(scb_buffer_bytes(&call.response.result),
                                                      "block number", &number, NULL) == SCB_OK;
    *ret_probe = ran && number == proof->block->number ? PROBE_SAME_BLOCK
                 : ran                                 ? PROBE_OTHER_BLOCK
                                                       : PROBE_NOT_RUN;
    if (status != SCB_OK && call.outcome == SCB_RPC_STATE_MISSING)
        *ret_probe = PROBE_STATE_GONE;
    if (status != SCB_OK && call.outcome == SCB_RPC_BLOCK_UNKNOWN && proof->taken_over)
        *ret_probe = PROBE_UNKNOWN; /* after all retries: it is no longer canonical there */
    bool passing = failure.retryable || status == SCB_ERROR_CANCELED;
    scb_rpc_call_free(&call);
    if (*ret_probe != PROBE_NOT_RUN || !passing)
        return SCB_OK;
    *error = failure;
    return status;
}

/*
 * Finds out how the endpoint can be asked for the block. One that answers the probe for another
 * block ignores the hash form, or does not know it, and gets the number form, whose hash is checked
 * at the end; one that ignores that too can only tell of its latest block.
 */
static enum scb_status prove(const struct scb_proof *proof, struct scb_block_parameter *parameter,
                             enum scb_block_verdict *ret_verdict, struct scb_error *error)
{
    char hash[67] = "0x";
    scb_text_hex(proof->block->hash, 32, hash + 2);
    (void)snprintf(parameter->json, sizeof(parameter->json),
                   "{\"blockHash\":\"%s\",\"requireCanonical\":true}", hash);
    enum probe by_hash = PROBE_NOT_RUN, by_number = PROBE_NOT_RUN;
    enum scb_status status = probe(proof, parameter, &by_hash, error);
    *ret_verdict = by_hash == PROBE_STATE_GONE ? SCB_BLOCK_STATE_GONE
                   : by_hash == PROBE_UNKNOWN  ? SCB_BLOCK_NOT_KNOWN
                                               : SCB_BLOCK_SUITS;
    if (status != SCB_OK || *ret_verdict != SCB_BLOCK_SUITS || by_hash == PROBE_SAME_BLOCK)
        return status;
    (void)snprintf(parameter->json, sizeof(parameter->json), "\"0x%" PRIx64 "\"",
                   proof->block->number);
    status = probe(proof, parameter, &by_number, error);
    if (status == SCB_OK && by_number == PROBE_OTHER_BLOCK) {
        scb_error_set(error, SCB_ERROR_CONTRACT,
                      "%s answers for another block than the one that it is asked for",
                      scb_rpc_client_origin(proof->client, proof->endpoint));
        return scb_error_hint(error, "it cannot be held to one block; use another endpoint");
    }
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "%s cannot be held to a block hash; asked by number, the hash is checked after",
                   scb_rpc_client_origin(proof->client, proof->endpoint));
    if (status == SCB_OK && proof->settings->note != NULL)
        proof->settings->note(proof->settings->note_state, text);
    return status;
}

enum scb_status scb_pin_prove(const struct scb_proof *proof,
                              struct scb_block_parameter *ret_parameter,
                              enum scb_block_verdict *ret_verdict, struct scb_error *error)
{
    enum scb_status status = prove(proof, ret_parameter, ret_verdict, error);
    if (status != SCB_OK || *ret_verdict != SCB_BLOCK_SUITS)
        return status;
    char address[SCB_ADDRESS_TEXT_SIZE], params[PARAMS_SIZE];
    scb_address_format(&proof->settings->contract, address);
    (void)snprintf(params, sizeof(params), "[\"%s\",%s]", address, ret_parameter->json);
    struct scb_rpc_call call = {
        .endpoint = (int)proof->endpoint, .hex_result = true, .max_result = MAX_CODE};
    struct scb_error failure = {0};
    status = scb_rpc_client_call(proof->client, &call, "eth_getCode", params, &failure);
    if (status == SCB_OK && call.response.result.size == 0)
        *ret_verdict = SCB_BLOCK_NO_CODE;
    if (call.outcome == SCB_RPC_STATE_MISSING) {
        *ret_verdict = SCB_BLOCK_STATE_GONE;
        status = SCB_OK;
    }
    if (status != SCB_OK)
        *error = failure;
    scb_rpc_call_free(&call);
    return status;
}
