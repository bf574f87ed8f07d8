/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a node's answer. The first byte chooses the kind of result, the HTTP status and the
 * limit, the second how the body is cut into pieces: whole or in pieces, it must mean the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "evm/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ID = 1 };

struct reading {
    struct scb_rpc_response response;
    struct scb_rpc_answer answer;
    enum scb_status fed, finished;
};

static void read_answer(struct reading *reading, uint8_t kind, struct scb_bytes body, size_t piece)
{
    static const long http_status[] = {200, 429, 500, 403};
    struct scb_error error = {0};
    scb_rpc_response_begin(&reading->response, ID, (kind & 1) != 0, (kind & 8) != 0 ? 16 : 1 << 20);
    while (body.size > 0 && reading->fed == SCB_OK) {
        size_t count = body.size < piece ? body.size : piece;
        uint8_t *copy = malloc(count);
        assert(copy != NULL);
        memcpy(copy, body.data, count);
        reading->fed = scb_rpc_response_feed(&reading->response, copy, count, &error);
        free(copy);
        body.data += count;
        body.size -= count;
    }
    assert(reading->fed == SCB_OK || (error.message[0] != '\0' && error.status == reading->fed));
    error = (struct scb_error){0};
    reading->finished = scb_rpc_response_finish(&reading->response, http_status[kind >> 1 & 3],
                                                &reading->answer, &error);
    assert((reading->finished == SCB_OK) == (reading->answer.outcome == SCB_RPC_OK));
    assert(reading->finished == SCB_OK || (error.message[0] != '\0' && error.hint[0] != '\0'));
    assert(strpbrk(error.message, "\r\n\x1b") == NULL);
}

static void compare(const struct reading *a, const struct reading *b)
{
    /* Which of two faults is met first may differ, but not whether there is one. */
    assert((a->fed == SCB_OK) == (b->fed == SCB_OK));
    if (a->fed != SCB_OK)
        return;
    assert(a->finished == b->finished && a->answer.outcome == b->answer.outcome);
    assert(a->answer.code == b->answer.code);
    assert(a->answer.retry_after_ms == b->answer.retry_after_ms);
    assert(a->answer.result_is_null == b->answer.result_is_null);
    assert(a->response.result.size == b->response.result.size);
    assert(a->response.result.size == 0 ||
           memcmp(a->response.result.data, b->response.result.data, a->response.result.size) == 0);
    assert(a->answer.result == b->answer.result || json_equal(a->answer.result, b->answer.result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct scb_bytes body = {data + 2, size - 2};
    struct reading whole = {.fed = SCB_OK}, pieces = {.fed = SCB_OK};
    read_answer(&whole, data[0], body, size);
    read_answer(&pieces, data[0], body, (size_t)data[1] % 64 + 1);
    compare(&whole, &pieces);

    uint64_t number = 0;
    uint8_t hash[4];
    (void)!scb_rpc_quantity(whole.answer.result, "number", &number, NULL);
    (void)!scb_rpc_data(whole.answer.result, "hash", hash, sizeof(hash), NULL);

    json_decref(whole.answer.result);
    json_decref(pieces.answer.result);
    scb_rpc_response_free(&whole.response);
    scb_rpc_response_free(&pieces.response);
    return 0;
}
