/* SPDX-License-Identifier: Apache-2.0 */
#include "source/chain.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/abi.h"

enum { PARAMS_SIZE = 256 };

static const scb_wei default_priority_fee = 1000000000; /* 1 gwei, where the node says none */

/* A call whose result is a quantity. */
static enum scb_status ask_wei(struct scb_rpc_client *client, const char *method,
                               const char *params, scb_wei *ret_value, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = SCB_ANY_ENDPOINT};
    enum scb_status status = scb_rpc_client_call(client, &call, method, params, error);
    if (status == SCB_OK)
        status = scb_wei_quantity(call.result, method, ret_value, error);
    scb_rpc_call_free(&call);
    return status;
}

static enum scb_status ask_u64(struct scb_rpc_client *client, const char *method,
                               const char *params, uint64_t *ret_value, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = SCB_ANY_ENDPOINT};
    enum scb_status status = scb_rpc_client_call(client, &call, method, params, error);
    if (status == SCB_OK)
        status = scb_rpc_quantity(call.result, method, ret_value, error);
    scb_rpc_call_free(&call);
    return status;
}

enum scb_status scb_chain_id(struct scb_rpc_client *client, uint64_t *ret_id,
                             struct scb_error *error)
{
    return ask_u64(client, "eth_chainId", "[]", ret_id, error);
}

enum scb_status scb_chain_block_number(struct scb_rpc_client *client, uint64_t *ret_number,
                                       struct scb_error *error)
{
    return ask_u64(client, "eth_blockNumber", "[]", ret_number, error);
}

static void account_params(const struct scb_address *account, const char *tag,
                           char params[PARAMS_SIZE])
{
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(account, address);
    (void)snprintf(params, PARAMS_SIZE, "[\"%s\",\"%s\"]", address, tag);
}

enum scb_status scb_chain_nonce(struct scb_rpc_client *client, const struct scb_address *account,
                                bool pending, uint64_t *ret_nonce, struct scb_error *error)
{
    char params[PARAMS_SIZE];
    account_params(account, pending ? "pending" : "latest", params);
    return ask_u64(client, "eth_getTransactionCount", params, ret_nonce, error);
}

enum scb_status scb_chain_balance(struct scb_rpc_client *client, const struct scb_address *account,
                                  scb_wei *ret_balance, struct scb_error *error)
{
    char params[PARAMS_SIZE];
    account_params(account, "latest", params);
    return ask_wei(client, "eth_getBalance", params, ret_balance, error);
}

/* The newest block's number, gas limit and, where it has one, base fee. */
static enum scb_status read_newest(struct scb_rpc_client *client, struct scb_fees *fees,
                                   scb_wei *ret_base_fee, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = SCB_ANY_ENDPOINT};
    enum scb_status status =
        scb_rpc_client_call(client, &call, "eth_getBlockByNumber", "[\"latest\",false]", error);
    if (status == SCB_OK)
        status = scb_rpc_quantity(json_object_get(call.result, "number"), "block number",
                                  &fees->block_number, error);
    if (status == SCB_OK)
        status = scb_rpc_quantity(json_object_get(call.result, "gasLimit"), "block gas limit",
                                  &fees->block_gas_limit, error);
    const json_t *base_fee =
        status == SCB_OK ? json_object_get(call.result, "baseFeePerGas") : NULL;
    fees->dynamic = json_is_string(base_fee);
    if (fees->dynamic)
        status = scb_wei_quantity(base_fee, "base fee", ret_base_fee, error);
    scb_rpc_call_free(&call);
    return status;
}

static enum scb_status over_cap(const char *what, scb_wei wanted, scb_wei cap,
                                struct scb_error *error)
{
    char wanted_text[SCB_WEI_TEXT_SIZE], cap_text[SCB_WEI_TEXT_SIZE];
    scb_wei_format(wanted, wanted_text);
    scb_wei_format(cap, cap_text);
    scb_error_set(error, SCB_ERROR_RESOURCE, "%s is %s, over --max-fee-per-gas %s", what,
                  wanted_text, cap_text);
    (void)scb_error_hint(error, "wait until gas is cheaper or raise --max-fee-per-gas");
    return SCB_ERROR_RESOURCE;
}

static scb_wei lesser(scb_wei a, scb_wei b)
{
    return a < b ? a : b;
}

static enum scb_status read_dynamic_fees(struct scb_rpc_client *client, scb_wei base_fee,
                                         scb_wei cap, struct scb_fees *fees,
                                         struct scb_error *error)
{
    struct scb_error ignored = {0};
    scb_wei priority = 0;
    enum scb_status status = ask_wei(client, "eth_maxPriorityFeePerGas", "[]", &priority, &ignored);
    if (status == SCB_ERROR_CANCELED) {
        *error = ignored;
        return status;
    }
    if (status != SCB_OK) /* not every node has it */
        priority = default_priority_fee;
    if (base_fee > cap)
        return over_cap("the chain's base fee", base_fee, cap, error);
    fees->max_fee = lesser(scb_wei_plus(scb_wei_times(base_fee, 2), priority), cap);
    fees->priority_fee = lesser(priority, fees->max_fee);
    fees->expected = lesser(scb_wei_plus(base_fee, fees->priority_fee), cap);
    return SCB_OK;
}

enum scb_status scb_chain_fees(struct scb_rpc_client *client, scb_wei cap, bool legacy,
                               struct scb_fees *ret_fees, struct scb_error *error)
{
    struct scb_fees fees = {0};
    scb_wei base_fee = 0;
    enum scb_status status = read_newest(client, &fees, &base_fee, error);
    if (status == SCB_OK && fees.dynamic && !legacy) {
        status = read_dynamic_fees(client, base_fee, cap, &fees, error);
    } else if (status == SCB_OK) {
        fees.dynamic = false;
        status = ask_wei(client, "eth_gasPrice", "[]", &fees.max_fee, error);
        if (status == SCB_OK && fees.max_fee > cap)
            status = over_cap("the chain's gas price", fees.max_fee, cap, error);
        fees.expected = fees.priority_fee = fees.max_fee;
    }
    if (status == SCB_OK)
        *ret_fees = fees;
    return status;
}

enum scb_status scb_chain_address_of(struct scb_rpc_client *client,
                                     const struct scb_address *contract, const char *function,
                                     bool *ret_has, struct scb_address *ret_address,
                                     struct scb_error *error)
{
    uint8_t selector[4];
    char address[SCB_ADDRESS_TEXT_SIZE], digits[9], params[PARAMS_SIZE];
    enum scb_status status = scb_abi_selector(function, selector, error);
    if (status != SCB_OK)
        return status;
    scb_address_format(contract, address);
    scb_text_hex(selector, sizeof(selector), digits);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"%s\",\"data\":\"0x%s\"},\"latest\"]",
                   address, digits);
    struct scb_rpc_call call = {
        .endpoint = SCB_ANY_ENDPOINT, .hex_result = true, .max_result = 4096};
    struct scb_error failure = {0};
    status = scb_rpc_client_call(client, &call, "eth_call", params, &failure);
    bool refused = call.outcome == SCB_RPC_REVERTED || call.outcome == SCB_RPC_REVERTED_EMPTY;
    *ret_has = status == SCB_OK && call.response.result.size == SCB_ABI_WORD;
    if (*ret_has)
        memcpy(ret_address->bytes, call.response.result.data + 12, sizeof(ret_address->bytes));
    scb_rpc_call_free(&call);
    if (status != SCB_OK && !refused) {
        *error = failure;
        return status;
    }
    return SCB_OK;
}

enum scb_status scb_chain_own_account(struct scb_rpc_client *client, bool *ret_has,
                                      struct scb_address *ret_account, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = SCB_ANY_ENDPOINT};
    enum scb_status status = scb_rpc_client_call(client, &call, "eth_accounts", "[]", error);
    *ret_has = false;
    if (call.outcome == SCB_RPC_METHOD_MISSING)
        status = SCB_OK;
    else if (status == SCB_OK && json_array_size(call.result) > 0) {
        status = scb_rpc_data(json_array_get(call.result, 0), "eth_accounts", ret_account->bytes,
                              sizeof(ret_account->bytes), error);
        *ret_has = status == SCB_OK;
    }
    scb_rpc_call_free(&call);
    return status;
}

enum scb_status scb_chain_append_hex(struct scb_buffer *out, struct scb_bytes bytes,
                                     struct scb_error *error)
{
    size_t size = 2 * bytes.size + 4; /* 0x and quotes; the NUL of the digits is the last quote */
    enum scb_status status = scb_buffer_reserve(out, size, error);
    if (status != SCB_OK)
        return status;
    char *at = (char *)out->data + out->size;
    memcpy(at, "\"0x", 3);
    scb_text_hex(bytes.data, bytes.size, at + 3);
    at[size - 1] = '"';
    out->size += size;
    return SCB_OK;
}
