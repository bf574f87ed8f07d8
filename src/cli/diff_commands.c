/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that compare backups: backup diff.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"
#include "cli/open.h"
#include "cli/output.h"
#include "view/backup_view.h"

enum { MAX_TEXT = 512 * 1024 * 1024, SHOWN = 300 };

struct printer {
    struct scb_progress_line line;
    struct scb_buffer text; /* one line of NDJSON */
};

/* The versions and how often the key is there, for the backups that have it. */
static enum scb_status add_side(struct scb_view_members *members, const char *version_name,
                                const char *entries_name, const struct scb_diff_side *side,
                                struct scb_error *error)
{
    if (side->entries == 0)
        return SCB_OK;
    scb_json_unsigned(members->json, entries_name, side->entries);
    return scb_view_member(members, version_name, side->version_id, error);
}

static enum scb_status print_json(void *state, const struct scb_difference *difference,
                                  struct scb_error *error)
{
    struct printer *printer = state;
    struct scb_json json;
    struct scb_view_members members = {.json = &json};
    scb_buffer_clear(&printer->text);
    scb_json_begin(&json, &printer->text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "change", scb_change_name(difference->change));
    enum scb_status status = scb_view_member(&members, "key", difference->key, error);
    if (status == SCB_OK)
        status = add_side(&members, "old_version_id", "old_entries", &difference->old, error);
    if (status == SCB_OK)
        status = add_side(&members, "new_version_id", "new_entries", &difference->new, error);
    if (status != SCB_OK)
        return status;
    if (difference->change == SCB_CHANGE_CHANGED)
        scb_json_boolean(&json, "value_changed", difference->value_changed);
    scb_view_members_end(&members);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static enum scb_status print_text(void *state, const struct scb_difference *difference,
                                  struct scb_error *error)
{
    (void)error;
    static const char marks[] = {
        [SCB_CHANGE_ADDED] = '+', [SCB_CHANGE_REMOVED] = '-', [SCB_CHANGE_CHANGED] = '~'};
    struct printer *printer = state;
    char key[SHOWN], old[SHOWN], new[SHOWN];
    scb_text_printable(difference->key, key, sizeof(key));
    scb_text_printable(difference->old.version_id, old, sizeof(old));
    scb_text_printable(difference->new.version_id, new, sizeof(new));
    scb_progress_clear(&printer->line);
    bool changed = difference->change == SCB_CHANGE_CHANGED;
    (void)printf("%c %s  (%s%s%s%s)\n", marks[difference->change], key, old, changed ? " -> " : "",
                 new, changed && !difference->value_changed ? ", the same value" : "");
    return SCB_OK;
}

static enum scb_status summarise_json(const struct scb_diff_result *result, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = 4096};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "old", result->old_date);
    scb_json_text(&json, "new", result->new_date);
    scb_json_unsigned(&json, "old_entries", result->old_entries);
    scb_json_unsigned(&json, "new_entries", result->new_entries);
    scb_json_unsigned(&json, "added", result->added);
    scb_json_unsigned(&json, "removed", result->removed);
    scb_json_unsigned(&json, "changed", result->changed);
    scb_json_integer(&json, "duration_ms", result->duration_ms);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

static void summarise(const struct scb_diff_result *result)
{
    char counts[5][32];
    const uint64_t numbers[] = {result->old_entries, result->new_entries, result->added,
                                result->removed, result->changed};
    for (size_t i = 0; i < SCB_LENGTH(numbers); i++)
        scb_text_format_count(numbers[i], counts[i], sizeof(counts[i]));
    (void)printf("%s has %s keys, %s has %s: %s added, %s removed, %s changed\n", result->old_date,
                 counts[0], result->new_date, counts[1], counts[2], counts[3], counts[4]);
}

static enum scb_status run(const struct scb_command_context *context, struct printer *printer,
                           struct scb_diff_result *result, struct scb_error *error)
{
    scb_difference_visitor visit = context->json ? print_json : context->quiet ? NULL : print_text;
    if (scb_command_option(context, "--stat") != NULL)
        visit = NULL;
    struct scb_service *service = NULL;
    enum scb_status status = scb_command_open(context, &printer->line, &service, error);
    if (status != SCB_OK)
        return status;
    status = scb_service_diff(service, context->arguments[0], context->arguments[1], visit, printer,
                              result, error);
    scb_command_close(&printer->line, service);
    return status;
}

enum scb_status scb_command_backup_diff(const struct scb_command_context *context,
                                        struct scb_error *error)
{
    struct printer printer = {.text = {.max = MAX_TEXT}};
    struct scb_diff_result result;
    bool stat = scb_command_option(context, "--stat") != NULL;
    enum scb_status status = run(context, &printer, &result, error);
    scb_buffer_free(&printer.text);
    if (status == SCB_OK && context->json && stat)
        status = summarise_json(&result, error);
    else if (status == SCB_OK && !context->json && !context->quiet)
        summarise(&result);
    bool different = status == SCB_OK && result.added + result.removed + result.changed > 0;
    return different ? scb_error_set(error, SCB_ERROR_DIFFERENT, "the backups are different")
                     : status;
}
