/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/node_id.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/base58.h"
#include "crypto/digest.h"

enum { LAST = SCB_NODE_ID_SIZE - 1 };

enum scb_status scb_node_id_of_key(struct scb_bytes public_key, struct scb_node_id *ret_id,
                                   struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    enum scb_status status = scb_digest_sha256(&digest, public_key, sha256, error);
    if (status == SCB_OK)
        status =
            scb_digest_sha256(&digest, (struct scb_bytes){sha256, sizeof(sha256)}, sha256, error);
    if (status != SCB_OK)
        return status;
    memcpy(ret_id->bytes, sha256, sizeof(ret_id->bytes));
    ret_id->bytes[LAST] = SCB_NODE_ID_VERSION;
    return SCB_OK;
}

enum scb_status scb_node_id_parse(const char *text, struct scb_node_id *ret_id,
                                  struct scb_error *error)
{
    uint8_t version = 0, data[SCB_BASE58_MAX_DATA];
    size_t size = 0;
    enum scb_status status = scb_base58check_decode(text, &version, data, &size, error);
    if (status == SCB_OK && size != SCB_NODE_ID_SIZE)
        status =
            scb_error_set(error, SCB_ERROR_VALIDATION, "%zu bytes, not %d", size, SCB_NODE_ID_SIZE);
    else if (status == SCB_OK && (version != SCB_NODE_ID_VERSION || data[LAST] != 0))
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "its version is not %d",
                               SCB_NODE_ID_VERSION);
    if (status != SCB_OK) {
        char shown[80];
        (void)scb_error_wrap(
            error, "node ID '%s'",
            scb_text_printable((struct scb_bytes){(const uint8_t *)text, strlen(text)}, shown,
                               sizeof(shown)));
        if (status == SCB_ERROR_VALIDATION)
            (void)scb_error_hint(error, "copy it whole, as satellite identity show prints it");
        return status;
    }
    memcpy(ret_id->bytes, data, SCB_NODE_ID_SIZE);
    return SCB_OK;
}

enum scb_status scb_node_id_format(const struct scb_node_id *id,
                                   char ret_text[SCB_NODE_ID_TEXT_SIZE], struct scb_error *error)
{
    char text[SCB_BASE58_TEXT_SIZE];
    struct scb_node_id plain = *id;
    plain.bytes[LAST] = 0;
    enum scb_status status = scb_base58check_encode(
        id->bytes[LAST], (struct scb_bytes){plain.bytes, sizeof(plain.bytes)}, text, error);
    if (status != SCB_OK)
        return status;
    size_t length = strlen(text);
    assert(length < SCB_NODE_ID_TEXT_SIZE); /* 37 bytes are at most 51 digits */
    memcpy(ret_text, text, length + 1);
    return SCB_OK;
}

unsigned scb_node_id_difficulty(const struct scb_node_id *id)
{
    unsigned bits = 8;
    size_t i = LAST;
    for (; i > 0 && id->bytes[i - 1] == 0; i--)
        bits += 8;
    return i == 0 ? bits : bits + (unsigned)__builtin_ctz(id->bytes[i - 1]);
}

bool scb_node_id_equal(const struct scb_node_id *one, const struct scb_node_id *other)
{
    return memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

bool scb_node_ids_contain(const struct scb_node_ids *list, const struct scb_node_id *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (scb_node_id_equal(&list->ids[i], id))
            return true;
    return false;
}
