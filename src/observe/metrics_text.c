/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *scb_metric_kind_name(enum scb_metric_kind kind)
{
    static const char *const names[] = {[SCB_KIND_COUNTER] = "counter",
                                        [SCB_KIND_GAUGE] = "gauge",
                                        [SCB_KIND_HISTOGRAM] = "histogram"};
    return names[kind];
}

void scb_metric_format(enum scb_metric_unit unit, uint64_t value,
                       char ret_text[SCB_METRIC_VALUE_SIZE])
{
    bool ms = unit == SCB_UNIT_SECONDS || unit == SCB_UNIT_TIMESTAMP;
    if (!ms || value % 1000 == 0) {
        (void)snprintf(ret_text, SCB_METRIC_VALUE_SIZE, "%" PRIu64, ms ? value / 1000 : value);
        return;
    }
    int size = snprintf(ret_text, SCB_METRIC_VALUE_SIZE, "%" PRIu64 ".%03" PRIu64, value / 1000,
                        value % 1000);
    while (ret_text[size - 1] == '0') /* there is another digit before the point */
        ret_text[--size] = '\0';
}

void scb_metric_format_bucket(size_t bucket, char ret_text[SCB_METRIC_VALUE_SIZE])
{
    int64_t bound_ms = scb_metric_bucket_ms(bucket);
    if (bound_ms == INT64_MAX)
        (void)snprintf(ret_text, SCB_METRIC_VALUE_SIZE, "+Inf");
    else
        scb_metric_format(SCB_UNIT_SECONDS, (uint64_t)bound_ms, ret_text);
}

/* With the escapes of label values: \\ \" \n. */
static enum scb_status append_value(struct scb_buffer *out, const char *value,
                                    struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (; *value != '\0' && status == SCB_OK; value++) {
        if (*value == '\n')
            status = scb_buffer_append_text(out, "\\n", error);
        else if (*value == '\\' || *value == '"')
            status = scb_buffer_printf(out, error, "\\%c", *value);
        else
            status = scb_buffer_append(out, value, 1, error);
    }
    return status;
}

enum scb_status scb_metric_append_labels(struct scb_buffer *out,
                                         const struct scb_metrics_snapshot *snapshot,
                                         enum scb_metric metric, size_t series,
                                         struct scb_error *error)
{
    struct scb_metric_label labels[SCB_METRIC_MOST_LABELS];
    size_t count = scb_metric_series_labels(snapshot, metric, series, labels);
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < count && status == SCB_OK; i++) {
        status = scb_buffer_printf(out, error, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        if (status == SCB_OK)
            status = append_value(out, labels[i].value, error);
        if (status == SCB_OK)
            status = scb_buffer_append_text(out, "\"", error);
    }
    return status == SCB_OK && count > 0 ? scb_buffer_append_text(out, "}", error) : status;
}

static enum scb_status append_histogram(struct scb_buffer *out, const char *name,
                                        const uint64_t *cells, struct scb_error *error)
{
    char text[SCB_METRIC_VALUE_SIZE];
    uint64_t count = 0;
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < SCB_DURATION_BUCKETS && status == SCB_OK; i++) {
        count += cells[i];
        scb_metric_format_bucket(i, text);
        status = scb_buffer_printf(
            out, error, SCB_METRIC_PREFIX "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, text, count);
    }
    scb_metric_format(SCB_UNIT_SECONDS, cells[SCB_DURATION_BUCKETS], text);
    if (status == SCB_OK)
        status = scb_buffer_printf(
            out, error, SCB_METRIC_PREFIX "%s_sum %s\n" SCB_METRIC_PREFIX "%s_count %" PRIu64 "\n",
            name, text, name, count);
    return status;
}

static enum scb_status append_series(struct scb_buffer *out,
                                     const struct scb_metrics_snapshot *snapshot,
                                     enum scb_metric metric, size_t series, struct scb_error *error)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    char text[SCB_METRIC_VALUE_SIZE];
    scb_metric_format(entry->unit, snapshot->cells[entry->cell + series], text);
    enum scb_status status = scb_buffer_printf(out, error, SCB_METRIC_PREFIX "%s", entry->name);
    if (status == SCB_OK)
        status = scb_metric_append_labels(out, snapshot, metric, series, error);
    return status == SCB_OK ? scb_buffer_printf(out, error, " %s\n", text) : status;
}

static enum scb_status append_metric(struct scb_buffer *out,
                                     const struct scb_metrics_snapshot *snapshot,
                                     enum scb_metric metric, struct scb_error *error)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    bool begun = false;
    enum scb_status status = SCB_OK;
    for (size_t series = 0; series < entry->series && status == SCB_OK; series++) {
        if (!scb_metric_is_shown(snapshot, metric, series))
            continue;
        if (!begun)
            status = scb_buffer_printf(
                out, error,
                "# HELP " SCB_METRIC_PREFIX "%s %s\n# TYPE " SCB_METRIC_PREFIX "%s %s\n",
                entry->name, entry->help, entry->name, scb_metric_kind_name(entry->kind));
        begun = true;
        if (status == SCB_OK && entry->kind == SCB_KIND_HISTOGRAM)
            return append_histogram(out, entry->name, &snapshot->cells[entry->cell], error);
        if (status == SCB_OK)
            status = append_series(out, snapshot, metric, series, error);
    }
    return status;
}

enum scb_status scb_metrics_prometheus(const struct scb_metrics_snapshot *snapshot,
                                       struct scb_metric_range range, struct scb_buffer *out,
                                       struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = range.first; i <= range.last && status == SCB_OK; i++)
        status = append_metric(out, snapshot, (enum scb_metric)i, error);
    return status;
}

/* --- the documentation --- */

/* Whether no earlier series of the metric has the same value of its label i. */
static bool is_new_value(enum scb_metric metric, size_t series, size_t i)
{
    static const struct scb_metrics_snapshot none;
    struct scb_metric_label label[SCB_METRIC_MOST_LABELS], earlier[SCB_METRIC_MOST_LABELS];
    (void)scb_metric_series_labels(&none, metric, series, label);
    for (size_t at = 0; at < series; at++) {
        (void)scb_metric_series_labels(&none, metric, at, earlier);
        if (strcmp(earlier[i].value, label[i].value) == 0)
            return false;
    }
    return true;
}

/* `result`: started, completed, failed; without the values that a configuration makes. */
static enum scb_status append_label(struct scb_buffer *out, enum scb_metric metric, size_t i,
                                    struct scb_error *error)
{
    static const struct scb_metrics_snapshot none;
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    bool open = entry->labels == SCB_LABELS_ENDPOINT || entry->labels == SCB_LABELS_VERSION;
    struct scb_metric_label label[SCB_METRIC_MOST_LABELS];
    (void)scb_metric_series_labels(&none, metric, 0, label);
    enum scb_status status =
        scb_buffer_printf(out, error, "%s`%s`", i == 0 ? "" : "<br>", label[i].name);
    for (size_t series = 0; !open && series < entry->series && status == SCB_OK; series++) {
        (void)scb_metric_series_labels(&none, metric, series, label);
        if (is_new_value(metric, series, i))
            status =
                scb_buffer_printf(out, error, "%s %s", series == 0 ? ":" : ",", label[i].value);
    }
    return status;
}

enum scb_status scb_metrics_reference(struct scb_buffer *out, struct scb_error *error)
{
    static const struct scb_metrics_snapshot none;
    enum scb_status status = scb_buffer_append_text(
        out, "| `satellite_backup_` | kind | what | labels |\n| --- | --- | --- | --- |\n", error);
    for (size_t i = 0; i < SCB_METRIC_COUNT && status == SCB_OK; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        status = scb_buffer_printf(out, error, "| `%s` | %s%s | %s | ", entry->name,
                                   scb_metric_kind_name(entry->kind),
                                   entry->life == SCB_LIFE_LIVE ? ", live" : "", entry->help);
        struct scb_metric_label labels[SCB_METRIC_MOST_LABELS];
        size_t count = scb_metric_series_labels(&none, (enum scb_metric)i, 0, labels);
        for (size_t label = 0; label < count && status == SCB_OK; label++)
            status = append_label(out, (enum scb_metric)i, label, error);
        if (status == SCB_OK)
            status = scb_buffer_append_text(out, " |\n", error);
    }
    return status;
}
