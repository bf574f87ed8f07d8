/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/rpc_outcome.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/abi.h"
#include "evm/pool_answer.h"

/* The first row whose every given part matches decides; anything else is SCB_RPC_TROUBLE. */
static const struct rule {
    const char *message; /* part of the message, in lower case; NULL: any */
    int64_t code;        /* 0: any */
    long http_status;    /* 0: any */
    enum scb_rpc_outcome outcome;
} rules[] = {
    /* The contract's own words come first: they may hold any of the other texts. */
    {"execution reverted", 0, 0, SCB_RPC_REVERTED},
    {"reverted with ", 0, 0, SCB_RPC_REVERTED}, /* hardhat */

    {"timeout on the free tier", 0, 0, SCB_RPC_TOO_HEAVY}, /* dRPC */
    {"out of gas", 0, 0, SCB_RPC_TOO_HEAVY},
    {"outofgas", 0, 0, SCB_RPC_TOO_HEAVY},  /* anvil, Nethermind */
    {"memoryoog", 0, 0, SCB_RPC_TOO_HEAVY}, /* anvil */
    {"memorylimitoog", 0, 0, SCB_RPC_TOO_HEAVY},
    {"execution aborted", 0, 0, SCB_RPC_TOO_HEAVY},
    {"execution timeout", 0, 0, SCB_RPC_TOO_HEAVY},
    {"request timed out", 0, 0, SCB_RPC_TOO_HEAVY},
    {"due to enabled timeout", 0, 0, SCB_RPC_TOO_HEAVY}, /* Nethermind */
    {"response too large", 0, 0, SCB_RPC_TOO_HEAVY},
    {"response is too big", 0, 0, SCB_RPC_TOO_HEAVY}, /* reth */
    {"response size", 0, 0, SCB_RPC_TOO_HEAVY},       /* Alchemy, 1RPC */

    {"capacity limit", 0, 0, SCB_RPC_QUOTA}, /* Alchemy */
    {"free tier", 0, 0, SCB_RPC_QUOTA},
    {"daily request", 0, 0, SCB_RPC_QUOTA}, /* Infura, QuickNode */
    {"quota", 0, 0, SCB_RPC_QUOTA},

    {"rate limit", 0, 0, SCB_RPC_THROTTLED},
    {"rate exceeded", 0, 0, SCB_RPC_THROTTLED}, /* Infura */
    {"too many request", 0, 0, SCB_RPC_THROTTLED},
    {"too many concurrent", 0, 0, SCB_RPC_THROTTLED},      /* Nethermind */
    {"request limit reached", 0, 0, SCB_RPC_THROTTLED},    /* QuickNode */
    {"credits limited", 0, 0, SCB_RPC_THROTTLED},          /* QuickNode */
    {"compute units per second", 0, 0, SCB_RPC_THROTTLED}, /* Alchemy */
    {"rps limit", 0, 0, SCB_RPC_THROTTLED},                /* Chainstack */
    {"over capacity", 0, 0, SCB_RPC_THROTTLED},            /* proxyd */
    {"server is busy", 0, 0, SCB_RPC_THROTTLED},           /* reth */
    {"limit exceeded", 0, 0, SCB_RPC_THROTTLED},

    {"missing trie node", 0, 0, SCB_RPC_STATE_MISSING},
    {"historical state", 0, 0, SCB_RPC_STATE_MISSING},
    {"state histories", 0, 0, SCB_RPC_STATE_MISSING},
    {"state pruning", 0, 0, SCB_RPC_STATE_MISSING}, /* OpenEthereum */
    {"is pruned", 0, 0, SCB_RPC_STATE_MISSING},     /* reth */
    {"due to pruning", 0, 0, SCB_RPC_STATE_MISSING},
    {"data before txnum", 0, 0, SCB_RPC_STATE_MISSING},       /* Erigon */
    {"no state available", 0, 0, SCB_RPC_STATE_MISSING},      /* Nethermind */
    {"world state unavailable", 0, 0, SCB_RPC_STATE_MISSING}, /* Besu */
    {"archive", 0, 0, SCB_RPC_STATE_MISSING},                 /* Ankr, PublicNode */

    {"finalized block not found", 0, 0, SCB_RPC_BAD_PARAMETER}, /* geth without a beacon node */
    {"safe block not found", 0, 0, SCB_RPC_BAD_PARAMETER},
    {"tag not supported", 0, 0, SCB_RPC_BAD_PARAMETER},
    {"cannot unmarshal", 0, 0, SCB_RPC_BAD_PARAMETER},

    {"header not found", 0, 0, SCB_RPC_BLOCK_UNKNOWN},
    {"header for hash not found", 0, 0, SCB_RPC_BLOCK_UNKNOWN},
    {"block not found", 0, 0, SCB_RPC_BLOCK_UNKNOWN},
    {"unknown block", 0, 0, SCB_RPC_BLOCK_UNKNOWN},
    {"not currently canonical", 0, 0, SCB_RPC_BLOCK_UNKNOWN},
    {"block is out of range", 0, 0, SCB_RPC_BLOCK_UNKNOWN}, /* proxyd */
    {"blockoutofrange", 0, 0, SCB_RPC_BLOCK_UNKNOWN},       /* anvil */
    {"resource not found", 0, 0, SCB_RPC_BLOCK_UNKNOWN},    /* anvil */
    {"invalid block tag", 0, 0, SCB_RPC_BLOCK_UNKNOWN},     /* hardhat */
    {"nil block in", 0, 0, SCB_RPC_BLOCK_UNKNOWN},          /* XDC */
    {"nil header in", 0, 0, SCB_RPC_BLOCK_UNKNOWN},         /* XDC */

    {"method not found", 0, 0, SCB_RPC_METHOD_MISSING},
    {"does not exist/is not available", 0, 0, SCB_RPC_METHOD_MISSING}, /* geth */
    {"not whitelisted", 0, 0, SCB_RPC_METHOD_MISSING},                 /* proxyd */

    {"unauthorized", 0, 0, SCB_RPC_FORBIDDEN},
    {"must be authenticated", 0, 0, SCB_RPC_FORBIDDEN}, /* Alchemy */
    {"api key", 0, 0, SCB_RPC_FORBIDDEN},               /* Ankr */
    {"project id", 0, 0, SCB_RPC_FORBIDDEN},            /* Infura */

    {"gas required exceeds", 0, 0, SCB_RPC_REVERTED}, /* geth: over what a block has */
    {"revert", 0, 0, SCB_RPC_REVERTED},
    {"evm error", 0, 0, SCB_RPC_REVERTED}, /* anvil */
    {"invalid opcode", 0, 0, SCB_RPC_REVERTED},
    {"invalid jump", 0, 0, SCB_RPC_REVERTED},

    {NULL, 0, 429, SCB_RPC_THROTTLED},
    {NULL, 0, 402, SCB_RPC_QUOTA},
    {NULL, 0, 401, SCB_RPC_FORBIDDEN},
    {NULL, 0, 403, SCB_RPC_FORBIDDEN},
    {NULL, 0, 413, SCB_RPC_TOO_HEAVY},

    {NULL, 429, 0, SCB_RPC_THROTTLED},
    {NULL, -32005, 0, SCB_RPC_THROTTLED},
    {NULL, -32007, 0, SCB_RPC_THROTTLED},
    {NULL, -32016, 0, SCB_RPC_THROTTLED},
    {NULL, -32029, 0, SCB_RPC_THROTTLED},
    {NULL, 402, 0, SCB_RPC_QUOTA},
    {NULL, 401, 0, SCB_RPC_FORBIDDEN},
    {NULL, 403, 0, SCB_RPC_FORBIDDEN},
    {NULL, -32002, 0, SCB_RPC_TOO_HEAVY},
    {NULL, -32003, 0, SCB_RPC_TOO_HEAVY},
    {NULL, -32008, 0, SCB_RPC_TOO_HEAVY},
    {NULL, -32020, 0, SCB_RPC_TOO_HEAVY},
    {NULL, -32001, 0, SCB_RPC_BLOCK_UNKNOWN},
    {NULL, -39001, 0, SCB_RPC_BLOCK_UNKNOWN},
    {NULL, 4444, 0, SCB_RPC_STATE_MISSING},
    {NULL, 3, 0, SCB_RPC_REVERTED},
    {NULL, -32015, 0, SCB_RPC_REVERTED},
    {NULL, -32601, 0, SCB_RPC_METHOD_MISSING},
    {NULL, -32004, 0, SCB_RPC_METHOD_MISSING},
    {NULL, -32600, 0, SCB_RPC_BAD_PARAMETER},
    {NULL, -32602, 0, SCB_RPC_BAD_PARAMETER},
    {NULL, 0, 400, SCB_RPC_BAD_PARAMETER},
};

/* What a person, or the caller, can do about it. */
static const struct {
    bool retryable;
    const char *hint;
} advice[] = {
    [SCB_RPC_THROTTLED] = {true, "lower smart_contract_rate_limit or add an endpoint"},
    [SCB_RPC_QUOTA] = {false, "the endpoint's plan is used up: raise it or add an endpoint"},
    [SCB_RPC_TOO_HEAVY] = {false, "lower page_size or use a node with higher limits"},
    [SCB_RPC_BLOCK_UNKNOWN] = {true, "the node lags behind or dropped the block: try again or add "
                                     "an endpoint"},
    [SCB_RPC_STATE_MISSING] = {false, "add an archive endpoint or raise max_concurrent_pages"},
    [SCB_RPC_REVERTED] = {false, "check the contract's address and its function names"},
    [SCB_RPC_REVERTED_EMPTY] = {false, "lower page_size (a proxy contract out of gas says no more) "
                                       "or check the contract's address and its function names"},
    [SCB_RPC_METHOD_MISSING] = {false, "use a node that serves this method"},
    [SCB_RPC_BAD_PARAMETER] = {false, "the node does not take this block or parameter: try another "
                                      "contract.block or another node"},
    [SCB_RPC_FORBIDDEN] = {false, "check the endpoint's URL and key"},
    [SCB_RPC_TROUBLE] = {true, "check the endpoint's URL, try again later or add an endpoint"},
};

enum { TEXT_SIZE = 512, REVERT_DATA_MAX = 1024 };

enum scb_rpc_outcome scb_rpc_classify(const char *message, int64_t code, long http_status)
{
    /* A pool that refuses a transaction refuses it again: for its sender to judge. */
    if (scb_pool_classify(message) != SCB_POOL_OTHER)
        return SCB_RPC_REVERTED;
    for (size_t i = 0; i < SCB_LENGTH(rules); i++) {
        const struct rule *rule = &rules[i];
        if ((rule->message == NULL || strcasestr(message, rule->message) != NULL) &&
            (rule->code == 0 || rule->code == code) &&
            (rule->http_status == 0 || rule->http_status == http_status))
            return rule->outcome;
    }
    return SCB_RPC_TROUBLE;
}

enum scb_status scb_rpc_refuse(enum scb_rpc_outcome outcome, struct scb_error *error)
{
    if (error != NULL) {
        error->retryable = advice[outcome].retryable;
        error->permanent = outcome == SCB_RPC_REVERTED || outcome == SCB_RPC_REVERTED_EMPTY ||
                           outcome == SCB_RPC_METHOD_MISSING || outcome == SCB_RPC_FORBIDDEN;
        (void)scb_error_hint(error, "%s", advice[outcome].hint);
    }
    return SCB_ERROR_CONTRACT;
}

/* The message, with the data after it where that is words and not bytes (Nethermind, Parity). */
static void collect_text(const json_t *error_object, char text[TEXT_SIZE])
{
    const char *message = json_string_value(
        json_is_string(error_object) ? error_object : json_object_get(error_object, "message"));
    const char *data = json_string_value(json_object_get(error_object, "data"));
    if (data == NULL || strncmp(data, "0x", 2) == 0)
        data = "";
    (void)snprintf(text, TEXT_SIZE, "%s%s%s", message == NULL ? "" : message,
                   message == NULL || *data == '\0' ? "" : ": ", data);
}

/* The bytes that a revert gave: "0x…" in data, after some words in it, or in data.data. */
static size_t collect_revert_data(const json_t *error_object, uint8_t data[REVERT_DATA_MAX])
{
    const json_t *member = json_object_get(error_object, "data");
    if (json_is_object(member))
        member = json_object_get(member, "data");
    const char *digits = json_is_string(member) ? strstr(json_string_value(member), "0x") : NULL;
    if (digits == NULL)
        return 0;
    digits += 2;
    size_t size = strspn(digits, "0123456789abcdefABCDEF") / 2;
    if (size > REVERT_DATA_MAX)
        size = REVERT_DATA_MAX;
    return scb_text_unhex(digits, size, data) ? size : 0;
}

/* Whether a node's words on a revert say more than that it was one. */
static bool names_a_reason(const char *text)
{
    static const char *const filler[] = {"vm exception while processing transaction",
                                         "the execution failed due to an exception",
                                         "vm execution error",
                                         "execution",
                                         "transaction",
                                         "reverted",
                                         "revert",
                                         "without a reason string",
                                         "without a reason",
                                         "err:",
                                         "0x"};
    while (*text != '\0' && strncasecmp(text, "(supplied gas", 13) != 0) {
        size_t skip = 0;
        for (size_t i = 0; i < SCB_LENGTH(filler) && skip == 0; i++)
            if (strncasecmp(text, filler[i], strlen(filler[i])) == 0)
                skip = strlen(filler[i]);
        if (skip == 0 && (isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80))
            return true;
        text += skip == 0 ? 1 : skip;
    }
    return false;
}

/* Infura says how long to wait, in one of two places. */
static int64_t collect_wait(const json_t *error_object)
{
    const json_t *data = json_object_get(error_object, "data");
    const json_t *seconds = json_object_get(data, "backoff_seconds");
    if (seconds == NULL)
        seconds = json_object_get(json_object_get(data, "rate"), "backoff_seconds");
    double wait = json_number_value(seconds);
    if (!(wait > 0))
        return 0;
    return wait > 3600 ? 3600000 : (int64_t)(wait * 1000);
}

enum scb_status scb_rpc_judge(const json_t *error_object, long http_status,
                              struct scb_rpc_answer *ret_answer, struct scb_error *error)
{
    char text[TEXT_SIZE], shown[TEXT_SIZE], status[32] = "";
    uint8_t data[REVERT_DATA_MAX];
    collect_text(error_object, text);
    size_t data_size = collect_revert_data(error_object, data);
    ret_answer->code = json_integer_value(json_object_get(error_object, "code"));
    ret_answer->retry_after_ms = collect_wait(error_object);
    enum scb_rpc_outcome outcome = scb_rpc_classify(text, ret_answer->code, http_status);
    if (outcome == SCB_RPC_REVERTED && data_size == 0 && !names_a_reason(text))
        outcome = SCB_RPC_REVERTED_EMPTY;
    ret_answer->outcome = outcome;

    if (http_status / 100 != 2)
        (void)snprintf(status, sizeof(status), "HTTP %ld", http_status);
    scb_text_printable((struct scb_bytes){(const uint8_t *)text, strlen(text)}, shown,
                       sizeof(shown));
    if (outcome == SCB_RPC_REVERTED_EMPTY)
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "the call reverted without a reason");
    else if (outcome == SCB_RPC_REVERTED && data_size > 0) {
        scb_abi_revert_reason((struct scb_bytes){data, data_size}, shown, sizeof(shown));
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "the call reverted: \"%s\"", shown);
    } else if (error_object == NULL)
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "%s", status);
    else
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "%s%sthe node says \"%s\" (code %lld)",
                            status, *status == '\0' ? "" : ", ", shown,
                            (long long)ret_answer->code);
    return scb_rpc_refuse(outcome, error);
}
