/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/metrics_json.h"

#include <stdio.h>

#include "observe/metrics_text.h"

static uint64_t observed(const uint64_t *cells)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SCB_DURATION_BUCKETS; i++)
        count += cells[i];
    return count;
}

static void histogram_json(struct scb_json *json, const uint64_t *cells)
{
    char text[SCB_METRIC_VALUE_SIZE];
    scb_json_unsigned(json, "count", observed(cells));
    scb_metric_format(SCB_UNIT_SECONDS, cells[SCB_DURATION_BUCKETS], text);
    scb_json_number(json, "sum", text);
    scb_json_open_array(json, "buckets");
    uint64_t count = 0;
    for (size_t i = 0; i < SCB_DURATION_BUCKETS; i++) {
        count += cells[i];
        scb_metric_format_bucket(i, text);
        scb_json_open_object(json, NULL);
        scb_json_text(json, "le", text);
        scb_json_unsigned(json, "count", count);
        scb_json_close_object(json);
    }
    scb_json_close_array(json);
}

static void series_json(struct scb_json *json, const struct scb_metrics_snapshot *snapshot,
                        enum scb_metric metric, size_t series)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    const uint64_t *cells = &snapshot->cells[entry->cell];
    struct scb_metric_label labels[SCB_METRIC_MOST_LABELS];
    char text[SCB_METRIC_VALUE_SIZE];
    char name[128];
    scb_json_open_object(json, NULL);
    (void)snprintf(name, sizeof(name), SCB_METRIC_PREFIX "%s", entry->name);
    scb_json_text(json, "name", name);
    scb_json_text(json, "type", scb_metric_kind_name(entry->kind));
    scb_json_open_object(json, "labels");
    size_t count = scb_metric_series_labels(snapshot, metric, series, labels);
    for (size_t i = 0; i < count; i++)
        scb_json_text(json, labels[i].name, labels[i].value);
    scb_json_close_object(json);
    if (entry->kind == SCB_KIND_HISTOGRAM) {
        histogram_json(json, cells);
    } else {
        scb_metric_format(entry->unit, cells[series], text);
        scb_json_number(json, "value", text);
    }
    scb_json_close_object(json);
}

void scb_metrics_json(struct scb_json *json, const struct scb_metrics_snapshot *snapshot,
                      struct scb_metric_range range)
{
    scb_json_open_object(json, NULL);
    scb_json_open_array(json, "metrics");
    for (size_t i = range.first; i <= range.last; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        size_t count = entry->kind == SCB_KIND_HISTOGRAM ? 1 : entry->series;
        for (size_t series = 0; series < count; series++)
            if (scb_metric_is_shown(snapshot, (enum scb_metric)i, series))
                series_json(json, snapshot, (enum scb_metric)i, series);
    }
    scb_json_close_array(json);
    scb_json_close_object(json);
}
