/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the file holds every kept series by its name, as it would stand before its value in
 * Prometheus's text, with whole numbers (durations in ms); what it does not have is 0, and what
 * nobody knows is left out when it is written again. So versions that know other metrics get along.
 */
#include "observe/totals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/thread.h"
#include "observe/metrics_text.h"

enum {
    MAX_SIZE = 256 * 1024, /* of the file */
    MAX_NAME = 256,
    VERSION = 1,
    LOCK_TRIES = 40,
    LOCK_PAUSE_MS = 25,
};
static const uint64_t max_value = INT64_MAX / 4; /* a sum of two is no overflow */

enum scb_status scb_totals_init(struct scb_totals *totals, const char *dir,
                                struct scb_metrics *metrics, struct scb_error *error)
{
    *totals = (struct scb_totals){.metrics = metrics, .dir = scb_strdup(dir, error)};
    pthread_mutex_init(&totals->lock, NULL);
    return totals->dir == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

void scb_totals_free(struct scb_totals *totals)
{
    free(totals->dir);
    pthread_mutex_destroy(&totals->lock);
    *totals = (struct scb_totals){0};
}

static bool is_kept(const struct scb_metric_entry *entry)
{
    return entry->life == SCB_LIFE_KEPT && entry->labels != SCB_LABELS_ENDPOINT;
}

bool scb_totals_changed(struct scb_totals *totals)
{
    struct scb_metrics_snapshot now;
    bool changed = false;
    scb_metrics_read(totals->metrics, &now);
    pthread_mutex_lock(&totals->lock);
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        changed |= is_kept(entry) &&
                   (now.set[i] || memcmp(now.cells + entry->cell, totals->kept.cells + entry->cell,
                                         entry->series * sizeof(*now.cells)) != 0);
    }
    pthread_mutex_unlock(&totals->lock);
    return changed;
}

/* --- the document --- */

/* `pages_total{result="failed"}`, `page_duration_seconds{le="0.005"}`, and `…{sum}`. */
static enum scb_status name_series(enum scb_metric metric, size_t series, struct scb_buffer *name,
                                   struct scb_error *error)
{
    static const struct scb_metrics_snapshot none;
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    char bound[SCB_METRIC_VALUE_SIZE];
    scb_buffer_clear(name);
    enum scb_status status = scb_buffer_append_text(name, entry->name, error);
    if (status == SCB_OK && entry->kind != SCB_KIND_HISTOGRAM) {
        status = scb_metric_append_labels(name, &none, metric, series, error);
    } else if (status == SCB_OK && series == SCB_DURATION_BUCKETS) {
        status = scb_buffer_append_text(name, "{sum}", error);
    } else if (status == SCB_OK) {
        scb_metric_format_bucket(series, bound);
        status = scb_buffer_printf(name, error, "{le=\"%s\"}", bound);
    }
    return status == SCB_OK ? scb_buffer_append(name, "", 1, error) : status;
}

/* Calls visit for every series that is kept, with its name. */
static enum scb_status walk(enum scb_status (*visit)(void *state, const char *name, size_t cell,
                                                     struct scb_error *error),
                            void *state, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer name = {.max = MAX_NAME};
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        for (size_t series = 0; is_kept(entry) && series < entry->series; series++) {
            status = name_series((enum scb_metric)i, series, &name, error);
            if (status == SCB_OK)
                status = visit(state, (const char *)name.data, entry->cell + series, error);
            if (status != SCB_OK)
                return status;
        }
    }
    return SCB_OK;
}

static enum scb_status damaged(struct scb_error *error, const char *what)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY, SCB_TOTALS_NAME ": %s", what);
}

static bool number_of(const json_t *value, uint64_t *ret_number)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max_value)
        return false;
    *ret_number = (uint64_t)number;
    return true;
}

struct reading {
    const json_t *values;
    struct scb_metrics_snapshot *snapshot;
};

static enum scb_status read_series(void *state, const char *name, size_t cell,
                                   struct scb_error *error)
{
    const struct reading *reading = state;
    const json_t *value = json_object_get(reading->values, name);
    if (value != NULL && !number_of(value, &reading->snapshot->cells[cell]))
        return damaged(error, "a value is no number");
    return SCB_OK;
}

static enum scb_status read_endpoints(json_t *endpoints, struct scb_metrics_snapshot *snapshot,
                                      struct scb_error *error)
{
    const char *origin = NULL;
    json_t *state = NULL;
    if (!json_is_object(endpoints) || json_object_size(endpoints) > SCB_METRIC_ENDPOINTS)
        return damaged(error, "no list of endpoints");
    json_object_foreach(endpoints, origin, state)
    {
        size_t i = snapshot->endpoint_count++;
        if (!number_of(state, &snapshot->cells[SCB_CELL_BREAKER + i]))
            return damaged(error, "a value is no number");
        (void)snprintf(snapshot->endpoints[i], SCB_METRIC_ENDPOINT_SIZE, "%s", origin);
    }
    return SCB_OK;
}

static enum scb_status parse(struct scb_bytes text, struct scb_metrics_snapshot *ret_snapshot,
                             struct scb_error *error)
{
    json_t *document = NULL;
    enum scb_status status = scb_json_load(text, &document, error);
    if (status != SCB_OK)
        return status;
    struct reading reading = {json_object_get(document, "values"), ret_snapshot};
    json_t *version = json_object_get(document, "version");
    if (!json_is_object(reading.values) || json_integer_value(version) != VERSION)
        status = damaged(error, "not what satellite writes");
    if (status == SCB_OK)
        status = walk(read_series, &reading, error);
    if (status == SCB_OK)
        status = read_endpoints(json_object_get(document, "endpoints"), ret_snapshot, error);
    json_decref(document);
    return status;
}

struct writing {
    struct scb_json *json;
    const struct scb_metrics_snapshot *snapshot;
};

static enum scb_status write_series(void *state, const char *name, size_t cell,
                                    struct scb_error *error)
{
    (void)error; /* the writer keeps it */
    const struct writing *writing = state;
    uint64_t value = writing->snapshot->cells[cell];
    if (value > 0)
        scb_json_unsigned(writing->json, name, value < max_value ? value : max_value);
    return SCB_OK;
}

static enum scb_status print(const struct scb_metrics_snapshot *snapshot, struct scb_buffer *out,
                             struct scb_error *error)
{
    struct scb_json json;
    struct writing writing = {&json, snapshot};
    scb_json_begin(&json, out);
    scb_json_open_object(&json, NULL);
    scb_json_integer(&json, "version", VERSION);
    scb_json_open_object(&json, "values");
    enum scb_status status = walk(write_series, &writing, error);
    scb_json_close_object(&json);
    scb_json_open_object(&json, "endpoints");
    for (size_t i = 0; i < snapshot->endpoint_count; i++)
        scb_json_unsigned(&json, snapshot->endpoints[i], snapshot->cells[SCB_CELL_BREAKER + i]);
    scb_json_close_object(&json);
    scb_json_close_object(&json);
    return status == SCB_OK ? scb_json_finish(&json, error) : status;
}

/* --- the file --- */

/* One that is not there yet is empty. */
static enum scb_status load(int dir_fd, struct scb_metrics_snapshot *ret_snapshot,
                            struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_SIZE};
    struct scb_error problem = {0};
    *ret_snapshot = (struct scb_metrics_snapshot){0};
    enum scb_status status = scb_file_read_all(dir_fd, SCB_TOTALS_NAME, &text, &problem);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK;
    if (status == SCB_ERROR_RESOURCE)
        status = damaged(&problem, "larger than satellite writes it");
    if (status == SCB_OK)
        status = parse(scb_buffer_bytes(&text), ret_snapshot, &problem);
    if (status != SCB_OK) {
        *ret_snapshot = (struct scb_metrics_snapshot){0};
        *error = problem;
    }
    return status;
}

static enum scb_status store(int dir_fd, const struct scb_metrics_snapshot *snapshot,
                             struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_SIZE};
    enum scb_status status = print(snapshot, &text, error);
    if (status == SCB_OK)
        status = scb_file_write_durably(dir_fd, SCB_TOTALS_NAME, text.data, text.size, 0600, error);
    return status;
}

/* The directory's own lock, gone with the descriptor: no file of its own is needed for it. */
static enum scb_status open_locked(const char *dir, int *ret_fd, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_dir_open(dir, false, 0700, &fd, error);
    if (status != SCB_OK)
        return status;
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not locked", dir);
        if (i == LOCK_TRIES)
            return scb_error_set(error, SCB_ERROR_BUSY, "'%s' is locked by another process", dir);
        (void)scb_cancel_sleep(NULL, LOCK_PAUSE_MS);
    }
    *ret_fd = fd;
    fd = -1;
    return SCB_OK;
}

static enum scb_status add_to_file(struct scb_totals *totals,
                                   const struct scb_metrics_snapshot *now,
                                   struct scb_error *ret_damaged, struct scb_error *error)
{
    SCB_AUTO(fd) int dir_fd = -1;
    struct scb_metrics_snapshot whole;
    struct scb_error problem = {0};
    enum scb_status status = open_locked(totals->dir, &dir_fd, error);
    if (status != SCB_OK)
        return status;
    status = load(dir_fd, &whole, &problem);
    if (status == SCB_ERROR_INTEGRITY) {
        *ret_damaged = problem;
    } else if (status != SCB_OK) { /* it may be whole: it is not written over */
        *error = problem;
        return status;
    }
    scb_metrics_merge(&whole, &totals->kept, now);
    return store(dir_fd, &whole, error);
}

enum scb_status scb_totals_keep(struct scb_totals *totals, struct scb_error *ret_damaged,
                                struct scb_error *error)
{
    struct scb_metrics_snapshot now;
    pthread_mutex_lock(&totals->lock);
    scb_metrics_take(totals->metrics, &now);
    enum scb_status status = add_to_file(totals, &now, ret_damaged, error);
    if (status == SCB_OK)
        totals->kept = now;
    else
        scb_metrics_give_back(totals->metrics, &now);
    totals->keeps++;
    pthread_mutex_unlock(&totals->lock);
    return status;
}

/* Without the lock: a slow disk holds up nobody who keeps, nor the run that waits for that. */
static void load_whole(const char *dir, struct scb_metrics_snapshot *ret_snapshot,
                       struct scb_error *ret_damaged)
{
    SCB_AUTO(fd) int dir_fd = -1;
    struct scb_error problem = {0};
    *ret_snapshot = (struct scb_metrics_snapshot){0};
    enum scb_status status = scb_dir_open(dir, false, 0700, &dir_fd, &problem);
    if (status == SCB_OK)
        status = load(dir_fd, ret_snapshot, &problem);
    *ret_damaged = (struct scb_error){0};
    if (status != SCB_OK && status != SCB_ERROR_NOT_FOUND)
        *ret_damaged = problem;
}

static uint64_t count_keeps(struct scb_totals *totals)
{
    pthread_mutex_lock(&totals->lock);
    uint64_t keeps = totals->keeps;
    pthread_mutex_unlock(&totals->lock);
    return keeps;
}

void scb_totals_read(struct scb_totals *totals, struct scb_metrics_snapshot *ret_snapshot,
                     struct scb_error *ret_damaged)
{
    struct scb_metrics_snapshot now;
    uint64_t keeps = count_keeps(totals);
    load_whole(totals->dir, ret_snapshot, ret_damaged);
    pthread_mutex_lock(&totals->lock);
    while (keeps != totals->keeps) { /* what was kept meanwhile would be missing, or there twice */
        keeps = totals->keeps;
        pthread_mutex_unlock(&totals->lock);
        load_whole(totals->dir, ret_snapshot, ret_damaged);
        pthread_mutex_lock(&totals->lock);
    }
    scb_metrics_read(totals->metrics, &now);
    scb_metrics_merge(ret_snapshot, &totals->kept, &now);
    pthread_mutex_unlock(&totals->lock);
}
