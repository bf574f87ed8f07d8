/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on the audit log: backup audit list, verify.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/audit_verify.h"
#include "access/audit_walk.h"
#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/output.h"

enum { MAX_TEXT = 64 * 1024, MAX_LIMIT = 10000, MAX_HEAD_FILE = 64 * 1024, MAX_FINDINGS = 1000 };

/* What is to be shown, and the last of it where that is limited. */
struct listing {
    int64_t since_ms, until_ms;
    const char *caller, *operation, *result; /* NULL: any */
    bool json;
    char **last; /* a ring of so many lines; NULL where all are shown at once */
    size_t limit, next;
};

static enum scb_status parse_when(const struct scb_command_context *context, const char *option,
                                  int64_t *ret_ms, struct scb_error *error)
{
    const char *text = scb_command_option(context, option);
    int64_t ago_ms = 0;
    if (text == NULL || scb_timestamp_parse(text, ret_ms, NULL) == SCB_OK ||
        scb_backup_date_parse(text, ret_ms, NULL) == SCB_OK)
        return SCB_OK;
    if (scb_text_parse_duration_ms(text, &ago_ms, NULL) == SCB_OK) {
        *ret_ms = scb_clock_real_ms(scb_clock_system()) - ago_ms;
        return SCB_OK;
    }
    (void)scb_error_set(error, SCB_ERROR_USAGE, "%s: '%.40s' is no time", option, text);
    return scb_error_hint(error, "write 2024-01-15, 2024-01-15T08:30:00Z or 7d");
}

static enum scb_status check_operation(const char *name, struct scb_error *error)
{
    const char *names[SCB_OPERATION_COUNT];
    size_t count = 0;
    for (int i = SCB_OPERATION_NONE + 1; i < SCB_OPERATION_COUNT; i++) {
        names[count] = scb_operation_of((enum scb_operation_id)i)->name;
        if (name == NULL || strcmp(name, names[count++]) == 0)
            return SCB_OK;
    }
    const char *nearest = scb_text_nearest(name, names, count);
    (void)scb_error_set(error, SCB_ERROR_USAGE, "--operation: '%.40s' is none", name);
    return nearest == NULL ? error->status : scb_error_hint(error, "did you mean %s?", nearest);
}

static enum scb_status read_filters(const struct scb_command_context *context,
                                    struct listing *listing, struct scb_error *error)
{
    const char *limit = scb_command_option(context, "--limit");
    uint64_t number = 0;
    *listing = (struct listing){.since_ms = INT64_MIN,
                                .until_ms = INT64_MAX,
                                .caller = scb_command_option(context, "--caller"),
                                .operation = scb_command_option(context, "--operation"),
                                .result = scb_command_option(context, "--result"),
                                .json = context->json};
    enum scb_status status = parse_when(context, "--since", &listing->since_ms, error);
    if (status == SCB_OK)
        status = parse_when(context, "--until", &listing->until_ms, error);
    if (status == SCB_OK)
        status = check_operation(listing->operation, error);
    if (status != SCB_OK || limit == NULL)
        return status;
    if (scb_text_parse_u64(limit, &number, NULL) != SCB_OK || number < 1 || number > MAX_LIMIT)
        return scb_error_set(error, SCB_ERROR_USAGE, "--limit: '%.20s' is not 1 to %d", limit,
                             MAX_LIMIT);
    listing->limit = (size_t)number;
    listing->last = scb_alloc(listing->limit, sizeof(*listing->last), error);
    return listing->last == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

static bool is(const json_t *json, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(json, name));
    return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

static bool is_wanted(const struct listing *listing, const json_t *json)
{
    int64_t at_ms = 0;
    const char *ts = json_string_value(json_object_get(json, "ts"));
    return json_object_get(json, "operation") != NULL && ts != NULL &&
           scb_timestamp_parse(ts, &at_ms, NULL) == SCB_OK && at_ms >= listing->since_ms &&
           at_ms < listing->until_ms && is(json, "caller", listing->caller) &&
           is(json, "operation", listing->operation) && is(json, "result", listing->result);
}

static void print_cell(const json_t *value, int width)
{
    char shown[2 * SCB_AUDIT_MAX_ARGUMENT];
    struct scb_bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    (void)printf("%-*s ", width, scb_text_printable(text, shown, sizeof(shown)));
}

static void print_row(const json_t *json)
{
    static const struct {
        const char *name;
        int width;
    } cells[] = {{"ts", 24}, {"caller", 18}, {"operation", 19}, {"result", 15}};
    char duration[32] = "-";
    const json_t *ms = json_object_get(json, "duration_ms"), *argument = NULL;
    size_t i = 0;
    (void)printf("%6" JSON_INTEGER_FORMAT " ", json_integer_value(json_object_get(json, "seq")));
    for (i = 0; i < SCB_LENGTH(cells); i++)
        print_cell(json_object_get(json, cells[i].name), cells[i].width);
    if (json_is_integer(ms))
        scb_text_format_elapsed(json_integer_value(ms), duration, sizeof(duration));
    (void)printf("%8s", duration);
    json_array_foreach(json_object_get(json, "arguments"), i, argument)
    {
        (void)printf(" ");
        char shown[2 * SCB_AUDIT_MAX_ARGUMENT];
        struct scb_bytes text = {(const uint8_t *)json_string_value(argument),
                                 json_string_length(argument)};
        (void)printf(" %s", scb_text_printable(text, shown, sizeof(shown)));
    }
    (void)printf("\n");
}

static enum scb_status print_line(const struct listing *listing, struct scb_bytes text,
                                  struct scb_error *error)
{
    json_auto_t *json = NULL;
    if (listing->json) {
        (void)printf("%.*s\n", (int)text.size, (const char *)text.data);
        return SCB_OK;
    }
    enum scb_status status = scb_json_load(text, &json, error);
    if (status == SCB_OK)
        print_row(json);
    return status;
}

static enum scb_status list_line(void *state, const struct scb_audit_place *place,
                                 struct scb_error *error)
{
    struct listing *listing = state;
    if (!place->is_line || !is_wanted(listing, place->line->json))
        return SCB_OK;
    if (listing->last == NULL)
        return print_line(listing, place->text, error);
    char *copy = scb_format(error, "%.*s", (int)place->text.size, (const char *)place->text.data);
    if (copy == NULL)
        return SCB_ERROR_RESOURCE;
    free(listing->last[listing->next]);
    listing->last[listing->next] = copy;
    listing->next = (listing->next + 1) % listing->limit;
    return SCB_OK;
}

static enum scb_status list_last(struct listing *listing, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < listing->limit && status == SCB_OK; i++) {
        const char *line = listing->last[(listing->next + i) % listing->limit];
        if (line != NULL)
            status =
                print_line(listing, (struct scb_bytes){(const uint8_t *)line, strlen(line)}, error);
    }
    return status;
}

static enum scb_status list(const struct scb_command_context *context, struct listing *listing,
                            struct scb_error *error)
{
    struct scb_error none = {0};
    if (!listing->json)
        (void)printf("%6s %-24s %-18s %-19s %-15s %8s  %s\n", "SEQ", "TIME", "CALLER", "OPERATION",
                     "RESULT", "DURATION", "ARGUMENTS");
    enum scb_status status =
        scb_audit_walk(context->gate->audit.path, list_line, listing, NULL, &none);
    if (status == SCB_ERROR_NOT_FOUND) /* no log yet: nothing was done yet */
        return SCB_OK;
    if (status != SCB_OK)
        *error = none;
    return status == SCB_OK && listing->last != NULL ? list_last(listing, error) : status;
}

enum scb_status scb_command_audit_list(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    struct listing listing;
    enum scb_status status = read_filters(context, &listing, error);
    if (status == SCB_OK)
        status = list(context, &listing, error);
    for (size_t i = 0; listing.last != NULL && i < listing.limit; i++)
        free(listing.last[i]);
    free(listing.last);
    return status;
}

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
