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

/* The same, out of an age file where there is a cipher. */
static bool take_secret(const json_t *record, const char *name,
                        const struct scb_journal_cipher *cipher, struct scb_buffer *raw,
                        struct scb_bytes *ret_bytes)
{
    SCB_AUTO(buffer) struct scb_buffer scratch = {.max = raw->max};
    struct scb_bytes file;
    if (cipher->reader == NULL)
        return take_hex(record, name, raw, ret_bytes);
    size_t before = raw->size;
    if (scb_buffer_reserve(&scratch, scratch.max, NULL) != SCB_OK ||
        !take_hex(record, name, &scratch, &file) || file.size > raw->capacity - raw->size ||
        scb_age_reader_decrypt(cipher->reader, file, raw, NULL) != SCB_OK)
        return false;
    *ret_bytes = (struct scb_bytes){raw->data + before, raw->size - before};
    return true;
}

bool scb_journal_record_read(const json_t *record, const struct scb_journal_cipher *cipher,
                             struct scb_buffer *raw, struct scb_signed *ret_transaction)
{
    struct scb_signed made = {0};
    struct scb_bytes hash = {0};
    json_int_t index = -1, nonce = -1, gas = -1;
    scb_buffer_clear(raw);
    bool right = scb_buffer_reserve(raw, raw->max, NULL) == SCB_OK &&
                 json_unpack((json_t *)(uintptr_t)record, "{s:I,s:I,s:I}", "index", &index, "nonce",
                             &nonce, "gas_limit", &gas) == 0 &&
                 index >= 0 && nonce >= 0 && gas >= 0 &&
                 scb_wei_quantity(json_object_get(record, "max_fee"), "max_fee", &made.max_fee,
                                  NULL) == SCB_OK &&
                 scb_wei_quantity(json_object_get(record, "priority_fee"), "priority_fee",
                                  &made.priority_fee, NULL) == SCB_OK &&
                 take_hex(record, "hash", raw, &hash) && hash.size == sizeof(made.hash) &&
                 take_secret(record, "data", cipher, raw, &made.data) &&
                 take_secret(record, "raw", cipher, raw, &made.raw);
    if (!right)
        return false;
    memcpy(made.hash, hash.data, sizeof(made.hash));
    made.index = (uint64_t)index;
    made.nonce = (uint64_t)nonce;
    made.gas_limit = (uint64_t)gas;
    *ret_transaction = made;
    return true;
}
