/* SPDX-License-Identifier: Apache-2.0 */
#include "job/journal_record.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

static void add_hex(struct scb_json *json, const char *name, struct scb_bytes bytes,
                    struct scb_buffer *scratch)
{
    if (json->status != SCB_OK)
        return;
    scb_buffer_clear(scratch);
    json->status = scb_buffer_reserve(scratch, 2 * bytes.size + 1, &json->error);
    if (json->status != SCB_OK)
        return;
    scb_text_hex(bytes.data, bytes.size, (char *)scratch->data);
    scb_json_text(json, name, (const char *)scratch->data);
}

/* In the clear, or as an age file. */
static void add_secret(struct scb_json *json, const char *name, struct scb_bytes bytes,
                       const struct scb_journal_cipher *cipher, struct scb_buffer *scratch)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = scratch->max};
    if (cipher->writer == NULL) {
        add_hex(json, name, bytes, scratch);
        return;
    }
    if (json->status == SCB_OK)
        json->status = scb_age_writer_encrypt(cipher->writer, bytes, &file, &json->error);
    add_hex(json, name, scb_buffer_bytes(&file), scratch);
}

enum scb_status scb_journal_head_make(const struct scb_journal_owner *owner, struct scb_buffer *out,
                                      struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer scratch = {.max = 256};
    char contract[SCB_ADDRESS_TEXT_SIZE], account[SCB_ADDRESS_TEXT_SIZE];
    struct scb_json json;
    scb_address_format(&owner->contract, contract);
    scb_address_format(&owner->account, account);
    scb_buffer_clear(out);
    scb_json_begin(&json, out);
    scb_json_open_object(&json, NULL);
    scb_json_integer(&json, "satellite_restore", 1);
    scb_json_unsigned(&json, "chain_id", owner->chain_id);
    add_hex(&json, "genesis_hash", (struct scb_bytes){owner->genesis_hash, 32}, &scratch);
    scb_json_text(&json, "contract", contract);
    scb_json_text(&json, "account", account);
    scb_json_text(&json, "backup_date", owner->backup_date);
    if (owner->recipients != NULL) {
        char recipients[SCB_AGE_RECIPIENTS_TEXT_SIZE];
        scb_age_recipients_format(owner->recipients, recipients);
        scb_json_text(&json, "encrypted_to", recipients);
    }
    scb_json_close_object(&json);
    enum scb_status status = scb_json_finish(&json, error);
    return status == SCB_OK ? scb_buffer_append(out, "\n", 1, error) : status;
}

enum scb_status scb_journal_record_make(const struct scb_signed *made,
                                        const struct scb_journal_cipher *cipher,
                                        struct scb_buffer *out, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer scratch = {.max = out->max};
    char fee[SCB_WEI_TEXT_SIZE], priority[SCB_WEI_TEXT_SIZE], spent[SCB_WEI_TEXT_SIZE];
    struct scb_json json;
    scb_wei_hex(made->spent, spent);
    scb_wei_hex(made->max_fee, fee);
    scb_wei_hex(made->priority_fee, priority);
    scb_buffer_clear(out);
    scb_json_begin(&json, out);
    scb_json_open_object(&json, NULL);
    scb_json_unsigned(&json, "index", made->index);
    scb_json_unsigned(&json, "nonce", made->nonce);
    scb_json_unsigned(&json, "gas_limit", made->gas_limit);
    scb_json_text(&json, "max_fee", fee);
    scb_json_text(&json, "priority_fee", priority);
    scb_json_text(&json, "spent", spent);
    scb_json_unsigned(&json, "spent_below", made->spent_below);
    add_hex(&json, "hash", (struct scb_bytes){made->hash, sizeof(made->hash)}, &scratch);
    add_secret(&json, "data", made->data, cipher, &scratch);
    add_secret(&json, "raw", made->raw, cipher, &scratch);
    scb_json_close_object(&json);
    enum scb_status status = scb_json_finish(&json, error);
    return status == SCB_OK ? scb_buffer_append(out, "\n", 1, error) : status;
}

/* The bytes of a hex member behind what raw holds already. */
static bool take_hex(const json_t *record, const char *name, struct scb_buffer *raw,
                     struct scb_bytes *ret_bytes)
{
    const char *digits = json_string_value(json_object_get(record, name));
    size_t size = digits == NULL ? 0 : strlen(digits) / 2;
    if (digits == NULL || strlen(digits) % 2 != 0 || size > raw->capacity - raw->size ||
        !scb_text_unhex(digits, size, raw->data + raw->size))
        return false;
    *ret_bytes = (struct scb_bytes){raw->data + raw->size, size};
    raw->size += size;
    return true;
}

static enum scb_status odd(const char *name, struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY, "its %s is missing or malformed", name);
}

/* The same, out of an age file where there is a cipher. */
static enum scb_status take_secret(const json_t *record, const char *name,
                                   const struct scb_journal_cipher *cipher, struct scb_buffer *raw,
                                   struct scb_bytes *ret_bytes, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer scratch = {.max = raw->max};
    struct scb_bytes file = {0};
    size_t before = raw->size;
    if (cipher->reader == NULL)
        return take_hex(record, name, raw, ret_bytes) ? SCB_OK : odd(name, error);
    enum scb_status status = scb_buffer_reserve(&scratch, scratch.max, error);
    if (status == SCB_OK &&
        (!take_hex(record, name, &scratch, &file) || file.size > raw->capacity - raw->size))
        status = odd(name, error);
    if (status == SCB_OK)
        status = scb_age_reader_decrypt(cipher->reader, file, raw, error);
    *ret_bytes = (struct scb_bytes){raw->data + before, raw->size - before};
    return status;
}

/* Not json_unpack, which takes memory. */
static bool take_number(const json_t *record, const char *name, uint64_t *ret_number)
{
    const json_t *value = json_object_get(record, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_number = (uint64_t)json_integer_value(value);
    return true;
}

static bool take_wei(const json_t *record, const char *name, scb_wei *ret_wei)
{
    return scb_wei_quantity(json_object_get(record, name), name, ret_wei, NULL) == SCB_OK;
}

enum scb_status scb_journal_record_read(const json_t *record,
                                        const struct scb_journal_cipher *cipher,
                                        struct scb_buffer *raw, struct scb_signed *ret_transaction,
                                        struct scb_error *error)
{
    struct scb_signed made = {0};
    struct scb_bytes hash = {0};
    scb_buffer_clear(raw);
    enum scb_status status = scb_buffer_reserve(raw, raw->max, error);
    if (status == SCB_OK &&
        !(take_number(record, "index", &made.index) && take_number(record, "nonce", &made.nonce) &&
          take_number(record, "gas_limit", &made.gas_limit) &&
          take_wei(record, "max_fee", &made.max_fee) &&
          take_wei(record, "priority_fee", &made.priority_fee)))
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "a number is missing or malformed");
    if (status == SCB_OK &&
        (!take_hex(record, "hash", raw, &hash) || hash.size != sizeof(made.hash)))
        status = odd("hash", error);
    if (status == SCB_OK)
        status = take_secret(record, "data", cipher, raw, &made.data, error);
    if (status == SCB_OK)
        status = take_secret(record, "raw", cipher, raw, &made.raw, error);
    if (status != SCB_OK)
        return status;
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): odd() is never SCB_OK
    memcpy(made.hash, hash.data, sizeof(made.hash));
    *ret_transaction = made;
    return SCB_OK;
}
