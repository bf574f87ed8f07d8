/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup metrics: what was counted, as a table, for Prometheus or as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/backend.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "observe/metrics_json.h"
#include "observe/metrics_text.h"
#include "view/cell.h"

enum { MAX_TEXT = 256 * 1024, CELL_SIZE = 96 };

static uint64_t observed(const uint64_t *cells)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SCB_DURATION_BUCKETS; i++)
        count += cells[i];
    return count;
}

/* --- the table --- */

static void format_value(enum scb_metric_unit unit, uint64_t value, char *ret_text, size_t size)
{
    switch (unit) {
    case SCB_UNIT_COUNT:
        scb_text_format_count(value, ret_text, size);
        return;
    case SCB_UNIT_BYTES:
        scb_text_format_size_short(value, ret_text, size);
        return;
    case SCB_UNIT_SECONDS:
        scb_text_format_elapsed((int64_t)value, ret_text, size);
        return;
    case SCB_UNIT_TIMESTAMP:
        if (value == 0)
            (void)snprintf(ret_text, size, "never");
        else
            scb_view_time((int64_t)value, ret_text, size);
        return;
    }
}

static enum scb_status add_histogram(struct scb_table *table, const struct scb_metric_entry *entry,
                                     const uint64_t *cells, struct scb_error *error)
{
    char text[CELL_SIZE], mean[32] = "-";
    uint64_t count = observed(cells);
    scb_text_format_count(count, text, sizeof(text));
    if (count > 0)
        scb_text_format_elapsed((int64_t)(cells[SCB_DURATION_BUCKETS] / count), mean, sizeof(mean));
    enum scb_status status =
        scb_table_add(table, (const char *[]){entry->name, "times", text}, error);
    return status == SCB_OK
               ? scb_table_add(table, (const char *[]){entry->name, "mean", mean}, error)
               : status;
}

static enum scb_status add_series(struct scb_table *table,
                                  const struct scb_metrics_snapshot *snapshot,
                                  enum scb_metric metric, size_t series, struct scb_error *error)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    struct scb_metric_label labels[SCB_METRIC_MOST_LABELS] = {0};
    char value[CELL_SIZE], which[SCB_METRIC_ENDPOINT_SIZE + 64] = "";
    if (entry->kind == SCB_KIND_HISTOGRAM)
        return add_histogram(table, entry, &snapshot->cells[entry->cell], error);
    size_t count = scb_metric_series_labels(snapshot, metric, series, labels);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(which);
        (void)snprintf(which + used, sizeof(which) - used, "%s%s", i == 0 ? "" : " ",
                       labels[i].value);
    }
    format_value(entry->unit, snapshot->cells[entry->cell + series], value, sizeof(value));
    return scb_table_add(table, (const char *[]){entry->name, which, value}, error);
}

/* --- all of them --- */

struct view {
    const struct scb_metrics_snapshot *snapshot;
    const char *source; /* whose numbers they are */
    struct scb_metric_range range;
    struct scb_table *table;
};

static enum scb_status show_all(const struct view *view, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = view->range.first; i <= view->range.last; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        size_t count = entry->kind == SCB_KIND_HISTOGRAM ? 1 : entry->series;
        for (size_t series = 0; series < count && status == SCB_OK; series++) {
            if (!scb_metric_is_shown(view->snapshot, (enum scb_metric)i, series))
                continue;
            status = add_series(view->table, view->snapshot, (enum scb_metric)i, series, error);
        }
    }
    return status;
}

static enum scb_status print_json(const struct view *view, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_json_begin(&json, &text);
    scb_metrics_json(&json, view->snapshot, view->range);
    return scb_output_json(&json, error);
}

static enum scb_status print_table(struct view *view, struct scb_error *error)
{
    static const struct scb_column columns[] = {{"METRIC", false}, {"OF", false}, {"VALUE", true}};
    SCB_AUTO(table) struct scb_table *table = NULL;
    enum scb_status status = scb_table_new(columns, SCB_LENGTH(columns), &table, error);
    view->table = table;
    if (status == SCB_OK)
        status = scb_table_add(table, (const char *[]){"source", "", view->source}, error);
    if (status == SCB_OK)
        status = show_all(view, error);
    return status == SCB_OK ? scb_table_print(table, stdout, error) : status;
}

static enum scb_status print_prometheus(const struct view *view, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    enum scb_status status = scb_metrics_prometheus(view->snapshot, view->range, &text, error);
    if (status == SCB_OK)
        (void)fwrite(text.data, 1, text.size, stdout);
    return status;
}

static enum scb_status read_format(const struct scb_command_context *context,
                                   const char **ret_format, struct scb_error *error)
{
    const char *format = scb_command_option(context, "--format");
    *ret_format = format != NULL ? format : context->json ? "json" : "table";
    bool known = strcmp(*ret_format, "table") == 0 || strcmp(*ret_format, "prometheus") == 0 ||
                 strcmp(*ret_format, "json") == 0;
    if (!known) {
        scb_error_set(error, SCB_ERROR_USAGE, "--format: '%.32s' is no format", format);
        return scb_error_hint(error, "use table, prometheus or json");
    }
    if (context->json && strcmp(*ret_format, "json") != 0)
        return scb_error_set(error, SCB_ERROR_USAGE, "--json and --format %s exclude each other",
                             format);
    return SCB_OK;
}

enum scb_status scb_command_backup_metrics(const struct scb_command_context *context,
                                           struct scb_error *error)
{
    const char *format = NULL, *source = NULL;
    struct scb_backend *backend = NULL;
    struct scb_metrics_snapshot snapshot;
    bool resources = scb_command_option(context, "--resource-usage") != NULL;
    enum scb_status status = read_format(context, &format, error);
    if (status == SCB_OK)
        status = scb_backend_open(context, &backend, error);
    if (status == SCB_OK)
        status = backend->ops->metrics(backend, &snapshot, &source, error);
    scb_backend_close(backend);
    if (status != SCB_OK)
        return status;
    struct view view = {.snapshot = &snapshot,
                        .source = source,
                        .range = resources ? scb_metrics_of_resources : scb_metrics_all};
    if (strcmp(format, "json") == 0)
        return print_json(&view, error);
    return strcmp(format, "table") == 0 ? print_table(&view, error)
                                        : print_prometheus(&view, error);
}
