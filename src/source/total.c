/* SPDX-License-Identifier: Apache-2.0 */
#include "source/total.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "evm/abi.h"

enum { PARAMS_SIZE = 512 };

/* The contract has code there, so that an empty answer is the node's trouble. */
static enum scb_rpc_outcome judge_total(struct scb_rpc_call *call)
{
    if (call->response.result.size > 0)
        return SCB_RPC_OK;
    scb_error_set(&call->error, SCB_ERROR_CONTRACT, "an empty result (0x)");
    (void)scb_error_hint(&call->error, "a lagging node, or contract.total_function is wrong");
    return SCB_RPC_TROUBLE;
}

enum scb_status scb_total_read(struct scb_rpc_client *client,
                               const struct scb_pin_settings *settings, int endpoint,
                               const struct scb_block_parameter *block, uint64_t *ret_total,
                               struct scb_error *error)
{
    uint8_t selector[4];
    enum scb_status status = scb_abi_selector(settings->total_function, selector, error);
    if (status != SCB_OK)
        return status;
    char address[SCB_ADDRESS_TEXT_SIZE], data[11], params[PARAMS_SIZE];
    scb_address_format(&settings->contract, address);
    memcpy(data, "0x", 2);
    scb_text_hex(selector, sizeof(selector), data + 2);
    char gas[40] = "";
    if (settings->gas_limit > 0)
        (void)snprintf(gas, sizeof(gas), ",\"gas\":\"0x%" PRIx64 "\"", settings->gas_limit);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"%s\",\"data\":\"%s\"%s},%s]", address, data,
                   gas, block->json);
    struct scb_rpc_call call = {
        .endpoint = endpoint, .hex_result = true, .max_result = 4096, .judge = judge_total};
    status = scb_rpc_client_call(client, &call, "eth_call", params, error);
    if (status == SCB_OK)
        status = scb_abi_decode_u64(scb_buffer_bytes(&call.response.result),
                                    settings->total_function, ret_total, error);
    if (status == SCB_ERROR_VALIDATION || call.outcome == SCB_RPC_REVERTED ||
        call.outcome == SCB_RPC_REVERTED_EMPTY) {
        scb_error_wrap(error, "contract %s, %s", address, settings->total_function);
        (void)scb_error_hint(error, "check contract.address and contract.total_function");
    }
    scb_rpc_call_free(&call);
    return status;
}
