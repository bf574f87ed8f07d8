/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup audit verify: what the audit log proves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/audit_verify.h"
#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/output.h"

enum { MAX_TEXT = 64 * 1024, MAX_HEAD_FILE = 64 * 1024, MAX_FINDINGS = 1000 };

/* The hash in a file that was kept elsewhere: alone, in an audit line or in the log's. */
static enum scb_status hash_in_file(const char *path, char ret_hex[SCB_SHA256_TEXT_SIZE],
                                    struct scb_error *error)
{
    char text[MAX_HEAD_FILE];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)scb_error_set(error, SCB_ERROR_USAGE, "--head: '%.80s' is neither a hash nor a file",
                            path);
        return scb_error_hint(error, "give 64 hex digits, or a file with them or with a line of "
                                     "the audit log");
    }
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    while (size > 0 && strchr("\r\n ", text[size - 1]) != NULL)
        size--;
    json_auto_t *json = NULL;
    enum scb_status status =
        scb_json_load((struct scb_bytes){(const uint8_t *)text, size}, &json, error);
    const char *hash = json_string_value(json_object_get(json, "hash"));
    if (hash == NULL)
        hash = text;
    else
        size = strlen(hash);
    if (status == SCB_OK && size == SCB_SHA256_TEXT_SIZE - 1)
        (void)snprintf(ret_hex, SCB_SHA256_TEXT_SIZE, "%.*s", (int)size, hash);
    return status;
}

static enum scb_status read_head(const char *text, uint8_t ret_hash[SCB_SHA256_SIZE],
                                 struct scb_error *error)
{
    char hex[SCB_SHA256_TEXT_SIZE] = "";
    if (strlen(text) == sizeof(hex) - 1 && scb_text_unhex(text, SCB_SHA256_SIZE, ret_hash))
        return SCB_OK;
    enum scb_status status = hash_in_file(text, hex, error);
    if (status != SCB_OK)
        return status;
    if (strlen(hex) == sizeof(hex) - 1 && scb_text_unhex(hex, SCB_SHA256_SIZE, ret_hash))
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_USAGE, "--head: no hash is in '%.80s'", text);
}

/* The identity's own node ID and those in identity.trusted; to be freed. */
static enum scb_status trusted_signers(const struct scb_command_context *context,
                                       struct scb_node_id **ret_ids, size_t *ret_count,
                                       struct scb_error *error)
{
    const char *const *trusted = scb_config_list(context->config, "identity.trusted");
    const char *cert = scb_config_text(context->config, "identity.cert_path");
    size_t count = 0, most = 1;
    while (trusted[most - 1] != NULL)
        most++;
    struct scb_node_id *ids = scb_alloc(most, sizeof(*ids), error);
    enum scb_status status = ids == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    for (; status == SCB_OK && trusted[count] != NULL; count += status == SCB_OK)
        status = scb_node_id_parse(trusted[count], &ids[count], error);
    if (status == SCB_OK && cert[0] != '\0') {
        SCB_AUTO(identity) struct scb_identity *identity = NULL;
        status = scb_identity_load(cert, NULL, &identity, error);
        if (status == SCB_OK)
            ids[count++] = *scb_identity_node_id(identity);
    }
    if (status != SCB_OK) {
        free(ids);
        return status;
    }
    *ret_ids = ids;
    *ret_count = count;
    return SCB_OK;
}

/* What is shown of a proof. */
struct shown {
    struct scb_json *json; /* an array of findings is open; NULL for text */
    size_t findings;
};

static void show_finding(void *state, const struct scb_audit_finding *finding)
{
    struct shown *shown = state;
    if (++shown->findings > MAX_FINDINGS)
        return;
    if (shown->json != NULL) {
        scb_json_open_object(shown->json, NULL);
        scb_json_boolean(shown->json, "broken", finding->is_broken);
        scb_json_text(shown->json, "file", finding->file[0] == '\0' ? NULL : finding->file);
        scb_json_unsigned(shown->json, "line", finding->number);
        scb_json_text(shown->json, "what", finding->what);
        scb_json_close_object(shown->json);
    } else if (finding->number > 0) {
        (void)printf("%s, line %" PRIu64 ": %s\n", finding->file, finding->number, finding->what);
    } else {
        (void)printf("%s\n", finding->what);
    }
}

/* What a sound log proves, and what it does not. */
static const char *worth(const struct scb_audit_proof *proof, bool head_given)
{
    if (head_given)
        return "the head that was given is in it: all before it is as it was";
    if (proof->signed_heads > 0)
        return "whoever has not the identity's key cannot have changed what stands before the last "
               "signed head; compare it with the heads that are kept elsewhere (--head) to see a "
               "cut at the end";
    return "without a signed head this shows accidents, not a determined forger: set "
           "identity.cert_path and identity.key_path, or keep heads elsewhere (--head)";
}

static void show_proof_json(struct scb_json *json, const struct scb_audit_proof *proof,
                            const char *worth_text)
{
    char hex[SCB_SHA256_TEXT_SIZE];
    scb_text_hex(proof->last_hash, sizeof(proof->last_hash), hex);
    scb_json_boolean(json, "valid", proof->broken == 0);
    scb_json_unsigned(json, "files", proof->files);
    scb_json_unsigned(json, "lines", proof->lines);
    scb_json_unsigned(json, "broken", proof->broken);
    scb_json_unsigned(json, "torn", proof->torn);
    scb_json_unsigned(json, "heads", proof->heads);
    scb_json_unsigned(json, "signed_heads", proof->signed_heads);
    scb_json_unsigned(json, "foreign_heads", proof->foreign_heads);
    scb_json_unsigned(json, "signed_until", proof->signed_until);
    scb_json_unsigned(json, "last_seq", proof->last_seq);
    scb_json_text(json, "last_hash", hex);
    scb_json_text(json, "worth", worth_text);
}

static void show_proof_text(const struct scb_audit_proof *proof, const char *worth_text)
{
    char lines[32], hex[SCB_SHA256_TEXT_SIZE];
    scb_text_format_count(proof->lines, lines, sizeof(lines));
    scb_text_hex(proof->last_hash, sizeof(proof->last_hash), hex);
    (void)printf("%s: %s lines in %" PRIu64 " file%s, %" PRIu64 " heads, %" PRIu64
                 " of them signed by who is trusted (up to seq %" PRIu64 ")\n",
                 proof->broken == 0 ? "valid" : "BROKEN", lines, proof->files,
                 proof->files == 1 ? "" : "s", proof->heads, proof->signed_heads,
                 proof->signed_until);
    if (proof->foreign_heads > 0)
        (void)printf("%" PRIu64 " heads are signed by identities that are not trusted here\n",
                     proof->foreign_heads);
    (void)printf("last line: seq %" PRIu64 " %s\n", proof->last_seq, hex);
    if (proof->broken == 0)
        (void)printf("%s\n", worth_text);
}

static enum scb_status verify(const struct scb_command_context *context,
                              const struct scb_audit_trust *trust, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_FINDINGS * 1024 + MAX_TEXT};
    struct scb_json json = {0};
    struct scb_audit_proof proof;
    struct scb_error output = {0};
    struct shown shown = {.json = context->json ? &json : NULL};
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_open_array(&json, "findings");
    enum scb_status status =
        scb_audit_verify(context->gate->audit.path, trust, show_finding, &shown, &proof, error);
    if (status != SCB_OK && (status != SCB_ERROR_INTEGRITY || shown.findings == 0))
        return status;
    const char *worth_text = worth(&proof, trust->head != NULL);
    scb_json_close_array(&json);
    if (!context->json) {
        show_proof_text(&proof, worth_text);
        return status;
    }
    show_proof_json(&json, &proof, proof.broken == 0 ? worth_text : NULL);
    scb_json_close_object(&json);
    enum scb_status shown_status = scb_output_json(&json, &output);
    if (status == SCB_OK && shown_status != SCB_OK) {
        *error = output;
        return shown_status;
    }
    return status;
}

enum scb_status scb_command_audit_verify(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    const char *head = scb_command_option(context, "--head");
    uint8_t hash[SCB_SHA256_SIZE];
    SCB_AUTO(memory) struct scb_node_id *ids = NULL;
    size_t count = 0;
    enum scb_status status = head == NULL ? SCB_OK : read_head(head, hash, error);
    if (status == SCB_OK)
        status = trusted_signers(context, &ids, &count, error);
    if (status != SCB_OK)
        return status;
    const struct scb_audit_trust trust = {.signers = {.ids = ids, .count = count},
                                          .head = head == NULL ? NULL : hash};
    return verify(context, &trust, error);
}
