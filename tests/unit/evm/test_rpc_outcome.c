/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes and providers answer, as seen in the wild, and what it is taken for; what is said of
 * reverts; what comes before what; how long to wait; what is shown of a node's words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "evm/rpc.h"
#include "evm/rpc_outcome.h"

/* Feeds a whole body; the answer must be a failure. */
static enum scb_rpc_outcome judge(const char *body, long http_status, struct scb_rpc_answer *answer,
                                  struct scb_error *error)
{
    struct scb_rpc_response response = {.id = 0};
    scb_rpc_response_begin(&response, 7, true, 1000);
    assert_int_equal(scb_rpc_response_feed(&response, body, strlen(body), error), SCB_OK);
    assert_int_equal(scb_rpc_response_finish(&response, http_status, answer, error),
                     SCB_ERROR_CONTRACT);
    scb_rpc_response_free(&response);
    return answer->outcome;
}

#define FAILURE(code, message)                                                                     \
    "{\"id\":7,\"error\":{\"code\":" code ",\"message\":\"" message "\"}}"
#define FAILURE_DATA(code, message, data)                                                          \
    "{\"id\":7,\"error\":{\"code\":" code ",\"message\":\"" message "\",\"data\":" data "}}"

#define WORD_32 "0000000000000000000000000000000000000000000000000000000000000020"
#define ERROR_HI                                                                                   \
    "0x08c379a0" WORD_32 "0000000000000000000000000000000000000000000000000000000000000002"        \
    "6869000000000000000000000000000000000000000000000000000000000000"

static const struct row {
    const char *from;
    long http_status;
    const char *body;
    enum scb_rpc_outcome outcome;
    const char *says; /* part of the message */
} rows[] = {
    /* Throttled */
    {"Infura", 429, FAILURE("-32005", "project ID request rate exceeded"), SCB_RPC_THROTTLED,
     "HTTP 429, the node says \"project ID request rate exceeded\" (code -32005)"},
    {"Alchemy", 200,
     FAILURE("429", "Your app has exceeded its compute units per second capacity. If you have "
                    "retries enabled, you can safely ignore this message."),
     SCB_RPC_THROTTLED, "compute units"},
    {"QuickNode, bare", 200,
     "{\"code\":-32007,\"message\":\"50/second request limit reached - reduce calls per second or "
     "upgrade your account at quicknode.com\"}",
     SCB_RPC_THROTTLED, "50/second"},
    {"QuickNode", 200, FAILURE("-32012", "credits limited to 6000/sec"), SCB_RPC_THROTTLED, ""},
    {"Chainstack", 200,
     FAILURE("-32005", "You've exceeded the RPS limit available on the current plan."),
     SCB_RPC_THROTTLED, ""},
    {"proxyd", 429, FAILURE("-32016", "over rate limit"), SCB_RPC_THROTTLED, ""},
    {"proxyd", 429, FAILURE("-32012", "backend is over capacity"), SCB_RPC_THROTTLED, ""},
    {"Nethermind", 200,
     FAILURE_DATA("-32017", "Timeout",
                  "\"ModuleRentalTimeoutException: Too many concurrent "
                  "requests.\\n at Nethermind\""),
     SCB_RPC_THROTTLED, "requests.\\x0a at"},
    {"reth", 200, FAILURE("-32009", "Server is busy. Try again later"), SCB_RPC_THROTTLED, ""},
    {"by code", 200, FAILURE("-32005", "slow down"), SCB_RPC_THROTTLED, ""},
    {"by code", 200, FAILURE("-32029", "slow down"), SCB_RPC_THROTTLED, ""},
    {"by code", 200, FAILURE("-32016", "slow down"), SCB_RPC_THROTTLED, ""},
    {"by status", 429, FAILURE("-32000", "no"), SCB_RPC_THROTTLED, ""},
    {"by status", 429, "<html>Too Many Requests</html>", SCB_RPC_THROTTLED, "HTTP 429"},
    {"an error that is a text", 200, "{\"error\":\"Too many requests\"}", SCB_RPC_THROTTLED,
     "Too many requests"},

    /* Quota */
    {"Infura", 402, FAILURE("402", "Payment Required"), SCB_RPC_QUOTA, "HTTP 402"},
    {"Infura", 429, FAILURE("-32005", "daily request count exceeded, request rate limited"),
     SCB_RPC_QUOTA, ""},
    {"Alchemy", 403,
     FAILURE("-32600", "Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/"),
     SCB_RPC_QUOTA, ""},
    {"QuickNode", 200,
     FAILURE("-32003", "daily request limit reached - upgrade your account at quicknode.com"),
     SCB_RPC_QUOTA, ""},
    {"dRPC", 200, FAILURE("35", "ranges over 10000 blocks are not supported on free tier"),
     SCB_RPC_QUOTA, ""},
    {"an id not read yet", 403,
     "{\"id\":1,\"error\":{\"code\":0,\"message\":\"Monthly capacity limit exceeded.\"}}",
     SCB_RPC_QUOTA, ""},
    {"by status", 402, "", SCB_RPC_QUOTA, "HTTP 402"},

    /* Too heavy */
    {"geth", 200, FAILURE("-32000", "out of gas"), SCB_RPC_TOO_HEAVY, "out of gas"},
    {"Nethermind", 200, FAILURE_DATA("-32000", "out of gas", "\"0x\""), SCB_RPC_TOO_HEAVY,
     "the node says \"out of gas\" (code -32000)"},
    {"anvil", 200, FAILURE("-32603", "EVM error OutOfGas"), SCB_RPC_TOO_HEAVY, ""},
    {"anvil", 200, FAILURE("-32603", "EVM error MemoryOOG"), SCB_RPC_TOO_HEAVY, ""},
    {"hardhat", 200, FAILURE("-32000", "Transaction ran out of gas"), SCB_RPC_TOO_HEAVY, ""},
    {"hardhat", 200,
     FAILURE("-32603", "Transaction reverted: contract call run out of gas and made the "
                       "transaction revert"),
     SCB_RPC_TOO_HEAVY, ""},
    {"Parity", 200, FAILURE_DATA("-32015", "VM execution error.", "\"Out of gas\""),
     SCB_RPC_TOO_HEAVY, "VM execution error.: Out of gas"},
    {"geth, XDC", 200, FAILURE("-32000", "execution aborted (timeout = 5s)"), SCB_RPC_TOO_HEAVY,
     ""},
    {"geth", 200, FAILURE("-32002", "request timed out"), SCB_RPC_TOO_HEAVY, ""},
    {"Erigon", 200, FAILURE("-32000", "execution timeout"), SCB_RPC_TOO_HEAVY, ""},
    {"Nethermind", 200, FAILURE("-32016", "eth_call request was canceled due to enabled timeout."),
     SCB_RPC_TOO_HEAVY, ""},
    {"dRPC", 200,
     FAILURE("30", "Request timeout on the free tier, please upgrade your tier to the paid one"),
     SCB_RPC_TOO_HEAVY, ""},
    {"geth", 200, FAILURE("-32003", "response too large"), SCB_RPC_TOO_HEAVY, ""},
    {"proxyd", 500, FAILURE("-32020", "backend response too large"), SCB_RPC_TOO_HEAVY, ""},
    {"reth", 200,
     FAILURE_DATA("-32008", "Response is too big", "\"Exceeded max limit of 167772160\""),
     SCB_RPC_TOO_HEAVY, ""},
    {"1RPC", 200, FAILURE("-32000", "response size should not greater than 10000000 bytes"),
     SCB_RPC_TOO_HEAVY, ""},
    {"by status", 413, "", SCB_RPC_TOO_HEAVY, "HTTP 413"},
    {"by code", 200, FAILURE("-32002", "?"), SCB_RPC_TOO_HEAVY, ""},
    {"by code", 200, FAILURE("-32003", "?"), SCB_RPC_TOO_HEAVY, ""},

    /* Block unknown */
    {"geth", 200, FAILURE("-32000", "header not found"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"geth", 200, FAILURE("-32000", "header for hash not found"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"geth", 200, FAILURE("-32000", "hash is not currently canonical"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"Erigon", 200, FAILURE("-32000", "block not found 11185311"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"Besu", 200, FAILURE("-39001", "Unknown block"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"Nethermind", 200, FAILURE("-32001", "0x99 could not be found"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"anvil", 200, FAILURE("-32001", "Resource not found"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"anvil", 200,
     FAILURE("-32602", "BlockOutOfRangeError: block height is 0 but requested was 153"),
     SCB_RPC_BLOCK_UNKNOWN, ""},
    {"proxyd", 200, FAILURE("-32019", "block is out of range"), SCB_RPC_BLOCK_UNKNOWN, ""},
    {"hardhat", 200, FAILURE("-32000", "Received invalid block tag 153. Latest block number is 5"),
     SCB_RPC_BLOCK_UNKNOWN, ""},
    {"XDC", 200, FAILURE("-32000", "nil block in DoCall: number=5, hash=0x12"),
     SCB_RPC_BLOCK_UNKNOWN, ""},

    /* State missing */
    {"geth", 200,
     FAILURE("-32000", "missing trie node 59030c2a (path ) state 0x5903 is not available"),
     SCB_RPC_STATE_MISSING, ""},
    {"geth", 200, FAILURE("-32000", "required historical state unavailable (reexec=128)"),
     SCB_RPC_STATE_MISSING, ""},
    {"geth", 200, FAILURE("-32000", "historical state not available in path scheme yet"),
     SCB_RPC_STATE_MISSING, ""},
    {"BSC", 200, FAILURE("-32000", "state histories haven't been fully indexed yet"),
     SCB_RPC_STATE_MISSING, ""},
    {"reth", 200, FAILURE("-32603", "State at block #3 is pruned"), SCB_RPC_STATE_MISSING, ""},
    {"Erigon", 200, FAILURE("-32000", "old data not available due to pruning"),
     SCB_RPC_STATE_MISSING, ""},
    {"Erigon", 200,
     FAILURE("-32000", "seek with txNum=19 but data before txNum=26 is not available"),
     SCB_RPC_STATE_MISSING, ""},
    {"Nethermind", 200, FAILURE("-32002", "No state available for block 0x3f9e"),
     SCB_RPC_STATE_MISSING, ""},
    {"Besu", 200, FAILURE("-32000", "World state unavailable"), SCB_RPC_STATE_MISSING, ""},
    {"OpenEthereum", 200,
     FAILURE("-32000", "This request is not supported because your node is running with state "
                       "pruning. Run with --pruning=archive."),
     SCB_RPC_STATE_MISSING, ""},
    {"Ankr", 200, FAILURE("-32061", "No archive nodes available"), SCB_RPC_STATE_MISSING, ""},
    {"geth", 200, FAILURE("4444", "pruned history unavailable"), SCB_RPC_STATE_MISSING, ""},

    /* Reverts */
    {"geth", 200, FAILURE_DATA("3", "execution reverted: hi", "\"" ERROR_HI "\""), SCB_RPC_REVERTED,
     "the call reverted: \"hi\""},
    {"geth, custom error", 200, FAILURE_DATA("3", "execution reverted", "\"0xdf2d9b42\""),
     SCB_RPC_REVERTED, "the call reverted: \"custom error 0xdf2d9b42\""},
    {"anvil, panic", 200,
     FAILURE_DATA("3", "execution reverted: panic: arithmetic underflow or overflow (0x11)",
                  "\"0x4e487b71" WORD_32 "\""),
     SCB_RPC_REVERTED, "panic 0x20 (unknown)"},
    {"Besu", 200, FAILURE_DATA("-32000", "Execution reverted", "\"" ERROR_HI "\""),
     SCB_RPC_REVERTED, "\"hi\""},
    {"hardhat", 200,
     FAILURE_DATA("-32603",
                  "Error: VM Exception while processing transaction: reverted with reason string "
                  "'hi'",
                  "{\"message\":\"x\",\"data\":\"" ERROR_HI "\"}"),
     SCB_RPC_REVERTED, "\"hi\""},
    {"Parity", 200, FAILURE_DATA("-32015", "VM execution error.", "\"Reverted " ERROR_HI "\""),
     SCB_RPC_REVERTED, "\"hi\""},
    {"Nethermind", 200,
     FAILURE_DATA("-32015", "VM execution error.", "\"err: 0xdf2d9b42 (supplied gas 36000000)\""),
     SCB_RPC_REVERTED, "custom error 0xdf2d9b42"},
    {"Nethermind", 200, FAILURE_DATA("-32015", "VM execution error.", "\"revert: no such page\""),
     SCB_RPC_REVERTED, "revert: no such page"},
    {"a reason in words only", 200, FAILURE("-32000", "execution reverted: no such page"),
     SCB_RPC_REVERTED, "execution reverted: no such page"},
    {"Solidity before 0.8", 200, FAILURE("-32000", "invalid opcode: INVALID"), SCB_RPC_REVERTED,
     ""},
    {"anvil", 200, FAILURE("-32603", "EVM error InvalidFEOpcode"), SCB_RPC_REVERTED, ""},
    {"a contract that says what nodes say", 200,
     FAILURE("3", "execution reverted: rate limit: out of gas, header not found"), SCB_RPC_REVERTED,
     ""},

    /* Reverts that say nothing */
    {"geth, XDC", 200, FAILURE("-32000", "execution reverted"), SCB_RPC_REVERTED_EMPTY,
     "the call reverted without a reason"},
    {"anvil", 200, FAILURE_DATA("3", "execution reverted", "\"0x\""), SCB_RPC_REVERTED_EMPTY, ""},
    {"geth", 200, FAILURE_DATA("3", "execution reverted: 0x", "\"0x\""), SCB_RPC_REVERTED_EMPTY,
     ""},
    {"Parity", 200, FAILURE_DATA("-32015", "VM execution error.", "\"Reverted 0x\""),
     SCB_RPC_REVERTED_EMPTY, ""},
    {"Parity", 200, FAILURE("-32015", "VM execution error."), SCB_RPC_REVERTED_EMPTY, ""},
    {"Nethermind", 200,
     FAILURE_DATA("-32015", "VM execution error.", "\"err: revert (supplied gas 36000000)\""),
     SCB_RPC_REVERTED_EMPTY, ""},
    {"OpenEthereum", 200,
     FAILURE_DATA("-32016", "The execution failed due to an exception.", "\"Reverted\""),
     SCB_RPC_REVERTED_EMPTY, ""},
    {"hardhat", 200,
     FAILURE_DATA("-32603", "Transaction reverted without a reason string", "{\"data\":\"0x\"}"),
     SCB_RPC_REVERTED_EMPTY, ""},
    {"by code", 200, FAILURE("3", ""), SCB_RPC_REVERTED_EMPTY, ""},

    /* Method missing */
    {"anvil", 200, FAILURE("-32601", "Method not found"), SCB_RPC_METHOD_MISSING, ""},
    {"geth", 200, FAILURE("-32601", "the method eth_x does not exist/is not available"),
     SCB_RPC_METHOD_MISSING, ""},
    {"hardhat", 200, FAILURE("-32004", "Method eth_x is not there"), SCB_RPC_METHOD_MISSING, ""},
    {"proxyd", 403, FAILURE("-32001", "rpc method is not whitelisted"), SCB_RPC_METHOD_MISSING, ""},

    /* Bad parameter */
    {"geth, XDC", 200,
     FAILURE("-32602", "invalid argument 1: json: cannot unmarshal object into Go value of type "
                       "rpc.BlockNumber"),
     SCB_RPC_BAD_PARAMETER, ""},
    {"anvil", 200, FAILURE("-32602", "hex string without 0x prefix"), SCB_RPC_BAD_PARAMETER, ""},
    {"geth", 200, FAILURE("-32000", "'finalized' tag not supported on pre-merge network"),
     SCB_RPC_BAD_PARAMETER, ""},
    {"geth", 200, FAILURE("-39001", "finalized block not found"), SCB_RPC_BAD_PARAMETER, ""},
    {"geth", 200, FAILURE("-39001", "safe block not found"), SCB_RPC_BAD_PARAMETER, ""},
    {"Alchemy", 400, FAILURE("-32600", "Unsupported block identifier"), SCB_RPC_BAD_PARAMETER, ""},
    {"by status", 400, "<html>", SCB_RPC_BAD_PARAMETER, "HTTP 400"},

    /* Forbidden */
    {"Ankr", 200,
     "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Unauthorized: You must "
     "authenticate your request with an API key.\"},\"id\":null}",
     SCB_RPC_FORBIDDEN, "Unauthorized"},
    {"Ankr", 403, "message: API key is not allowed to access blockchain", SCB_RPC_FORBIDDEN,
     "HTTP 403"},
    {"Alchemy", 401, FAILURE("-32600", "Must be authenticated!"), SCB_RPC_FORBIDDEN, ""},
    {"Infura", 401, FAILURE("-32002", "invalid project id"), SCB_RPC_FORBIDDEN, ""},
    {"by status", 401, "", SCB_RPC_FORBIDDEN, "HTTP 401"},
    {"by status", 403, "", SCB_RPC_FORBIDDEN, "HTTP 403"},
    {"by code", 200, FAILURE("403", "no"), SCB_RPC_FORBIDDEN, ""},

    /* Trouble */
    {"any", 200, FAILURE("-32603", "Internal error"), SCB_RPC_TROUBLE, "Internal error"},
    {"any", 200, FAILURE("-32000", "something"), SCB_RPC_TROUBLE, ""},
    {"geth", 200, FAILURE("-32000", "method handler crashed"), SCB_RPC_TROUBLE, ""},
    {"Ankr", 200, FAILURE("-32055", "No nodes available"), SCB_RPC_TROUBLE, ""},
    {"any", 200, "{\"id\":7,\"error\":{}}", SCB_RPC_TROUBLE, ""},
    {"any", 200, "{\"id\":7,\"error\":true}", SCB_RPC_TROUBLE, ""},
    {"any", 200, "{\"id\":7,\"error\":{\"code\":\"3\",\"message\":5,\"data\":[]}}", SCB_RPC_TROUBLE,
     ""},
    {"by status", 408, "", SCB_RPC_TROUBLE, "HTTP 408"},
    {"by status", 500, "", SCB_RPC_TROUBLE, "HTTP 500"},
    {"by status", 502, "<html>Bad Gateway</html>", SCB_RPC_TROUBLE, "HTTP 502"},
    {"by status", 503, "", SCB_RPC_TROUBLE, "HTTP 503"},
    {"by status", 301, "", SCB_RPC_TROUBLE, "HTTP 301"},
    {"a result that is an error", 500, "{\"id\":7,\"result\":\"0x61\"}", SCB_RPC_TROUBLE,
     "HTTP 500"},
};

static bool is_retryable(enum scb_rpc_outcome outcome)
{
    return outcome == SCB_RPC_THROTTLED || outcome == SCB_RPC_BLOCK_UNKNOWN ||
           outcome == SCB_RPC_TROUBLE;
}

/* Not what another block, another hour or a smaller page may mend. */
static bool is_permanent(enum scb_rpc_outcome outcome)
{
    return outcome == SCB_RPC_REVERTED || outcome == SCB_RPC_REVERTED_EMPTY ||
           outcome == SCB_RPC_FORBIDDEN || outcome == SCB_RPC_METHOD_MISSING;
}

static void test_answers_in_the_wild(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct scb_rpc_answer answer;
        struct scb_error error = {0};
        enum scb_rpc_outcome outcome = judge(row->body, row->http_status, &answer, &error);
        if (outcome != row->outcome)
            fail_msg("%s: HTTP %ld %s: outcome %d, not %d", row->from, row->http_status, row->body,
                     (int)outcome, (int)row->outcome);
        if (strstr(error.message, row->says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", row->from, error.message, row->says);
        assert_null(answer.result);
        assert_int_equal(error.retryable, is_retryable(outcome));
        assert_int_equal(error.permanent, is_permanent(outcome));
        assert_string_not_equal(error.message, "");
        assert_string_not_equal(error.hint, "");
        assert_null(strpbrk(error.message, "\r\n"));
        assert_int_equal(judge(row->body, row->http_status, &answer, NULL), row->outcome);
    }
}

/* Each text is enough by itself, whatever the code. */
static void test_messages_alone(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        enum scb_rpc_outcome outcome;
    } table[] = {
        {"execution reverted", SCB_RPC_REVERTED},
        {"reverted with reason string 'out of gas'", SCB_RPC_REVERTED},
        {"revert", SCB_RPC_REVERTED},
        {"EVM error StackOverflow", SCB_RPC_REVERTED},
        {"invalid opcode: opcode 0xfe not defined", SCB_RPC_REVERTED},
        {"invalid jump destination", SCB_RPC_REVERTED},
        {"Request timeout on the free tier", SCB_RPC_TOO_HEAVY},
        {"EVM error MemoryLimitOOG", SCB_RPC_TOO_HEAVY},
        {"request timed out", SCB_RPC_TOO_HEAVY},
        {"backend response too large", SCB_RPC_TOO_HEAVY},
        {"Response is too big", SCB_RPC_TOO_HEAVY},
        {"Monthly capacity limit exceeded.", SCB_RPC_QUOTA},
        {"not on the free tier", SCB_RPC_QUOTA},
        {"daily request limit reached", SCB_RPC_QUOTA},
        {"quota is exhausted", SCB_RPC_QUOTA},
        {"over rate limit", SCB_RPC_THROTTLED},
        {"request rate exceeded", SCB_RPC_THROTTLED},
        {"too many requests", SCB_RPC_THROTTLED},
        {"50/second request limit reached", SCB_RPC_THROTTLED},
        {"compute units per second", SCB_RPC_THROTTLED},
        {"exceeded the RPS limit", SCB_RPC_THROTTLED},
        {"backend is over capacity", SCB_RPC_THROTTLED},
        {"limit exceeded", SCB_RPC_THROTTLED},
        {"running with state pruning", SCB_RPC_STATE_MISSING},
        {"Archive requests require a token", SCB_RPC_STATE_MISSING},
        {"cannot unmarshal object", SCB_RPC_BAD_PARAMETER},
        {"unknown block", SCB_RPC_BLOCK_UNKNOWN},
        {"Resource not found", SCB_RPC_BLOCK_UNKNOWN},
        {"nil header in DoCall", SCB_RPC_BLOCK_UNKNOWN},
        {"Method not found", SCB_RPC_METHOD_MISSING},
        {"the method eth_x does not exist/is not available", SCB_RPC_METHOD_MISSING},
        {"Unauthorized", SCB_RPC_FORBIDDEN},
        {"Must be authenticated!", SCB_RPC_FORBIDDEN},
        {"API key not found", SCB_RPC_FORBIDDEN},
        {"invalid project id", SCB_RPC_FORBIDDEN},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        if (scb_rpc_classify(table[i].message, -32000, 200) != table[i].outcome)
            fail_msg("%s", table[i].message);
}

/* So is each code where there is no text. */
static void test_codes_alone(void **state)
{
    (void)state;
    static const struct {
        int64_t code;
        enum scb_rpc_outcome outcome;
    } table[] = {
        {429, SCB_RPC_THROTTLED},         {-32005, SCB_RPC_THROTTLED},
        {-32007, SCB_RPC_THROTTLED},      {-32016, SCB_RPC_THROTTLED},
        {-32029, SCB_RPC_THROTTLED},      {402, SCB_RPC_QUOTA},
        {401, SCB_RPC_FORBIDDEN},         {403, SCB_RPC_FORBIDDEN},
        {-32002, SCB_RPC_TOO_HEAVY},      {-32003, SCB_RPC_TOO_HEAVY},
        {-32008, SCB_RPC_TOO_HEAVY},      {-32020, SCB_RPC_TOO_HEAVY},
        {-32001, SCB_RPC_BLOCK_UNKNOWN},  {-39001, SCB_RPC_BLOCK_UNKNOWN},
        {4444, SCB_RPC_STATE_MISSING},    {3, SCB_RPC_REVERTED},
        {-32015, SCB_RPC_REVERTED},       {-32601, SCB_RPC_METHOD_MISSING},
        {-32004, SCB_RPC_METHOD_MISSING}, {-32600, SCB_RPC_BAD_PARAMETER},
        {-32602, SCB_RPC_BAD_PARAMETER},  {-32603, SCB_RPC_TROUBLE},
        {-32000, SCB_RPC_TROUBLE},        {0, SCB_RPC_TROUBLE},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        if (scb_rpc_classify("", table[i].code, 200) != table[i].outcome)
            fail_msg("code %lld", (long long)table[i].code);
}

static void test_code_is_kept(void **state)
{
    (void)state;
    struct scb_rpc_answer answer;
    (void)judge(FAILURE("-32005", "x"), 200, &answer, NULL);
    assert_int_equal(answer.code, -32005);
}

static void test_case_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(scb_rpc_classify("MISSING Trie NODE", 0, 200), SCB_RPC_STATE_MISSING);
}

/* Messages before statuses, these before codes. */
static void test_order(void **state)
{
    (void)state;
    assert_int_equal(scb_rpc_classify("header not found", -32601, 429), SCB_RPC_BLOCK_UNKNOWN);
    assert_int_equal(scb_rpc_classify("", -32601, 429), SCB_RPC_THROTTLED);
    assert_int_equal(scb_rpc_classify("", -32601, 400), SCB_RPC_METHOD_MISSING);
    assert_int_equal(scb_rpc_classify("", -32601, 500), SCB_RPC_METHOD_MISSING);
    assert_int_equal(scb_rpc_classify("", 0, 200), SCB_RPC_TROUBLE);
}

static void test_how_long_to_wait(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        int64_t ms;
    } table[] = {
        {"{\"rate\":{\"allowed_rps\":1,\"backoff_seconds\":30,\"current_rps\":1.3}}", 30000},
        {"{\"backoff_seconds\":2.5}", 2500},
        {"{\"backoff_seconds\":0}", 0},
        {"{\"backoff_seconds\":-5}", 0},
        {"{\"backoff_seconds\":1e300}", 3600000},
        {"{\"backoff_seconds\":\"5\"}", 0},
        {"{\"rate\":5}", 0},
        {"{}", 0},
        {"\"x\"", 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), FAILURE_DATA("-32005", "x", "%s"), table[i].data);
        struct scb_rpc_answer answer;
        assert_int_equal(judge(body, 429, &answer, NULL), SCB_RPC_THROTTLED);
        assert_int_equal(answer.retry_after_ms, table[i].ms);
    }
}

/* A node's words are cut and cannot drive a terminal. */
static void test_words_are_shown_safely(void **state)
{
    (void)state;
    char body[5000];
    (void)snprintf(body, sizeof(body), FAILURE("1", "\\u001b[31m\\n%04000d"), 0);
    struct scb_rpc_answer answer;
    struct scb_error error = {0};
    assert_int_equal(judge(body, 200, &answer, &error), SCB_RPC_TROUBLE);
    assert_non_null(strstr(error.message, "\"\\x1b[31m\\x0a000"));
    assert_non_null(strstr(error.message, "(code 1)"));
    assert_true(strlen(error.message) < 600);
}

/* More data than is looked at, and digits that are odd. */
static void test_long_revert_data(void **state)
{
    (void)state;
    char body[9000];
    (void)snprintf(body, sizeof(body), FAILURE_DATA("3", "execution reverted", "\"0x%08001d\""), 0);
    struct scb_rpc_answer answer;
    struct scb_error error = {0};
    assert_int_equal(judge(body, 200, &answer, &error), SCB_RPC_REVERTED);
    assert_non_null(strstr(error.message, "custom error 0x00000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_in_the_wild),  cmocka_unit_test(test_messages_alone),
        cmocka_unit_test(test_codes_alone),          cmocka_unit_test(test_code_is_kept),
        cmocka_unit_test(test_case_does_not_matter), cmocka_unit_test(test_order),
        cmocka_unit_test(test_how_long_to_wait),     cmocka_unit_test(test_words_are_shown_safely),
        cmocka_unit_test(test_long_revert_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
