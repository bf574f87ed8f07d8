/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a response is read. A scanner walks over the JSON only as far as it must to find the string
 * that follows a "result" member of the outermost object. That string is decoded as hex in bulk
 * and left out; everything around it, with "" in its place, is collected and judged by jansson at
 * the end. So the scanner decides nothing about JSON: what it overlooks (an escaped key, say) stays
 * in the collected text and is refused there, because the hex is missing.
 */
#include "evm/rpc.h"

#include <assert.h>
#include <string.h>

#include "base/json_load.h"
#include "base/text.h"
#include "evm/rpc_outcome.h"

enum {
    ENVELOPE_MAX = 4 << 20,
    HEX_ENVELOPE_MAX = 256 << 10,
    BLOCK = 128, /* bytes decoded at once */
};

enum state {
    IN_JSON,
    IN_STRING,
    IN_ESCAPE, /* after a backslash in a string */
    AT_ZERO,   /* the result's opening quote was seen; "0x" must follow */
    AT_X,
    IN_HEX,
    BROKEN, /* a piece was refused */
};

/* What leads to the hex; blanks may stand around the colon. */
static const char result_member[] = "\"result\":\"";
enum { MEMBER_SIZE = sizeof(result_member) - 1 };

enum scb_status scb_rpc_request(struct scb_buffer *out, uint64_t id, const char *method,
                                const char *params, struct scb_error *error)
{
    return scb_buffer_printf(out, error,
                             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":%s}",
                             (unsigned long long)id, method, params);
}

void scb_rpc_response_begin(struct scb_rpc_response *response, uint64_t id, bool hex_result,
                            size_t max_result)
{
    assert(id <= INT64_MAX);
    *response = (struct scb_rpc_response){.result = response->result,
                                          .envelope = response->envelope,
                                          .id = id,
                                          .hex_result = hex_result};
    scb_buffer_clear(&response->result);
    scb_buffer_clear(&response->envelope);
    response->result.max = max_result;
    /* Around a hex result little is to be expected, and many such calls are under way. */
    response->envelope.max = hex_result ? HEX_ENVELOPE_MAX : ENVELOPE_MAX;
}

void scb_rpc_response_free(struct scb_rpc_response *response)
{
    scb_buffer_free(&response->result);
    scb_buffer_free(&response->envelope);
}

/*
 * The hot path: one block of 2 × BLOCK digits. The counts are constant and the steps are apart, so
 * that compilers turn each loop into vector code. Returns the OR of all digits' values: over 15
 * where one is no digit.
 */
static uint8_t decode_block(const uint8_t digits[2 * BLOCK], uint8_t out[BLOCK])
{
    uint8_t values[2 * BLOCK], all = 0;
    for (size_t i = 0; i < 2 * BLOCK; i++) {
        uint8_t number = (uint8_t)(digits[i] - '0');
        uint8_t letter = (uint8_t)((digits[i] | 0x20) - 'a');
        values[i] = (uint8_t)((number < 10 ? number : 0xff) & (letter < 6 ? letter + 10 : 0xff));
    }
    for (size_t i = 0; i < 2 * BLOCK; i++)
        all |= values[i];
    for (size_t i = 0; i < BLOCK; i++)
        out[i] = (uint8_t)(values[2 * i] << 4 | values[2 * i + 1]);
    return all;
}

/* size bytes out of 2 × size digits; false where one is no digit. */
static bool decode_hex(const uint8_t *digits, size_t size, uint8_t *out)
{
    uint8_t all = 0;
    for (; size >= BLOCK; size -= BLOCK, digits += 2 * BLOCK, out += BLOCK)
        all |= decode_block(digits, out);
    if (size > 0) {
        uint8_t last[2 * BLOCK], decoded[BLOCK];
        memset(last, '0', sizeof(last));
        memcpy(last, digits, 2 * size);
        all |= decode_block(last, decoded);
        memcpy(out, decoded, size);
    }
    return all <= 15;
}

static enum scb_status not_hex(struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "the result is not 0x and pairs of digits");
    (void)scb_error_hint(error, "what answers is no proper node: check the endpoint's URL");
    return SCB_ERROR_VALIDATION;
}

/* Decodes the next digits, which may complete a pair that the last piece began. */
static enum scb_status append_hex(struct scb_rpc_response *response, const uint8_t *digits,
                                  size_t count, struct scb_error *error)
{
    struct scb_buffer *result = &response->result;
    if (count == 0)
        return SCB_OK;
    size_t wanted = (count + (response->pending_digit != 0)) / 2;
    enum scb_status status = scb_buffer_reserve(result, wanted, error);
    if (status != SCB_OK) {
        (void)scb_error_wrap(error, "the result does not fit");
        (void)scb_error_hint(error, "ask for fewer entries: lower page_size");
        return status;
    }
    if (response->pending_digit != 0) {
        const char pair[2] = {response->pending_digit, (char)digits[0]};
        if (!scb_text_unhex(pair, 1, result->data + result->size++))
            return not_hex(error);
        response->pending_digit = 0;
        digits++;
        count--;
    }
    if (count >= 2 && !decode_hex(digits, count / 2, result->data + result->size))
        return not_hex(error);
    result->size += count / 2;
    if (count % 2 != 0) {
        response->pending_digit = (char)digits[count - 1];
        if (scb_text_hex_digit(response->pending_digit) < 0)
            return not_hex(error);
    }
    return SCB_OK;
}

/* Takes what it can of the hex string and says how much that was. */
static enum scb_status feed_hex(struct scb_rpc_response *response, const uint8_t *data, size_t size,
                                size_t *ret_taken, struct scb_error *error)
{
    *ret_taken = 1;
    if (response->state == AT_ZERO || response->state == AT_X) {
        if (*data != (response->state == AT_ZERO ? '0' : 'x'))
            return not_hex(error);
        response->state++;
        return SCB_OK;
    }
    const uint8_t *end = memchr(data, '"', size);
    size_t count = end == NULL ? size : (size_t)(end - data);
    enum scb_status status = append_hex(response, data, count, error);
    if (status != SCB_OK || end == NULL) {
        *ret_taken = count;
        return status;
    }
    if (response->pending_digit != 0)
        return not_hex(error);
    *ret_taken = count + 1;
    response->has_hex = true;
    response->state = IN_JSON;
    return scb_buffer_append(&response->envelope, "\"", 1, error);
}

/* Follows the JSON by one byte. */
static void scan_byte(struct scb_rpc_response *response, char byte)
{
    bool expected = response->matched > 0 && byte == result_member[response->matched];
    uint8_t matched = expected ? (uint8_t)(response->matched + 1) : 0;
    if (response->state == IN_ESCAPE) {
        response->state = IN_STRING;
    } else if (response->state == IN_STRING) {
        response->state = byte == '"' ? IN_JSON : byte == '\\' ? IN_ESCAPE : IN_STRING;
    } else if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t') {
        matched = response->matched;
    } else if (byte == '"' && matched == MEMBER_SIZE) {
        response->state = AT_ZERO;
        matched = 0;
    } else if (byte == '"') {
        response->state = IN_STRING;
        matched = response->depth == 1;
    } else if (byte == '{' || byte == '[') {
        response->depth++;
    } else if ((byte == '}' || byte == ']') && response->depth > 0) {
        response->depth--;
    }
    response->matched = matched;
}

/* Takes what is not the hex string and says how much that was. */
static enum scb_status feed_envelope(struct scb_rpc_response *response, const uint8_t *data,
                                     size_t size, size_t *ret_taken, struct scb_error *error)
{
    size_t taken = response->hex_result ? 0 : size;
    while (taken < size && response->state < AT_ZERO)
        scan_byte(response, (char)data[taken++]);
    *ret_taken = taken;
    if (taken > response->envelope.max - response->envelope.size) {
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "the answer is no JSON-RPC: over %zu bytes",
                            response->envelope.max);
        return scb_rpc_refuse(SCB_RPC_TROUBLE, error);
    }
    return scb_buffer_append(&response->envelope, data, taken, error);
}

enum scb_status scb_rpc_response_feed(struct scb_rpc_response *response, const void *data,
                                      size_t size, struct scb_error *error)
{
    assert(response->state != BROKEN);
    const uint8_t *next = data;
    while (size > 0) {
        size_t taken = 0;
        enum scb_status status = response->state < AT_ZERO
                                     ? feed_envelope(response, next, size, &taken, error)
                                     : feed_hex(response, next, size, &taken, error);
        if (status != SCB_OK) {
            response->state = BROKEN;
            return status;
        }
        next += taken;
        size -= taken;
    }
    return SCB_OK;
}

static bool is_own_id(const struct scb_rpc_response *response, const json_t *id)
{
    return json_is_integer(id) && (uint64_t)json_integer_value(id) == response->id;
}

/* The error in an answer, or NULL. Some providers send it bare, without JSON-RPC around it. */
static const json_t *find_failure(const json_t *root)
{
    const json_t *failure = json_object_get(root, "error");
    if (failure != NULL && !json_is_null(failure))
        return failure;
    bool bare = json_object_get(root, "result") == NULL &&
                (json_is_string(json_object_get(root, "message")) ||
                 json_is_integer(json_object_get(root, "code")));
    return bare ? root : NULL;
}

static const char *take_result(const struct scb_rpc_response *response, const json_t *root,
                               struct scb_rpc_answer *answer)
{
    if (!json_is_object(root))
        return "the answer is no JSON-RPC, or not all of it";
    if (!is_own_id(response, json_object_get(root, "id")))
        return "the answer is to another request: its id differs";
    json_t *result = json_object_get(root, "result");
    if (result == NULL)
        return "the answer has neither a result nor an error";
    answer->result_is_null = json_is_null(result);
    if (response->hex_result)
        return response->has_hex ? NULL : "the result is no hex string";
    if (!answer->result_is_null)
        answer->result = json_incref(result);
    return NULL;
}

enum scb_status scb_rpc_response_finish(struct scb_rpc_response *response, long http_status,
                                        struct scb_rpc_answer *ret_answer, struct scb_error *error)
{
    *ret_answer = (struct scb_rpc_answer){.outcome = SCB_RPC_TROUBLE};
    json_auto_t *root = NULL;
    enum scb_status status = SCB_OK;
    if (response->state == IN_JSON && response->envelope.size > 0)
        status = scb_json_load(scb_buffer_bytes(&response->envelope), &root, error);
    if (status != SCB_OK)
        return status;

    bool http_ok = http_status / 100 == 2;
    const json_t *failure = find_failure(root), *id = json_object_get(root, "id");
    /* Who refuses a request early may not have read its id. */
    bool answered = id == NULL || json_is_null(id) || is_own_id(response, id) || !http_ok;
    if (failure != NULL && answered)
        return scb_rpc_judge(failure, http_status, ret_answer, error);
    if (!http_ok)
        return scb_rpc_judge(NULL, http_status, ret_answer, error);

    const char *trouble = take_result(response, root, ret_answer);
    if (trouble == NULL) {
        ret_answer->outcome = SCB_RPC_OK;
        return SCB_OK;
    }
    (void)scb_error_set(error, SCB_ERROR_CONTRACT, "%s (%zu bytes)", trouble,
                        response->envelope.size + response->result.size);
    return scb_rpc_refuse(SCB_RPC_TROUBLE, error);
}

/* The digits after "0x"; "" where value is something else. */
static const char *hex_digits(const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strncmp(text, "0x", 2) == 0 ? text + 2 : "";
}

enum scb_status scb_rpc_quantity(const json_t *value, const char *what, uint64_t *ret_value,
                                 struct scb_error *error)
{
    const char *digits = hex_digits(value);
    bool right = *digits != '\0';
    uint64_t number = 0;
    for (; right && *digits != '\0'; digits++) {
        int digit = scb_text_hex_digit(*digits);
        right = digit >= 0 && number >> 60 == 0;
        number = number << 4 | (uint64_t)digit;
    }
    if (!right) {
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "%s: the node gave no number of 64 bits",
                            what);
        return scb_rpc_refuse(SCB_RPC_TROUBLE, error);
    }
    *ret_value = number;
    return SCB_OK;
}

enum scb_status scb_rpc_data(const json_t *value, const char *what, uint8_t *ret_data, size_t size,
                             struct scb_error *error)
{
    const char *digits = hex_digits(value);
    if (strlen(digits) != 2 * size || strspn(digits, "0123456789abcdefABCDEF") != 2 * size ||
        !scb_text_unhex(digits, size, ret_data)) {
        (void)scb_error_set(error, SCB_ERROR_CONTRACT, "%s: the node gave no %zu bytes in hex",
                            what, size);
        return scb_rpc_refuse(SCB_RPC_TROUBLE, error);
    }
    return SCB_OK;
}
