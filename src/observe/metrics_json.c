/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/metrics_json.h"

#include <stdio.h>
#include <string.h>

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

/* --- the way back --- */

static const double largest = 9e15; /* exact in a double, in ms too */

static uint64_t value_of(const json_t *value, enum scb_metric_unit unit)
{
    bool ms = unit == SCB_UNIT_SECONDS || unit == SCB_UNIT_TIMESTAMP;
    if (json_is_integer(value) && !ms)
        return json_integer_value(value) < 0 ? 0 : (uint64_t)json_integer_value(value);
    double number = json_number_value(value) * (ms ? 1000 : 1);
    return number > 0 && number < largest ? (uint64_t)(number + 0.5) : 0;
}

static int find_metric(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    size_t prefix = strlen(SCB_METRIC_PREFIX);
    if (name == NULL || strncmp(name, SCB_METRIC_PREFIX, prefix) != 0)
        return -1;
    for (int i = 0; i < SCB_METRIC_COUNT; i++)
        if (strcmp(scb_metric_entries[i].name, name + prefix) == 0)
            return i;
    return -1;
}

/* An endpoint is known by being met. */
static void meet_endpoint(const json_t *labels, struct scb_metrics_snapshot *snapshot)
{
    const char *name = json_string_value(json_object_get(labels, "endpoint"));
    if (name != NULL && snapshot->endpoint_count < SCB_METRIC_ENDPOINTS)
        (void)snprintf(snapshot->endpoints[snapshot->endpoint_count++], SCB_METRIC_ENDPOINT_SIZE,
                       "%s", name);
}

/* The series that has these labels; the number of series where there is none. */
static size_t find_series(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                          const json_t *labels)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    size_t series = 0;
    if (entry->labels == SCB_LABELS_NONE || entry->labels == SCB_LABELS_VERSION)
        return 0;
    for (bool found = false; series < entry->series && !found; series += found ? 0 : 1) {
        struct scb_metric_label label[SCB_METRIC_MOST_LABELS];
        size_t count = scb_metric_series_labels(snapshot, metric, series, label);
        found = true;
        for (size_t i = 0; i < count; i++) {
            const char *value = json_string_value(json_object_get(labels, label[i].name));
            found = found && value != NULL && strcmp(value, label[i].value) == 0;
        }
    }
    return series;
}

static void read_histogram(const json_t *object, uint64_t *cells)
{
    const json_t *bucket;
    size_t i;
    uint64_t below = 0;
    json_array_foreach(json_object_get(object, "buckets"), i, bucket)
    {
        uint64_t count = value_of(json_object_get(bucket, "count"), SCB_UNIT_COUNT);
        if (i >= SCB_DURATION_BUCKETS)
            break;
        cells[i] = count > below ? count - below : 0;
        below = count;
    }
    cells[SCB_DURATION_BUCKETS] = value_of(json_object_get(object, "sum"), SCB_UNIT_SECONDS);
}

void scb_metrics_json_read(const json_t *document, struct scb_metrics_snapshot *ret_snapshot)
{
    const json_t *object;
    size_t at;
    *ret_snapshot = (struct scb_metrics_snapshot){0};
    json_array_foreach(json_object_get(document, "metrics"), at, object)
    {
        int metric = find_metric(object);
        const json_t *labels = json_object_get(object, "labels");
        if (metric < 0)
            continue;
        const struct scb_metric_entry *entry = &scb_metric_entries[metric];
        uint64_t *cells = &ret_snapshot->cells[entry->cell];
        ret_snapshot->set[metric] = true;
        if (entry->kind == SCB_KIND_HISTOGRAM) {
            read_histogram(object, cells);
            continue;
        }
        if (entry->labels == SCB_LABELS_ENDPOINT)
            meet_endpoint(labels, ret_snapshot);
        size_t series = find_series(ret_snapshot, (enum scb_metric)metric, labels);
        if (series < entry->series)
            cells[series] = value_of(json_object_get(object, "value"), entry->unit);
    }
}
