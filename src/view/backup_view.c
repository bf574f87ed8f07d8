/* SPDX-License-Identifier: Apache-2.0 */
#include "view/backup_view.h"

#include <assert.h>

#include "base/memory.h"
#include "base/text.h"

static void text_member(struct scb_json *json, const char *name, const char *text)
{
    scb_json_text(json, name, text[0] == '\0' ? NULL : text);
}

void scb_view_backup_columns(struct scb_json *json, const struct scb_backup_record *backup)
{
    scb_json_text(json, "backup_date", backup->backup_date);
    scb_json_text(json, "status", scb_backup_state_name(backup->state));
    scb_json_time(json, "created_at", backup->created_at_ms);
    scb_json_time(json, "completed_at", backup->completed_at_ms);
    scb_json_count(json, "total_pages", backup->total_pages);
    scb_json_count(json, "total_keys", backup->total_keys);
    text_member(json, "backup_file_path", backup->backup_file_path);
    text_member(json, "error_message", backup->error_message);
    text_member(json, "checksum", backup->checksum);
    scb_json_count(json, "file_size", backup->file_size);
}

void scb_view_backup_progress(struct scb_json *json, const struct scb_backup_record *backup)
{
    scb_json_count(json, "pages_completed", backup->pages_completed);
    scb_json_count(json, "pages_failed", backup->pages_failed);
    scb_json_count(json, "block_number", backup->block_number);
    text_member(json, "block_hash", backup->block_hash);
    text_member(json, "run_id", backup->run_id);
}

void scb_view_page_columns(struct scb_json *json, const struct scb_page_record *page)
{
    bool done = page->state == SCB_BACKUP_COMPLETED; /* else there is no file */
    char checksum[65];
    scb_text_hex(page->sha256, sizeof(page->sha256), checksum);
    scb_json_unsigned(json, "page_number", page->page_number);
    scb_json_text(json, "status", scb_backup_state_name(page->state));
    scb_json_time(json, "completed_at", page->completed_at_ms);
    scb_json_count(json, "keys_count", done ? (int64_t)page->keys_count : -1);
    scb_json_text(json, "file_path", done ? page->file_path : NULL);
    text_member(json, "error_message", page->error_message);
    scb_json_text(json, "checksum", done ? checksum : NULL);
    scb_json_count(json, "file_size", done ? (int64_t)page->file_size : -1);
}

void scb_view_check(struct scb_json *json, const struct scb_check_record *check)
{
    scb_json_open_object(json, NULL);
    scb_json_text(json, "kind", scb_check_kind_name(check->kind));
    scb_json_time(json, "checked_at", check->checked_at_ms);
    scb_json_text(json, "outcome", scb_verify_outcome_name(check->outcome));
    scb_json_unsigned(json, "keys", check->keys);
    scb_json_integer(json, "duration_ms", check->duration_ms);
    text_member(json, "message", check->message);
    scb_json_close_object(json);
}

void scb_view_verify(struct scb_json *json, const struct scb_verify_result *result)
{
    scb_json_text(json, "outcome", scb_verify_outcome_name(result->outcome));
    scb_json_unsigned(json, "problems", result->problems);
    scb_json_unsigned(json, "warnings", result->warnings);
    scb_json_unsigned(json, "pages", result->pages);
    scb_json_unsigned(json, "keys", result->keys);
    scb_json_unsigned(json, "bytes", result->bytes);
    scb_json_boolean(json, "against_chain", result->against_chain);
    scb_json_text(json, "signature", scb_signature_state_name(result->signature));
    text_member(json, "signer", result->signer);
    scb_json_boolean(json, "encrypted", result->encrypted);
    text_member(json, "unseen", result->unseen);
    scb_json_integer(json, "duration_ms", result->duration_ms);
    if (result->error.status != SCB_OK) {
        scb_json_text(json, "error_type", scb_status_name(result->error.status));
        scb_json_text(json, "error", result->error.message);
    }
}

enum scb_status scb_view_member(struct scb_view_members *members, const char *name,
                                struct scb_bytes bytes, struct scb_error *error)
{
    if (scb_text_is_utf8(bytes)) {
        scb_json_bytes(members->json, name, bytes);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer encoded = {.max = bytes.size / 3 * 4 + 4};
    enum scb_status status = scb_text_base64_append(&encoded, bytes, error);
    scb_json_bytes(members->json, name, scb_buffer_bytes(&encoded));
    assert(members->count < SCB_LENGTH(members->base64));
    members->base64[members->count++] = name;
    return status;
}

void scb_view_members_end(struct scb_view_members *members)
{
    if (members->count == 0)
        return;
    scb_json_open_array(members->json, "base64");
    for (size_t i = 0; i < members->count; i++)
        scb_json_text(members->json, NULL, members->base64[i]);
    scb_json_close_array(members->json);
}
