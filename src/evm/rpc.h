/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 as Ethereum nodes speak it: requests out, responses in as they arrive, and what
 * an error answer means. Speaks no HTTP and retries nothing.
 *
 * The one hot path of the whole program is here: an eth_call's "result" is decoded from hex while
 * its bytes arrive, straight into its buffer; only what is around it goes to the JSON parser.
 */
#ifndef SCB_EVM_RPC_H
#define SCB_EVM_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "scb/error.h"

/* Appends {"jsonrpc":"2.0","id":ID,"method":"METHOD","params":PARAMS}; params is JSON text. */
SCB_MUST_CHECK enum scb_status scb_rpc_request(struct scb_buffer *out, uint64_t id,
                                               const char *method, const char *params,
                                               struct scb_error *error);

/* What came back, in the words of SPEC 5's table. */
enum scb_rpc_outcome {
    SCB_RPC_OK,
    SCB_RPC_THROTTLED,      /* wait, slow down; not the page's fault */
    SCB_RPC_QUOTA,          /* the plan is used up: leave the endpoint alone for long */
    SCB_RPC_TOO_HEAVY,      /* over the node's gas, size or time cap: ask for less */
    SCB_RPC_BLOCK_UNKNOWN,  /* lagging backend or reorg */
    SCB_RPC_STATE_MISSING,  /* state pruned */
    SCB_RPC_REVERTED,       /* deterministic, with a reason */
    SCB_RPC_REVERTED_EMPTY, /* no reason: out of gas through a proxy contract looks like this */
    SCB_RPC_METHOD_MISSING,
    SCB_RPC_BAD_PARAMETER, /* unsupported tag or parameter form */
    SCB_RPC_FORBIDDEN,     /* key refused */
    SCB_RPC_TROUBLE,       /* the server's own trouble: try again */
};

/* One response while it arrives. Initialise with scb_rpc_response_begin, end with _free. */
struct scb_rpc_response {
    struct scb_buffer result;   /* the decoded bytes where the result is a hex string */
    struct scb_buffer envelope; /* the JSON with the hex cut out */
    uint64_t id;                /* the request's (at most INT64_MAX), which the answer repeats */
    bool hex_result;            /* eth_call and eth_getCode: result is "0x…" */
    /* the scanner's own */
    uint8_t state;
    uint8_t matched;    /* how much of a top-level "result":" has been seen */
    char pending_digit; /* the first of a pair that a chunk border cut; 0 for none */
    bool has_hex;       /* a top-level hex result was read to its end */
    unsigned depth;
};

/*
 * Starts over for a new response, keeping the buffers' memory. max_result bounds the decoded
 * result; the envelope is bounded by 4 MiB, 256 KiB around hex.
 */
void scb_rpc_response_begin(struct scb_rpc_response *response, uint64_t id, bool hex_result,
                            size_t max_result);
void scb_rpc_response_free(struct scb_rpc_response *response);

/*
 * Takes the next bytes of the body. ResourceError when the result passes max_result (ask for
 * less); ContractConnectionError, retryable, for what is not JSON-RPC; ValidationError for hex
 * that is none. After an error only _finish (never a result then) or _begin may follow.
 */
SCB_MUST_CHECK enum scb_status scb_rpc_response_feed(struct scb_rpc_response *response,
                                                     const void *data, size_t size,
                                                     struct scb_error *error);

/* The end of a response: what it means and, unless hex, its parsed result. */
struct scb_rpc_answer {
    enum scb_rpc_outcome outcome;
    json_t *result;         /* owned (json_decref); NULL where hex_result or an error */
    bool result_is_null;    /* "result": null */
    int64_t code;           /* of the error object */
    int64_t retry_after_ms; /* from error.data.backoff_seconds or the like; 0 = not said */
};

/*
 * Ends the response. SCB_OK with *ret_answer only for a result; otherwise *ret_answer's outcome
 * says what to do and error says it to a person (the node's own message, made printable and cut).
 * http_status is that of the response; a body that is no JSON-RPC is judged by it alone. Messages
 * are matched before codes (SPEC 9). An id that is not the request's, a missing result or
 * trailing bytes are SCB_RPC_TROUBLE.
 */
SCB_MUST_CHECK enum scb_status scb_rpc_response_finish(struct scb_rpc_response *response,
                                                       long http_status,
                                                       struct scb_rpc_answer *ret_answer,
                                                       struct scb_error *error);

/* "0x1a" → 26: a JSON-RPC quantity of at most 64 bits. ContractConnectionError otherwise. */
SCB_MUST_CHECK enum scb_status scb_rpc_quantity(const json_t *value, const char *what,
                                                uint64_t *ret_value, struct scb_error *error);
/* "0x…" of exactly size bytes. */
SCB_MUST_CHECK enum scb_status scb_rpc_data(const json_t *value, const char *what,
                                            uint8_t *ret_data, size_t size,
                                            struct scb_error *error);

#endif
