/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup audit list: who did what.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/audit_walk.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/handlers.h"

enum { MAX_LIMIT = 10000 };

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
