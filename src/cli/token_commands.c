/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on tokens: token create, list, revoke.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access/token.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "view/cell.h"

enum { MAX_TEXT = 1024 * 1024 };

static const int64_t DAY_MS = 86400000, DEFAULT_DAYS = 90, MAX_DAYS = 3650;

static void add_token(struct scb_json *json, const struct scb_token *token)
{
    char created[SCB_TIMESTAMP_SIZE], expires[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(token->created_at_ms, created);
    scb_timestamp_format(token->expires_at_ms, expires);
    scb_json_text(json, "id", token->id);
    scb_json_text(json, "name", token->name);
    scb_json_text(json, "role", scb_role_name(token->role));
    scb_json_text(json, "created_at", created);
    scb_json_text(json, "created_by", token->created_by);
    scb_json_text(json, "expires_at", expires);
}

static enum scb_status read_new(const struct scb_command_context *context, struct scb_token *token,
                                struct scb_error *error)
{
    const char *role = scb_command_option(context, "--role");
    const char *name = scb_command_option(context, "--name");
    const char *expires = scb_command_option(context, "--expires");
    int64_t lasts_ms = DEFAULT_DAYS * DAY_MS;
    enum scb_status status = scb_role_parse(role, &token->role, error);
    if (status == SCB_OK && expires != NULL)
        status = scb_text_parse_duration_ms(expires, &lasts_ms, error);
    if (status == SCB_OK && (lasts_ms < 1000 || lasts_ms > MAX_DAYS * DAY_MS))
        status =
            scb_error_set(error, SCB_ERROR_USAGE, "--expires: '%.40s' is not 1s to 3650d", expires);
    if (status == SCB_OK && name != NULL && strlen(name) > SCB_TOKEN_MAX_NAME)
        status = scb_error_set(error, SCB_ERROR_USAGE, "--name has more than %d bytes",
                               SCB_TOKEN_MAX_NAME);
    if (status != SCB_OK) {
        error->status = SCB_ERROR_USAGE;
        return SCB_ERROR_USAGE;
    }
    (void)snprintf(token->name, sizeof(token->name), "%s", name == NULL ? "" : name);
    (void)snprintf(token->created_by, sizeof(token->created_by), "%s",
                   context->passage->caller.text);
    token->created_at_ms = scb_clock_real_ms(scb_clock_system());
    token->expires_at_ms = token->created_at_ms + lasts_ms;
    return SCB_OK;
}

/* Past stdio, whose buffer would keep it. */
static enum scb_status show_new(const struct scb_command_context *context,
                                const struct scb_token *token, char *secret,
                                struct scb_error *error)
{
    enum { SIZE = 2048 };
    char text[SIZE], expires[SCB_TIMESTAMP_SIZE];
    SCB_AUTO(buffer) struct scb_buffer about = {.max = SIZE - SCB_TOKEN_TEXT_SIZE - 32};
    struct scb_json json;
    scb_timestamp_format(token->expires_at_ms, expires);
    scb_json_begin(&json, &about);
    scb_json_open_object(&json, NULL);
    add_token(&json, token);
    enum scb_status status = scb_json_finish(&json, error);
    if (status != SCB_OK)
        return status;
    int size = context->json ? snprintf(text, sizeof(text), "%.*s,\"token\":\"%s\"}\n",
                                        (int)about.size, (const char *)about.data, secret)
                             : snprintf(text, sizeof(text), "%s\n", secret);
    status = scb_file_write(STDOUT_FILENO, "standard output", text, (size_t)size, error);
    scb_wipe(text, sizeof(text));
    if (status == SCB_OK && !context->json && !context->quiet)
        (void)fprintf(stderr,
                      "Token %s, %s, good until %s. It is not shown again; its bearer sends it as\n"
                      "Authorization: Bearer TOKEN\n",
                      token->id, scb_role_name(token->role), expires);
    return status;
}

enum scb_status scb_command_token_create(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    struct scb_token token = {0};
    char secret[SCB_TOKEN_TEXT_SIZE];
    enum scb_status status = read_new(context, &token, error);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* it must not lie in a core dump */
    if (status == SCB_OK)
        status = scb_token_create(context->state_dir, &token, secret, error);
    if (status != SCB_OK)
        return status;
    status = show_new(context, &token, secret, error);
    scb_wipe(secret, sizeof(secret));
    return status;
}

struct rows {
    struct scb_json *json;
    struct scb_table *table;
    int64_t now_ms;
};

static enum scb_status add_row(void *state, const struct scb_token *token, struct scb_error *error)
{
    const struct rows *rows = state;
    bool expired = token->expires_at_ms <= rows->now_ms;
    if (rows->json != NULL) {
        scb_json_open_object(rows->json, NULL);
        add_token(rows->json, token);
        scb_json_boolean(rows->json, "expired", expired);
        scb_json_close_object(rows->json);
        return SCB_OK;
    }
    char created[32], expires[48];
    scb_view_time(token->created_at_ms, created, sizeof(created));
    scb_view_time(token->expires_at_ms, expires, sizeof(expires));
    return scb_table_add(rows->table,
                         (const char *[]){token->id, scb_role_name(token->role), token->name,
                                          created, token->created_by, expires,
                                          expired ? "expired" : ""},
                         error);
}

static enum scb_status list_json(const struct scb_command_context *context, int64_t now_ms,
                                 struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    struct rows rows = {.json = &json, .now_ms = now_ms};
    scb_json_begin(&json, &text);
    scb_json_open_array(&json, NULL);
    enum scb_status status = scb_token_list(context->state_dir, add_row, &rows, error);
    scb_json_close_array(&json);
    return status == SCB_OK ? scb_output_json(&json, error) : status;
}

enum scb_status scb_command_token_list(const struct scb_command_context *context,
                                       struct scb_error *error)
{
    static const struct scb_column columns[] = {
        {"ID", false}, {"ROLE", false},    {"NAME", false},   {"CREATED", false},
        {"BY", false}, {"EXPIRES", false}, {"EXPIRED", false}};
    struct rows rows = {.now_ms = scb_clock_real_ms(scb_clock_system())};
    if (context->json)
        return list_json(context, rows.now_ms, error);
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    rows.table = table;
    if (status == SCB_OK)
        status = scb_token_list(context->state_dir, add_row, &rows, error);
    return status == SCB_OK ? scb_table_print(table, stdout, error) : status;
}

enum scb_status scb_command_token_revoke(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    const char *id = context->arguments[0];
    enum scb_status status = scb_token_revoke(context->state_dir, id, error);
    if (status != SCB_OK)
        return status;
    if (!context->json) {
        if (!context->quiet)
            (void)printf("Token %s is revoked\n", id);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_boolean(&json, "revoked", true);
    scb_json_text(&json, "id", id);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}
