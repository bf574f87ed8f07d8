/* SPDX-License-Identifier: Apache-2.0 */
#include "job/pipeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "job/page_rows.h"
#include "job/window.h"
#include "job/workers.h"

enum {
    SPAN = 2048,         /* pages that may be ahead of one that is late */
    SMALLEST_ASKED = 64, /* pages with the source, so that it always has one to send */
    OBSERVE_MS = 100,
    CHECK_SPACE_MS = 1000,
};

struct pipeline {
    const struct scb_pipeline_settings *settings;
    struct scb_page_settings page_settings;
    struct scb_page_entry *pages;
    struct scb_window window;
    struct scb_workers *workers;
    uint64_t most_asked; /* pages with the source that are not delayed by a failure */
    uint64_t next_submit, next_commit;
    uint64_t under_way;
    size_t held; /* bytes of finished pages that wait for their turn */
    struct scb_page_rows rows;
    struct scb_page_tools tools; /* for pages whose packed form was dropped */
    int64_t observed_ms, checked_space_ms, started_ms;
    uint64_t keys_done, pages_done, pages_reused;
    bool synced_ahead;
    struct scb_error failure; /* the first one; SCB_OK: none */
    bool pin_lost;
};

static int64_t now_ms(const struct pipeline *pipeline)
{
    return scb_clock_monotonic_ms(pipeline->settings->clock);
}

static uint64_t keys_of_page(const struct scb_pipeline_settings *settings, uint64_t number)
{
    uint64_t first = number * settings->page_size;
    uint64_t left = settings->total_keys - first;
    return left < settings->page_size ? left : settings->page_size;
}

static enum scb_status begin_page(struct pipeline *pipeline, uint64_t number,
                                  struct scb_error *error)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    const struct scb_page_entry *entry = &pipeline->pages[number];
    struct scb_page_slot *slot = NULL;
    enum scb_status status = scb_window_take(&pipeline->window, number, &slot, error);
    if (status != SCB_OK)
        return status;
    status =
        scb_page_work_begin(&slot->work, &pipeline->page_settings, number,
                            number * settings->page_size, keys_of_page(settings, number), error);
    if (status != SCB_OK) {
        scb_window_give(&pipeline->window, number);
        return status;
    }
    slot->recorded = entry->size > 0 ? entry->sha256 : NULL;
    slot->range.limit_ms = settings->page_deadline_ms;
    slot->range.deadline_ms = 0;
    atomic_store(&slot->range.urgent, number == pipeline->next_commit);
    pipeline->next_submit++;
    pipeline->under_way++;
    scb_workers_give(pipeline->workers, slot);
    return SCB_OK;
}

/* Pages that the source could be busy with: not those that wait for their next attempt. */
static uint64_t asked(const struct pipeline *pipeline)
{
    struct scb_source_counters counters = {0};
    pipeline->settings->source->ops->counters(pipeline->settings->source, &counters);
    scb_metrics_set(pipeline->settings->metrics, SCB_METRIC_PAGES_IN_FLIGHT, 0, counters.in_flight);
    return pipeline->under_way > counters.delayed ? pipeline->under_way - counters.delayed : 0;
}

static bool may_submit(const struct pipeline *pipeline)
{
    return pipeline->failure.status == SCB_OK &&
           pipeline->next_submit < pipeline->settings->total_pages &&
           pipeline->next_submit - pipeline->next_commit < SPAN &&
           (pipeline->held < pipeline->settings->memory_limit ||
            pipeline->next_submit == pipeline->next_commit);
}

/* Keeps the source busy; by quarters, so that it is not woken for every page. */
static enum scb_status ask_for_pages(struct pipeline *pipeline, struct scb_error *error)
{
    uint64_t now_asked = asked(pipeline);
    if (now_asked > pipeline->most_asked / 4 * 3)
        return SCB_OK;
    enum scb_status status = SCB_OK;
    for (; status == SCB_OK && now_asked < pipeline->most_asked && may_submit(pipeline);
         now_asked++)
        status = begin_page(pipeline, pipeline->next_submit, error);
    return status;
}

/* With the last page asked for, the disk has time for what was written so far. */
static enum scb_status sync_ahead(struct pipeline *pipeline, struct scb_error *error)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    bool begun = pipeline->next_commit > 0 && pipeline->failure.status == SCB_OK;
    if (pipeline->synced_ahead || !begun || pipeline->next_submit < settings->total_pages)
        return SCB_OK;
    pipeline->synced_ahead = true;
    return scb_archive_sync(settings->archive, error);
}

static void log_warnings(const struct pipeline *pipeline, const struct scb_page_slot *slot)
{
    const struct scb_warnings *warnings = &slot->work.check.warnings;
    if (warnings->empty_keys + warnings->empty_versions + warnings->duplicate_keys == 0)
        return;
    scb_log_warn(pipeline->settings->log, "Odd entries",
                 SCB_TEXT("backup_date", pipeline->settings->backup_date),
                 SCB_NUMBER("page", slot->work.number),
                 SCB_NUMBER("first_entry", slot->work.first_entry),
                 SCB_NUMBER("empty_keys", warnings->empty_keys),
                 SCB_NUMBER("empty_versions", warnings->empty_versions),
                 SCB_NUMBER("duplicate_keys", warnings->duplicate_keys));
}

/* A page that this run has made; its time counts from the first attempt, where there was any. */
static void count_page(const struct pipeline *pipeline, const struct scb_page_slot *slot)
{
    struct scb_metrics *metrics = pipeline->settings->metrics;
    const struct scb_warnings *warnings = &slot->work.check.warnings;
    int64_t begun_ms = slot->range.deadline_ms - slot->range.limit_ms;
    scb_metrics_add(metrics, SCB_METRIC_PAGES, SCB_PAGE_COMPLETED, 1);
    scb_metrics_add(metrics, SCB_METRIC_KEYS, 0, slot->work.keys);
    scb_metrics_add(metrics, SCB_METRIC_FILES_CREATED, 0, 1);
    scb_metrics_add(metrics, SCB_METRIC_FILE_BYTES, 0, slot->work.size);
    scb_metrics_add(metrics, SCB_METRIC_WARNINGS, 0,
                    warnings->empty_keys + warnings->empty_versions + warnings->duplicate_keys);
    if (slot->range.deadline_ms != 0)
        scb_metrics_observe(metrics, SCB_METRIC_PAGE_DURATION, now_ms(pipeline) - begun_ms);
}

/* Whether a page is late: more wait for their turn behind it than the usual disorder makes. */
static bool is_wide(const struct pipeline *pipeline)
{
    return pipeline->next_submit - pipeline->next_commit > 2 * pipeline->most_asked;
}

/* A finished page: its row, and its place in the manifest. */
static void take_page(struct pipeline *pipeline, struct scb_page_slot *slot)
{
    struct scb_page_work *page = &slot->work;
    struct scb_page_entry *entry = &pipeline->pages[page->number];
    slot->ready = true;
    memcpy(entry->sha256, page->sha256, SCB_SHA256_SIZE);
    entry->size = page->size;
    entry->crc32 = page->crc32;
    entry->keys = (uint32_t)page->keys;
    slot->dropped = page->whole && page->number != pipeline->next_commit &&
                    pipeline->held + page->packed.capacity > pipeline->settings->memory_limit;
    if (slot->dropped)
        scb_buffer_free(&page->packed);
    pipeline->held += page->packed.capacity;
    pipeline->pages_done++;
    pipeline->pages_reused += slot->reused;
    pipeline->keys_done += page->keys;
    scb_log_debug(pipeline->settings->log, "Page completed",
                  SCB_TEXT("backup_date", pipeline->settings->backup_date),
                  SCB_NUMBER("page", page->number), SCB_NUMBER("keys", page->keys),
                  SCB_NUMBER("size", page->size), SCB_FLAG("reused", slot->reused));
    if (slot->reused) { /* its row is there */
        scb_metrics_add(pipeline->settings->metrics, SCB_METRIC_PAGES, SCB_PAGE_REUSED, 1);
    } else {
        count_page(pipeline, slot);
        log_warnings(pipeline, slot);
        scb_page_rows_completed(&pipeline->rows, &slot->work);
    }
    if (is_wide(pipeline)) /* of so many only the packed form is kept, and counted */
        scb_page_work_slim(page);
}

/* Every page whose turn has come goes into the archive. */
static enum scb_status archive_ready(struct pipeline *pipeline, struct scb_error *error)
{
    struct scb_page_slot *slot = scb_window_at(&pipeline->window, pipeline->next_commit);
    while (slot != NULL && slot->ready) {
        enum scb_status status =
            slot->dropped ? scb_page_work_repack(&slot->work, &pipeline->tools, error) : SCB_OK;
        if (status != SCB_OK)
            return status;
        status = scb_archive_add_page(pipeline->settings->archive, slot->work.number,
                                      &pipeline->pages[slot->work.number],
                                      scb_buffer_bytes(&slot->work.packed), error);
        if (status != SCB_OK)
            return status;
        if (!slot->dropped)
            pipeline->held -= slot->work.packed.capacity;
        if (slot->work.packed.capacity > SCB_KEPT_PACKED_SIZE || is_wide(pipeline))
            scb_buffer_free(&slot->work.packed);
        scb_window_give(&pipeline->window, pipeline->next_commit++);
        slot = scb_window_at(&pipeline->window, pipeline->next_commit);
    }
    if (slot != NULL)
        pipeline->settings->source->ops->hurry(pipeline->settings->source, &slot->range);
    return SCB_OK;
}

static void describe_page(const struct scb_page_slot *slot, struct scb_error *error)
{
    if (error->status == SCB_ERROR_CANCELED)
        return;
    uint64_t first = slot->work.first_entry, keys = slot->work.keys;
    (void)scb_error_wrap(error, "page %" PRIu64 " (keys %" PRIu64 "-%" PRIu64 ")",
                         slot->work.number, first, first + (keys > 0 ? keys - 1 : 0));
}

/*
 * A page that failed: of the first, which ends the run, the row says so until a later run replaces
 * it.
 */
static enum scb_status take_failure(struct pipeline *pipeline, const struct scb_page_slot *slot,
                                    struct scb_error *error)
{
    *error = slot->error;
    describe_page(slot, error);
    if (pipeline->failure.status != SCB_OK)
        return slot->status;
    pipeline->pin_lost = slot->range.pin_lost;
    if (slot->status == SCB_ERROR_CANCELED)
        return slot->status;
    scb_metrics_add(pipeline->settings->metrics, SCB_METRIC_PAGES, SCB_PAGE_FAILED, 1);
    scb_page_rows_failed(&pipeline->rows, slot->work.number, &slot->error);
    return slot->status;
}

static enum scb_status take_slot(struct pipeline *pipeline, struct scb_page_slot *slot,
                                 struct scb_error *error)
{
    pipeline->under_way--;
    if (slot->status != SCB_OK) {
        enum scb_status failed = take_failure(pipeline, slot, error);
        scb_window_give(&pipeline->window, slot->work.number);
        return failed;
    }
    take_page(pipeline, slot);
    /* After a failure the archive is given up; what still finishes is only recorded. */
    return pipeline->failure.status != SCB_OK ? SCB_OK : archive_ready(pipeline, error);
}

static void fail(struct pipeline *pipeline, const struct scb_error *error)
{
    if (pipeline->failure.status != SCB_OK)
        return;
    pipeline->failure = *error;
    scb_workers_stop(pipeline->workers);
    pipeline->settings->source->ops->cancel(pipeline->settings->source);
}

static void observe(struct pipeline *pipeline, bool last)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    int64_t now = now_ms(pipeline);
    if (settings->observe == NULL || (!last && now - pipeline->observed_ms < OBSERVE_MS))
        return;
    pipeline->observed_ms = now;
    struct scb_run_progress progress = {.backup_date = settings->backup_date,
                                        .pages = pipeline->pages_done,
                                        .total_pages = settings->total_pages,
                                        .keys = pipeline->keys_done,
                                        .total_keys = settings->total_keys,
                                        .reused_pages = pipeline->pages_reused,
                                        .elapsed_ms = now - pipeline->started_ms};
    settings->observe(settings->observe_state, &progress);
}

/* What is done now and then rather than for every page. */
static enum scb_status housekeeping(struct pipeline *pipeline, struct scb_error *error)
{
    observe(pipeline, false);
    /* Not after a failure, which may be the database's: then all rows are recorded at the end. */
    bool due = pipeline->failure.status == SCB_OK && scb_page_rows_are_due(&pipeline->rows);
    enum scb_status status = due ? scb_page_rows_record(&pipeline->rows, error) : SCB_OK;
    if (status != SCB_OK)
        return status;
    if (scb_cancel_requested(pipeline->settings->cancel))
        return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    int64_t now = now_ms(pipeline);
    if (now - pipeline->checked_space_ms < CHECK_SPACE_MS)
        return SCB_OK;
    pipeline->checked_space_ms = now;
    return scb_store_check_space(pipeline->settings->store, error);
}

/* Of a run that has failed already, that failure is what counts. */
static void record_rest(struct pipeline *pipeline)
{
    struct scb_error error = {0};
    if (scb_page_rows_record(&pipeline->rows, &error) == SCB_OK)
        return;
    if (pipeline->failure.status != SCB_OK)
        scb_log_failure(pipeline->settings->log, "Pages not recorded",
                        pipeline->settings->backup_date, &error);
    fail(pipeline, &error);
}

static void commit_all(struct pipeline *pipeline)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    while (pipeline->under_way > 0 ||
           (pipeline->failure.status == SCB_OK && pipeline->next_commit < settings->total_pages)) {
        struct scb_error error = {0};
        if (ask_for_pages(pipeline, &error) != SCB_OK || sync_ahead(pipeline, &error) != SCB_OK)
            fail(pipeline, &error);
        struct scb_page_slot *slot = scb_workers_take(pipeline->workers, OBSERVE_MS);
        if (slot != NULL && take_slot(pipeline, slot, &error) != SCB_OK)
            fail(pipeline, &error);
        if (housekeeping(pipeline, &error) != SCB_OK)
            fail(pipeline, &error);
    }
    scb_metrics_set(settings->metrics, SCB_METRIC_PAGES_IN_FLIGHT, 0, 0);
    record_rest(pipeline);
    observe(pipeline, true);
}

static enum scb_status prepare(struct pipeline *pipeline, struct scb_error *error)
{
    static const struct scb_age_recipients nobody; /* here nothing is encrypted */
    const struct scb_pipeline_settings *settings = pipeline->settings;
    pipeline->page_settings = (struct scb_page_settings){.dir = settings->dir,
                                                         .rules = settings->rules,
                                                         .recipients = settings->recipients,
                                                         .compared = settings->quorum > 1};
    pipeline->most_asked = 4 * settings->max_concurrent_pages;
    if (pipeline->most_asked < SMALLEST_ASKED)
        pipeline->most_asked = SMALLEST_ASKED;
    pipeline->started_ms = pipeline->checked_space_ms = now_ms(pipeline);
    const struct scb_page_rows_settings rows = {.catalog = settings->catalog,
                                                .patience = settings->patience,
                                                .clock = settings->clock,
                                                .backup_date = settings->backup_date,
                                                .most_under_way = SPAN};
    enum scb_status status = scb_page_rows_init(&pipeline->rows, &rows, error);
    if (status == SCB_OK)
        status = scb_page_tools_init(&pipeline->tools, &nobody, error);
    if (status == SCB_OK)
        status = scb_window_init(&pipeline->window, SPAN, error);
    const struct scb_workers_settings workers = {.source = settings->source,
                                                 .log = settings->log,
                                                 .backup_date = settings->backup_date,
                                                 .most_slots = SPAN,
                                                 .most_threads = settings->worker_concurrency,
                                                 .quorum = settings->quorum,
                                                 .recipients = settings->recipients};
    if (status == SCB_OK)
        status = scb_workers_new(&workers, &pipeline->workers, error);
    return status != SCB_OK ? status : scb_workers_add(pipeline->workers, error);
}

/* The first requests leave before the rest of the workers is made: the node need not wait. */
static void start(struct pipeline *pipeline)
{
    struct scb_error error = {0};
    enum scb_status status = ask_for_pages(pipeline, &error);
    for (size_t i = 1; status == SCB_OK && i < pipeline->settings->worker_concurrency; i++)
        status = scb_workers_add(pipeline->workers, &error);
    if (status != SCB_OK) /* what is under way still comes back, by the first worker */
        fail(pipeline, &error);
}

static void end(struct pipeline *pipeline)
{
    scb_workers_free(pipeline->workers);
    scb_window_free(&pipeline->window);
    scb_page_tools_free(&pipeline->tools);
    scb_page_rows_free(&pipeline->rows);
}

enum scb_status scb_pipeline_run(const struct scb_pipeline_settings *settings,
                                 struct scb_page_entry *pages, bool *ret_pin_lost,
                                 struct scb_error *error)
{
    struct pipeline pipeline = {.settings = settings, .pages = pages};
    struct scb_error failure = {0};
    if (prepare(&pipeline, &failure) == SCB_OK) {
        start(&pipeline);
        commit_all(&pipeline);
    } else {
        pipeline.failure = failure;
    }
    end(&pipeline);
    *ret_pin_lost = pipeline.pin_lost;
    if (pipeline.failure.status != SCB_OK)
        *error = pipeline.failure;
    return pipeline.failure.status;
}
