/* SPDX-License-Identifier: Apache-2.0 */
#include "source/pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/abi.h"
#include "evm/rpc.h"

enum {
    MAX_CODE = 1024 * 1024, /* EIP-170 allows 24 KiB; other chains more */
    PARAMS_SIZE = 512,
    HASH_SELECTOR_SIZE = 68, /* quotes, 0x and 64 digits */
};

/* Init code that returns NUMBER as one word: run without `to`, it tells which block it runs in. */
#define NUMBER_PROBE "0x4360005260206000f3"

/* 9999-12-31T23:59:59Z: what has a four-digit year can be written. */
static const uint64_t LAST_SECOND = 253402300799;

struct block {
    uint64_t number;
    uint8_t hash[32];
    uint64_t time; /* seconds */
};

/* One pin being chosen. */
struct choice {
    struct scb_rpc_client *client;
    const struct scb_pin_settings *settings;
    struct scb_pin pin;
    struct scb_block_parameter *parameters;
    size_t primary; /* the endpoint that the block was chosen on */
};

/* Why a block will not do, where the answer is definite; such an answer lets `auto` step down. */
enum verdict { SUITS, NOT_KNOWN, STATE_GONE, NO_CODE };

static void note(const struct choice *choice, const char *text)
{
    if (choice->settings->note != NULL)
        choice->settings->note(choice->settings->note_state, text);
}

static void hex_text(const uint8_t *bytes, size_t size, char *ret_text)
{
    memcpy(ret_text, "0x", 2);
    scb_text_hex(bytes, size, ret_text + 2);
}

static enum scb_status read_block(const json_t *object, struct block *ret_block,
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
static enum scb_status check_answer(const char *selector, const struct block *block,
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

static enum scb_status ask_block(struct scb_rpc_client *client, struct scb_rpc_call *call,
                                 const char *selector, enum verdict *ret_verdict,
                                 struct block *ret_block, struct scb_error *error)
{
    bool by_hash = strlen(selector) == HASH_SELECTOR_SIZE;
    char params[PARAMS_SIZE];
    (void)snprintf(params, sizeof(params), "[%s,false]", selector);
    struct scb_error failure = {0};
    enum scb_status status = scb_rpc_client_call(
        client, call, by_hash ? "eth_getBlockByHash" : "eth_getBlockByNumber", params, &failure);
    *ret_verdict = SUITS;
    if (status == SCB_OK && (call->result == NULL || json_is_null(call->result))) {
        *ret_verdict = NOT_KNOWN;
    } else if (status == SCB_OK) {
        status = read_block(call->result, ret_block, &failure);
        if (status == SCB_OK)
            status = check_answer(selector, ret_block, &failure);
    } else if (call->outcome == SCB_RPC_BAD_PARAMETER || call->outcome == SCB_RPC_BLOCK_UNKNOWN ||
               call->outcome == SCB_RPC_METHOD_MISSING) {
        *ret_verdict = NOT_KNOWN;
        status = SCB_OK;
    }
    if (status != SCB_OK)
        *error = failure;
    scb_rpc_call_free(call);
    return status;
}

/* selector is JSON text: a quoted tag, number or hash. */
static enum scb_status get_block(struct scb_rpc_client *client, int endpoint, const char *selector,
                                 enum verdict *ret_verdict, struct block *ret_block,
                                 struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = endpoint, .block_may_be_missing = true};
    return ask_block(client, &call, selector, ret_verdict, ret_block, error);
}

static enum scb_rpc_outcome judge_present(struct scb_rpc_call *call)
{
    if (call->result != NULL && !json_is_null(call->result))
        return SCB_RPC_OK;
    scb_error_set(&call->error, SCB_ERROR_CONTRACT, "the node no longer knows the block");
    return SCB_RPC_BLOCK_UNKNOWN;
}

/* The same for a block that was there: who does not know it may only lag, and is asked again. */
static enum scb_status get_known_block(struct scb_rpc_client *client, int endpoint,
                                       const char *selector, enum verdict *ret_verdict,
                                       struct block *ret_block, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = endpoint, .judge = judge_present};
    return ask_block(client, &call, selector, ret_verdict, ret_block, error);
}

/*
 * Finds out how the endpoint can be asked for the block. A node that answers the probe for another
 * block ignores the hash form and gets the number form, whose hash is checked at the end.
 */
static enum scb_status prove(struct choice *choice, size_t endpoint, const struct block *block,
                             enum verdict *ret_verdict, struct scb_error *error)
{
    char hash[67], params[PARAMS_SIZE];
    hex_text(block->hash, 32, hash);
    struct scb_block_parameter *parameter = &choice->parameters[endpoint];
    (void)snprintf(parameter->json, sizeof(parameter->json),
                   "{\"blockHash\":\"%s\",\"requireCanonical\":true}", hash);
    (void)snprintf(params, sizeof(params), "[{\"data\":\"" NUMBER_PROBE "\"},%s]", parameter->json);
    struct scb_rpc_call call = {.endpoint = (int)endpoint, .hex_result = true, .max_result = 4096};
    struct scb_error failure = {0};
    enum scb_status status =
        scb_rpc_client_call(choice->client, &call, "eth_call", params, &failure);
    uint64_t number = 0;
    bool proved = status == SCB_OK &&
                  scb_abi_decode_u64(scb_buffer_bytes(&call.response.result), "block number",
                                     &number, NULL) == SCB_OK &&
                  number == block->number;
    bool gone = call.outcome == SCB_RPC_STATE_MISSING;
    bool retryable = status != SCB_OK && failure.retryable;
    scb_rpc_call_free(&call);
    *ret_verdict = gone ? STATE_GONE : SUITS;
    if (proved || gone)
        return SCB_OK;
    if (retryable || status == SCB_ERROR_CANCELED) {
        *error = failure;
        return status;
    }
    (void)snprintf(parameter->json, sizeof(parameter->json), "\"0x%" PRIx64 "\"", block->number);
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "%s cannot be held to a block hash; asked by number, the hash is checked after",
                   scb_rpc_client_origin(choice->client, endpoint));
    note(choice, text);
    return SCB_OK;
}

/* Proves the block on the endpoint and looks whether the contract is there. */
static enum scb_status examine(struct choice *choice, size_t endpoint, const struct block *block,
                               enum verdict *ret_verdict, struct scb_error *error)
{
    enum scb_status status = prove(choice, endpoint, block, ret_verdict, error);
    if (status != SCB_OK || *ret_verdict != SUITS)
        return status;
    char address[SCB_ADDRESS_TEXT_SIZE], params[PARAMS_SIZE];
    scb_address_format(&choice->settings->contract, address);
    (void)snprintf(params, sizeof(params), "[\"%s\",%s]", address,
                   choice->parameters[endpoint].json);
    struct scb_rpc_call call = {
        .endpoint = (int)endpoint, .hex_result = true, .max_result = MAX_CODE};
    struct scb_error failure = {0};
    status = scb_rpc_client_call(choice->client, &call, "eth_getCode", params, &failure);
    if (status == SCB_OK && call.response.result.size == 0)
        *ret_verdict = NO_CODE;
    if (call.outcome == SCB_RPC_STATE_MISSING) {
        *ret_verdict = STATE_GONE;
        status = SCB_OK;
    }
    if (status != SCB_OK)
        *error = failure;
    scb_rpc_call_free(&call);
    return status;
}

/* The contract has code there, so that an empty answer is the node's trouble. */
static enum scb_rpc_outcome judge_total(struct scb_rpc_call *call)
{
    if (call->response.result.size > 0)
        return SCB_RPC_OK;
    scb_error_set(&call->error, SCB_ERROR_CONTRACT, "an empty result (0x)");
    (void)scb_error_hint(&call->error, "a lagging node, or contract.total_function is wrong");
    return SCB_RPC_TROUBLE;
}

static enum scb_status read_total(struct choice *choice, size_t endpoint, struct scb_error *error)
{
    uint8_t selector[4];
    enum scb_status status = scb_abi_selector(choice->settings->total_function, selector, error);
    if (status != SCB_OK)
        return status;
    char address[SCB_ADDRESS_TEXT_SIZE], data[11], params[PARAMS_SIZE];
    scb_address_format(&choice->settings->contract, address);
    hex_text(selector, sizeof(selector), data);
    char gas[40] = "";
    if (choice->settings->gas_limit > 0)
        (void)snprintf(gas, sizeof(gas), ",\"gas\":\"0x%" PRIx64 "\"", choice->settings->gas_limit);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"%s\",\"data\":\"%s\"%s},%s]", address, data,
                   gas, choice->parameters[endpoint].json);
    struct scb_rpc_call call = {
        .endpoint = (int)endpoint, .hex_result = true, .max_result = 4096, .judge = judge_total};
    status = scb_rpc_client_call(choice->client, &call, "eth_call", params, error);
    if (status == SCB_OK)
        status =
            scb_abi_decode_u64(scb_buffer_bytes(&call.response.result),
                               choice->settings->total_function, &choice->pin.total_keys, error);
    if (status == SCB_ERROR_VALIDATION || call.outcome == SCB_RPC_REVERTED ||
        call.outcome == SCB_RPC_REVERTED_EMPTY) {
        scb_error_wrap(error, "contract %s, %s", address, choice->settings->total_function);
        (void)scb_error_hint(error, "check contract.address and contract.total_function");
    }
    scb_rpc_call_free(&call);
    return status;
}

static enum scb_status check_chain(struct choice *choice, size_t endpoint, struct scb_error *error)
{
    struct scb_rpc_call call = {.endpoint = (int)endpoint};
    enum scb_status status = scb_rpc_client_call(choice->client, &call, "eth_chainId", "[]", error);
    uint64_t chain_id = 0;
    if (status == SCB_OK)
        status = scb_rpc_quantity(call.result, "eth_chainId", &chain_id, error);
    scb_rpc_call_free(&call);
    if (status != SCB_OK)
        return status;
    if (chain_id > INT64_MAX)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "a chain id over 63 bits");
    if (choice->pin.chain_id == 0)
        choice->pin.chain_id = chain_id;
    if (chain_id == choice->pin.chain_id)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "%s is on chain %" PRIu64 ", not %" PRIu64,
                  scb_rpc_client_origin(choice->client, endpoint), chain_id, choice->pin.chain_id);
    return scb_error_hint(error, "check contract.chain_id and contract.rpc_urls");
}

/* Leaves an endpoint out; with no other left the failure is the whole run's. */
static enum scb_status leave_out(struct choice *choice, size_t endpoint, struct scb_error *failure,
                                 struct scb_error *error)
{
    size_t left = 0;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client); i++)
        left += i != endpoint && !scb_rpc_client_excluded(choice->client, i);
    if (left == 0 || failure->status == SCB_ERROR_CANCELED) {
        *error = *failure;
        return failure->status;
    }
    scb_rpc_client_exclude(choice->client, endpoint);
    char text[1400];
    (void)snprintf(text, sizeof(text), "%s is left out: %s",
                   scb_rpc_client_origin(choice->client, endpoint), failure->message);
    note(choice, text);
    return SCB_OK;
}

static enum scb_status check_chains(struct choice *choice, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client) && status == SCB_OK; i++) {
        struct scb_error failure = {0};
        if (check_chain(choice, i, &failure) != SCB_OK)
            status = leave_out(choice, i, &failure, error);
    }
    return status;
}

static size_t first_endpoint(const struct choice *choice)
{
    size_t first = 0;
    while (scb_rpc_client_excluded(choice->client, first))
        first++;
    return first;
}

static const char *verdict_text(enum verdict verdict)
{
    switch (verdict) {
    case SUITS:
        return "suits";
    case NOT_KNOWN:
        return "the node does not know it";
    case STATE_GONE:
        return "the node no longer holds its state";
    case NO_CODE:
        return "the contract has no code there";
    }
    return "";
}

/* Tries one way of naming a block, on the first endpoint where it suits. */
static enum scb_status try_block(struct choice *choice, const char *selector,
                                 enum verdict *ret_verdict, struct block *ret_block,
                                 struct scb_error *error)
{
    enum verdict first_refusal = SUITS;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client); i++) {
        if (scb_rpc_client_excluded(choice->client, i))
            continue;
        struct scb_error failure = {0};
        enum scb_status status =
            get_block(choice->client, (int)i, selector, ret_verdict, ret_block, &failure);
        if (status == SCB_OK && *ret_verdict == SUITS)
            status = examine(choice, i, ret_block, ret_verdict, &failure);
        choice->primary = i;
        if (status == SCB_OK && *ret_verdict == SUITS)
            return SCB_OK;
        if (status != SCB_OK && leave_out(choice, i, &failure, error) != SCB_OK)
            return error->status;
        if (status == SCB_OK && first_refusal == SUITS)
            first_refusal = *ret_verdict;
    }
    *ret_verdict = first_refusal;
    return SCB_OK;
}

static enum scb_status refuse_block(const struct choice *choice, const char *name,
                                    enum verdict verdict, struct scb_error *error)
{
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&choice->settings->contract, address);
    if (verdict == NO_CODE) {
        scb_error_set(error, SCB_ERROR_VALIDATION,
                      "no contract at %s on chain %" PRIu64 " at block %s", address,
                      choice->pin.chain_id, name);
        return scb_error_hint(error,
                              "check contract.address, contract.chain_id and contract.block");
    }
    scb_error_set(error, SCB_ERROR_CONTRACT, "block %s: %s", name, verdict_text(verdict));
    return scb_error_hint(error, verdict == STATE_GONE
                                     ? "use contract.block: auto or an archive endpoint"
                                     : "check contract.block or add an endpoint that has it");
}

/* `auto`: finalized, else latest less confirmations, else latest; down only on definite answers. */
static enum scb_status choose_auto(struct choice *choice, struct block *ret_block,
                                   struct scb_error *error)
{
    enum verdict verdict = SUITS;
    enum scb_status status = try_block(choice, "\"finalized\"", &verdict, ret_block, error);
    if (status != SCB_OK || verdict == SUITS) {
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "finalized");
        return status;
    }
    const char *why_not_finalized = verdict_text(verdict);
    struct block latest = {0};
    status = get_block(choice->client, (int)first_endpoint(choice), "\"latest\"", &verdict, &latest,
                       error);
    if (status != SCB_OK)
        return status;
    uint64_t back = choice->settings->confirmations;
    const char *why_not_confirmed = "the chain is younger";
    if (verdict == SUITS && back > 0 && latest.number >= back) {
        char selector[32];
        (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", latest.number - back);
        status = try_block(choice, selector, &verdict, ret_block, error);
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason),
                       "latest less %" PRIu64 "; finalized: %s", back, why_not_finalized);
        if (status != SCB_OK || verdict == SUITS)
            return status;
        why_not_confirmed = verdict_text(verdict);
    }
    (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason),
                   "latest; finalized: %s; latest less %" PRIu64 ": %s", why_not_finalized, back,
                   why_not_confirmed);
    status = try_block(choice, "\"latest\"", &verdict, ret_block, error);
    return status != SCB_OK || verdict == SUITS ? status
                                                : refuse_block(choice, "latest", verdict, error);
}

/* A tag, a number or a hash that a person named: that or nothing. */
static enum scb_status choose_named(struct choice *choice, const char *name,
                                    struct block *ret_block, struct scb_error *error)
{
    uint64_t number = 0;
    char selector[80];
    if (scb_text_parse_u64(name, &number, NULL) == SCB_OK)
        (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", number);
    else
        (void)snprintf(selector, sizeof(selector), "\"%.66s\"", name);
    enum verdict verdict = SUITS;
    enum scb_status status = try_block(choice, selector, &verdict, ret_block, error);
    (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "contract.block is %.66s", name);
    return status != SCB_OK || verdict == SUITS ? status
                                                : refuse_block(choice, name, verdict, error);
}

/* The other endpoints must have the same block and are proved on it too. */
static enum scb_status check_others(struct choice *choice, const struct block *block,
                                    struct scb_error *error)
{
    char selector[32];
    (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", block->number);
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < scb_rpc_client_endpoints(choice->client) && status == SCB_OK; i++) {
        if (i == choice->primary || scb_rpc_client_excluded(choice->client, i))
            continue;
        struct scb_error failure = {0};
        struct block theirs = {0};
        enum verdict verdict = SUITS;
        enum scb_status got =
            get_block(choice->client, (int)i, selector, &verdict, &theirs, &failure);
        if (got == SCB_OK && verdict == SUITS && memcmp(theirs.hash, block->hash, 32) != 0)
            got = scb_error_set(&failure, SCB_ERROR_CONTRACT,
                                "another block hash at %" PRIu64 " than the first endpoint's",
                                block->number);
        if (got == SCB_OK && verdict == SUITS)
            got = examine(choice, i, block, &verdict, &failure);
        if (got == SCB_OK && verdict != SUITS)
            got = refuse_block(choice, "pinned", verdict, &failure);
        if (got != SCB_OK)
            status = leave_out(choice, i, &failure, error);
    }
    return status;
}

static enum scb_status check_age(const struct choice *choice, const struct block *block,
                                 struct scb_error *error)
{
    char first = choice->settings->block[0];
    bool fixed = first >= '0' && first <= '9';
    int64_t limit_ms = choice->settings->max_block_age_ms;
    int64_t age_ms = scb_clock_real_ms(choice->settings->clock) - (int64_t)block->time * 1000;
    if (fixed || limit_ms == 0 || age_ms <= limit_ms)
        return SCB_OK;
    char age[32], limit[32];
    scb_text_format_elapsed(age_ms, age, sizeof(age));
    scb_text_format_elapsed(limit_ms, limit, sizeof(limit));
    scb_error_set(error, SCB_ERROR_CONTRACT,
                  "block %" PRIu64 " is %s old, more than contract.max_block_age (%s)",
                  block->number, age, limit);
    return scb_error_hint(error, "is the node stuck or on a dead chain? 0 switches this check off");
}

static enum scb_status read_genesis(struct choice *choice, struct scb_error *error)
{
    struct block genesis = {0};
    enum verdict verdict = SUITS;
    enum scb_status status = get_block(choice->client, (int)first_endpoint(choice), "\"0x0\"",
                                       &verdict, &genesis, error);
    if (status == SCB_OK && verdict != SUITS)
        return scb_error_set(error, SCB_ERROR_CONTRACT, "%s has no block 0",
                             scb_rpc_client_origin(choice->client, first_endpoint(choice)));
    memcpy(choice->pin.genesis_hash, genesis.hash, 32);
    return status;
}

static enum scb_status choose_block(struct choice *choice, const struct scb_pin *wanted,
                                    struct block *ret_block, struct scb_error *error)
{
    if (wanted != NULL) {
        char hash[67];
        hex_text(wanted->block_hash, 32, hash);
        enum scb_status status = choose_named(choice, hash, ret_block, error);
        (void)snprintf(choice->pin.reason, sizeof(choice->pin.reason), "the interrupted run's");
        return status;
    }
    enum scb_status status = strcmp(choice->settings->block, "auto") == 0
                                 ? choose_auto(choice, ret_block, error)
                                 : choose_named(choice, choice->settings->block, ret_block, error);
    return status != SCB_OK ? status : check_age(choice, ret_block, error);
}

enum scb_status scb_pin_choose(struct scb_rpc_client *client,
                               const struct scb_pin_settings *settings,
                               const struct scb_pin *wanted, struct scb_pin *ret_pin,
                               struct scb_block_parameter *ret_parameters, struct scb_error *error)
{
    struct choice choice = {.client = client, .settings = settings, .parameters = ret_parameters};
    choice.pin.chain_id = wanted != NULL ? wanted->chain_id : settings->chain_id;
    memcpy(choice.pin.contract, settings->contract.bytes, sizeof(choice.pin.contract));
    scb_rpc_client_include_all(client); /* what could not serve the last block may serve this one */
    enum scb_status status = check_chains(&choice, error);
    struct block block = {0};
    if (status == SCB_OK)
        status = read_genesis(&choice, error);
    if (status == SCB_OK)
        status = choose_block(&choice, wanted, &block, error);
    if (status == SCB_OK)
        status = check_others(&choice, &block, error);
    if (status == SCB_OK)
        status = read_total(&choice, choice.primary, error);
    if (status != SCB_OK)
        return status;
    choice.pin.block_number = block.number;
    choice.pin.block_time = block.time;
    memcpy(choice.pin.block_hash, block.hash, 32);
    *ret_pin = choice.pin;
    return SCB_OK;
}

/*
 * Somebody must say that the hash is still the same: no answer, or a block that nobody knows any
 * more, is no confirmation.
 */
enum scb_status scb_pin_confirm(struct scb_rpc_client *client, const struct scb_pin *pin,
                                bool *ret_changed, struct scb_error *error)
{
    char selector[32];
    (void)snprintf(selector, sizeof(selector), "\"0x%" PRIx64 "\"", pin->block_number);
    bool confirmed = false, contradicted = false, unknown = false;
    struct scb_error failure = {0};
    for (size_t i = 0; i < scb_rpc_client_endpoints(client); i++) {
        struct block block = {0};
        enum verdict verdict = SUITS;
        if (scb_rpc_client_excluded(client, i))
            continue;
        if (get_known_block(client, (int)i, selector, &verdict, &block, &failure) != SCB_OK)
            continue; /* another endpoint may tell */
        bool same = memcmp(block.hash, pin->block_hash, 32) == 0;
        unknown |= verdict != SUITS;
        confirmed |= verdict == SUITS && same;
        contradicted |= verdict == SUITS && !same;
    }
    *ret_changed = contradicted || (unknown && !confirmed);
    if (confirmed || *ret_changed)
        return SCB_OK;
    *error = failure;
    return failure.status;
}
