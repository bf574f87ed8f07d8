/* SPDX-License-Identifier: Apache-2.0 */
#include "access/audit_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"

/* The end of every line: ,"hash":"<64 digits>"} */
static const char hash_begin[] = ",\"hash\":\"", hash_end[] = "\"}";
enum {
    BEGIN_SIZE = sizeof(hash_begin) - 1,
    DIGITS = 2 * SCB_SHA256_SIZE,
    TAIL_SIZE = BEGIN_SIZE + DIGITS + sizeof(hash_end) - 1
};

static enum scb_status hash_of(const void *data, size_t size, uint8_t ret_hash[SCB_SHA256_SIZE],
                               struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    return scb_digest_sha256(&digest, (struct scb_bytes){data, size}, ret_hash, error);
}

/* An argument as it is kept: cut where it is long, never in the middle of a character. */
static size_t kept_size(const char *text)
{
    size_t size = strnlen(text, SCB_AUDIT_MAX_ARGUMENT + 1);
    if (size <= SCB_AUDIT_MAX_ARGUMENT)
        return size;
    for (size = SCB_AUDIT_MAX_ARGUMENT; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
        size--;
    return size;
}

static void add_arguments(struct scb_json *json, const struct scb_audit_record *record)
{
    size_t used = 0, i = 0;
    scb_json_open_array(json, "arguments");
    for (; i < record->argument_count && used <= SCB_AUDIT_MAX_ARGUMENTS; i++) {
        const char *text = record->arguments[i];
        size_t size = kept_size(text);
        used += size + 4;
        if (text[size] == '\0') {
            scb_json_text(json, NULL, text);
            continue;
        }
        char cut[SCB_AUDIT_MAX_ARGUMENT + 8];
        (void)snprintf(cut, sizeof(cut), "%.*s…", (int)size, text);
        scb_json_text(json, NULL, cut);
    }
    if (i < record->argument_count)
        scb_json_text(json, NULL, "…");
    scb_json_close_array(json);
}

void scb_audit_record_members(struct scb_json *json, const struct scb_audit_record *record)
{
    scb_json_text(json, "caller", record->caller);
    if (record->login != NULL && record->login[0] != '\0')
        scb_json_text(json, "login", record->login);
    scb_json_text(json, "role", record->role);
    scb_json_text(json, "operation", record->operation);
    add_arguments(json, record);
    scb_json_text(json, "result", record->result);
    if (record->started != 0)
        scb_json_unsigned(json, "started", record->started);
    if (record->duration_ms >= 0)
        scb_json_integer(json, "duration_ms", record->duration_ms);
}

static void begin_line(struct scb_json *json, const struct scb_audit_link *link, int64_t now_ms,
                       struct scb_buffer *out)
{
    char ts[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(now_ms, ts);
    scb_json_begin(json, out);
    scb_json_open_object(json, NULL);
    scb_json_unsigned(json, "seq", link->seq + 1);
    scb_json_text(json, "ts", ts);
}

/* The line's last two members; start is where it begins in the buffer. */
static enum scb_status end_line(struct scb_json *json, size_t start, struct scb_audit_link *link,
                                struct scb_error *error)
{
    struct scb_buffer *out = json->out;
    char hex[SCB_SHA256_TEXT_SIZE];
    uint8_t hash[SCB_SHA256_SIZE];
    scb_text_hex(link->hash, sizeof(link->hash), hex);
    scb_json_text(json, "prev", hex);
    enum scb_status status = json->status;
    if (status != SCB_OK) {
        if (error != NULL)
            *error = json->error;
        return status;
    }
    status = hash_of(out->data + start, out->size - start, hash, error);
    scb_text_hex(hash, sizeof(hash), hex);
    if (status == SCB_OK)
        status = scb_buffer_printf(out, error, "%s%s%s\n", hash_begin, hex, hash_end);
    if (status == SCB_OK && out->size - start > SCB_AUDIT_MAX_LINE)
        status = scb_error_set(error, SCB_ERROR_RESOURCE, "the line is too long");
    if (status == SCB_OK) {
        link->seq++;
        memcpy(link->hash, hash, sizeof(hash));
    }
    return status;
}

enum scb_status scb_audit_line_make(const struct scb_audit_record *record, int64_t now_ms,
                                    struct scb_audit_link *link, struct scb_buffer *out,
                                    struct scb_error *error)
{
    struct scb_json json;
    size_t start = out->size;
    begin_line(&json, link, now_ms, out);
    scb_audit_record_members(&json, record);
    return end_line(&json, start, link, error);
}

/* What a head's signature is over; it says itself what it is. */
static enum scb_status signed_hash(uint64_t seq, const uint8_t hash[SCB_SHA256_SIZE],
                                   uint8_t ret_hash[SCB_SHA256_SIZE], struct scb_error *error)
{
    char hex[SCB_SHA256_TEXT_SIZE], text[160];
    scb_text_hex(hash, SCB_SHA256_SIZE, hex);
    int size = snprintf(text, sizeof(text), "satellite audit head 1\n%" PRIu64 "\n%s\n", seq, hex);
    return hash_of(text, (size_t)size, ret_hash, error);
}

static enum scb_status add_signature(const struct scb_identity *identity,
                                     const struct scb_audit_link *link, struct scb_json *json,
                                     struct scb_error *error)
{
    uint8_t digest[SCB_SHA256_SIZE];
    struct scb_identity_signature signature = {0};
    SCB_AUTO(buffer) struct scb_buffer base64 = {.max = 256};
    SCB_AUTO(buffer) struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_PEM};
    enum scb_status status = signed_hash(link->seq, link->hash, digest, error);
    if (status == SCB_OK)
        status = scb_identity_sign(identity, digest, &signature, error);
    if (status == SCB_OK)
        status = scb_text_base64_append(&base64, (struct scb_bytes){signature.der, signature.size},
                                        error);
    if (status == SCB_OK)
        status = scb_identity_pem(identity, &pem, error);
    if (status != SCB_OK)
        return status;
    scb_json_bytes(json, "signature", scb_buffer_bytes(&base64));
    scb_json_bytes(json, "certificates", scb_buffer_bytes(&pem));
    return SCB_OK;
}

enum scb_status scb_audit_head_make(const struct scb_identity *identity, int64_t now_ms,
                                    struct scb_audit_link *link, struct scb_buffer *out,
                                    struct scb_error *error)
{
    struct scb_json json;
    size_t start = out->size;
    begin_line(&json, link, now_ms, out);
    scb_json_unsigned(&json, "head", link->seq);
    if (identity != NULL) {
        enum scb_status status = add_signature(identity, link, &json, error);
        if (status != SCB_OK) {
            out->size = start;
            return status;
        }
    }
    return end_line(&json, start, link, error);
}

static bool read_hash(const json_t *json, const char *name, uint8_t ret_hash[SCB_SHA256_SIZE])
{
    const json_t *text = json_object_get(json, name);
    return json_string_length(text) == DIGITS &&
           scb_text_unhex(json_string_value(text), SCB_SHA256_SIZE, ret_hash);
}

static bool read_members(struct scb_audit_line *line)
{
    const json_t *seq = json_object_get(line->json, "seq");
    if (!json_is_integer(seq) || json_integer_value(seq) < 1)
        return false;
    line->seq = (uint64_t)json_integer_value(seq);
    line->is_head = json_object_get(line->json, "head") != NULL;
    return read_hash(line->json, "prev", line->prev) && read_hash(line->json, "hash", line->hash);
}

enum scb_status scb_audit_line_read(struct scb_bytes text, bool *ret_is_line,
                                    struct scb_audit_line *ret_line, struct scb_error *error)
{
    *ret_is_line = false;
    if (text.size <= TAIL_SIZE || text.size >= SCB_AUDIT_MAX_LINE ||
        memcmp(text.data + text.size - TAIL_SIZE, hash_begin, BEGIN_SIZE) != 0)
        return SCB_OK;
    SCB_AUTO(audit_line) struct scb_audit_line line = {0};
    uint8_t hash[SCB_SHA256_SIZE];
    enum scb_status status = scb_json_load(text, &line.json, error);
    if (status != SCB_OK || line.json == NULL || !read_members(&line))
        return status;
    status = hash_of(text.data, text.size - TAIL_SIZE, hash, error);
    if (status != SCB_OK)
        return status;
    line.intact = memcmp(hash, line.hash, sizeof(hash)) == 0;
    *ret_is_line = true;
    *ret_line = line;
    line.json = NULL;
    return SCB_OK;
}

void scb_audit_line_cleanup(struct scb_audit_line *line)
{
    json_decref(line->json);
    line->json = NULL;
}

static struct scb_bytes member(const struct scb_audit_line *line, const char *name)
{
    const json_t *text = json_object_get(line->json, name);
    return (struct scb_bytes){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

enum scb_status scb_audit_head_check(const struct scb_audit_line *line,
                                     enum scb_audit_head_state *ret_state,
                                     struct scb_node_id *ret_signer, struct scb_error *error)
{
    const json_t *head = json_object_get(line->json, "head");
    struct scb_bytes text = member(line, "signature");
    *ret_state = SCB_AUDIT_HEAD_WRONG;
    if (!json_is_integer(head) || (uint64_t)json_integer_value(head) != line->seq - 1)
        return SCB_OK;
    if (text.size == 0) {
        *ret_state = SCB_AUDIT_HEAD_UNSIGNED;
        return SCB_OK;
    }
    uint8_t digest[SCB_SHA256_SIZE];
    struct scb_error why = {0}; /* whatever is wrong with it, it is wrong */
    SCB_AUTO(buffer) struct scb_buffer der = {.max = SCB_IDENTITY_MAX_SIGNATURE};
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    enum scb_status status = signed_hash(line->seq - 1, line->prev, digest, error);
    if (status != SCB_OK)
        return status;
    if (scb_text_base64_decode(&der, text, &why) == SCB_OK &&
        scb_identity_parse(member(line, "certificates"), &identity, &why) == SCB_OK &&
        scb_identity_verify(identity, digest, scb_buffer_bytes(&der), &why) == SCB_OK) {
        *ret_state = SCB_AUDIT_HEAD_SIGNED;
        *ret_signer = *scb_identity_node_id(identity);
    }
    return SCB_OK;
}
