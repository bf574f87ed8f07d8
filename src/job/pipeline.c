/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a ring of slots, one a page, is the window over the pages; page n lives in slot
 * n % window. A slot is in one place at a time - at the source, in the queue to the workers, with
 * a worker, or in the queue back - so no slot needs a lock and no queue can overflow. The source
 * always has more ranges than it may send, so the node never waits for us.
 */
#include "job/pipeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "job/page_work.h"

enum {
    SMALLEST_WINDOW = 128,      /* so that one page that backs off does not stop the rest */
    KEEP_DEFLATED = 256 * 1024, /* larger buffers are given back after a page */
    BATCH = 256,                /* page rows in one transaction */
    BATCH_MS = 200,             /* a row waits no longer for its transaction */
    OBSERVE_MS = 100,
    CHECK_SPACE_MS = 1000,
};

struct pipeline;

struct slot {
    struct pipeline *pipeline;
    struct scb_range range;
    struct scb_page_work work;
    enum { FREE, UNDER_WAY, READY } state; /* the committer's view */
    bool reuse;                            /* look at the page file first */
    bool reused;
    bool dropped; /* its deflated form was given up for memory: made again from its file */
    enum scb_status status;
    struct scb_error error;
};

struct pipeline {
    const struct scb_pipeline_settings *settings;
    struct scb_page_entry *pages;
    struct slot *slots;
    size_t window;
    struct scb_queue *work_queue; /* answers, and pages to reuse: to the workers */
    struct scb_queue *done_queue; /* pages made or failed: to the committer */
    atomic_bool stopping;         /* workers ask the source for nothing more */
    pthread_t *workers;
    size_t worker_count;
    /* The committer's: */
    uint64_t next_submit, next_commit;
    size_t under_way;
    size_t held; /* bytes of finished pages that wait for their turn */
    struct scb_page_record *batch;
    size_t batch_count;
    struct scb_page_tools tools; /* for pages whose deflated form was dropped */
    int64_t batch_since_ms, observed_ms, checked_space_ms, started_ms;
    uint64_t keys_done, pages_done, pages_reused;
    struct scb_error failure; /* the first one; SCB_OK: none */
    bool pin_lost;
};

static int64_t now_ms(const struct pipeline *pipeline)
{
    return scb_clock_monotonic_ms(pipeline->settings->clock);
}

static void answered(struct scb_range *range)
{
    struct slot *slot = range->owner;
    bool pushed = scb_queue_push(slot->pipeline->work_queue, slot);
    assert(pushed);
}

static void fetch_rest(struct slot *slot)
{
    struct pipeline *pipeline = slot->pipeline;
    slot->range.start = slot->work.first_entry + slot->work.done;
    slot->range.count = slot->work.keys - slot->work.done;
    pipeline->settings->source->ops->submit(pipeline->settings->source, &slot->range);
}

/* A worker's: false when the run is stopping. */
static bool fetch_more(struct slot *slot)
{
    if (atomic_load(&slot->pipeline->stopping)) {
        slot->status = scb_error_set(&slot->error, SCB_ERROR_CANCELED, "interrupted");
        return false;
    }
    fetch_rest(slot);
    return true;
}

/* A worker's: the page from its first entry on. True when even that failed. */
static bool fetch_again(struct slot *slot)
{
    const struct scb_pipeline_settings *settings = slot->pipeline->settings;
    struct scb_page_work *page = &slot->work;
    slot->error = (struct scb_error){0};
    slot->status = scb_page_work_begin(page, settings->dir, &settings->rules, page->number,
                                       page->first_entry, page->keys, &slot->error);
    return slot->status != SCB_OK || !fetch_more(slot);
}

/*
 * A worker's: takes an answer into the page. True when the page is finished or has failed. What is
 * no page may be one from another endpoint: permanent means on every endpoint (SPEC 9).
 */
static bool take_answer(struct slot *slot, struct scb_page_tools *tools)
{
    const struct scb_source_ops *ops = slot->pipeline->settings->source->ops;
    struct scb_range *range = &slot->range;
    bool again = false;
    if (range->status == SCB_OK) {
        slot->status =
            scb_page_work_add(&slot->work, tools, (struct scb_bytes){range->data, range->size},
                              range->received, &slot->error);
        again = slot->status == SCB_ERROR_VALIDATION &&
                ops->reject(slot->pipeline->settings->source, range);
    } else {
        slot->status = range->status;
        slot->error = range->error;
    }
    ops->release(slot->pipeline->settings->source, range);
    if (again)
        return fetch_again(slot);
    return slot->status != SCB_OK || slot->work.done == slot->work.keys || !fetch_more(slot);
}

/* A worker's: starts a page. True when it needs nothing from the source. */
static bool start_page(struct slot *slot, struct scb_page_tools *tools)
{
    const struct scb_page_entry *recorded = &slot->pipeline->pages[slot->work.number];
    if (slot->reuse) {
        slot->reuse = false;
        slot->status =
            scb_page_work_reuse(&slot->work, tools, recorded->sha256, &slot->reused, &slot->error);
        if (slot->reused || slot->status != SCB_OK)
            return true;
    }
    if (slot->work.keys == 0) { /* an empty contract's only page */
        slot->status =
            scb_page_work_add(&slot->work, tools, (struct scb_bytes){0}, 0, &slot->error);
        return true;
    }
    return !fetch_more(slot);
}

static void *work(void *argument)
{
    struct pipeline *pipeline = argument;
    struct scb_page_tools tools;
    struct scb_error no_tools = {0};
    scb_file_watch_join(pipeline->settings->watch);
    enum scb_status ready = scb_page_tools_init(&tools, &no_tools);
    for (struct slot *slot = scb_queue_pop(pipeline->work_queue, -1); slot != NULL;
         slot = scb_queue_pop(pipeline->work_queue, -1)) {
        bool finished = true;
        if (ready != SCB_OK) {
            pipeline->settings->source->ops->release(pipeline->settings->source, &slot->range);
            slot->status = ready;
            slot->error = no_tools;
        } else if (slot->range.received == 0 && slot->range.status == SCB_OK) {
            finished = start_page(slot, &tools);
        } else {
            finished = take_answer(slot, &tools);
        }
        if (finished) {
            bool pushed = scb_queue_push(pipeline->done_queue, slot);
            assert(pushed);
        }
    }
    scb_page_tools_free(&tools);
    scb_file_watch_leave();
    return NULL;
}

static uint64_t keys_of_page(const struct scb_pipeline_settings *settings, uint64_t number)
{
    uint64_t first = number * settings->page_size;
    uint64_t left = settings->total_keys - first;
    return left < settings->page_size ? left : settings->page_size;
}

static enum scb_status begin_page(struct pipeline *pipeline, struct slot *slot, uint64_t number,
                                  struct scb_error *error)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    enum scb_status status =
        scb_page_work_begin(&slot->work, settings->dir, &settings->rules, number,
                            number * settings->page_size, keys_of_page(settings, number), error);
    if (status != SCB_OK)
        return status;
    slot->pipeline = pipeline;
    slot->reuse = pipeline->pages[number].size > 0;
    slot->reused = false;
    slot->status = SCB_OK;
    slot->error = (struct scb_error){0};
    slot->range.status = SCB_OK;
    slot->range.received = 0;
    slot->range.answered = answered;
    slot->range.owner = slot;
    slot->range.limit_ms = settings->page_deadline_ms;
    slot->range.deadline_ms = 0;
    atomic_store(&slot->range.urgent, number == pipeline->next_commit);
    slot->state = UNDER_WAY;
    pipeline->under_way++;
    return SCB_OK;
}

static bool may_submit(const struct pipeline *pipeline)
{
    return pipeline->failure.status == SCB_OK &&
           pipeline->next_submit < pipeline->settings->total_pages &&
           pipeline->next_submit - pipeline->next_commit < pipeline->window &&
           (pipeline->held < pipeline->settings->memory_limit ||
            pipeline->next_submit == pipeline->next_commit);
}

/*
 * Keeps the window full, by quarters, so that the source is not woken for every page. Plain fetches
 * go straight to the source, the rest to a worker first.
 */
static enum scb_status fill_window(struct pipeline *pipeline, struct scb_error *error)
{
    if (pipeline->next_submit - pipeline->next_commit > pipeline->window / 4 * 3)
        return SCB_OK;
    while (may_submit(pipeline)) {
        uint64_t number = pipeline->next_submit;
        struct slot *slot = &pipeline->slots[number % pipeline->window];
        enum scb_status status = begin_page(pipeline, slot, number, error);
        if (status != SCB_OK)
            return status;
        pipeline->next_submit++;
        if (slot->reuse || slot->work.keys == 0) {
            bool pushed = scb_queue_push(pipeline->work_queue, slot);
            assert(pushed);
        } else {
            fetch_rest(slot);
        }
    }
    return SCB_OK;
}

static enum scb_status flush_batch(struct pipeline *pipeline, struct scb_error *error)
{
    if (pipeline->batch_count == 0)
        return SCB_OK;
    size_t count = pipeline->batch_count;
    pipeline->batch_count = 0;
    return scb_catalog_record_pages(pipeline->settings->catalog, pipeline->settings->backup_date,
                                    pipeline->batch, count, error);
}

static void log_warnings(const struct pipeline *pipeline, const struct slot *slot)
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

/* The next row of the batch; flush_batch, where it is full then, is the caller's to call. */
static struct scb_page_record *next_row(struct pipeline *pipeline)
{
    if (pipeline->batch_count == 0)
        pipeline->batch_since_ms = now_ms(pipeline);
    return &pipeline->batch[pipeline->batch_count++];
}

static enum scb_status record_page(struct pipeline *pipeline, const struct slot *slot,
                                   struct scb_error *error)
{
    const struct scb_page_work *page = &slot->work;
    struct scb_page_record *record = next_row(pipeline);
    *record =
        (struct scb_page_record){.page_number = page->number,
                                 .state = SCB_BACKUP_COMPLETED,
                                 .completed_at_ms = scb_clock_real_ms(pipeline->settings->clock),
                                 .keys_count = page->keys,
                                 .file_size = page->size,
                                 .empty_keys = page->check.warnings.empty_keys,
                                 .empty_versions = page->check.warnings.empty_versions,
                                 .duplicate_keys = page->check.warnings.duplicate_keys};
    memcpy(record->sha256, page->sha256, SCB_SHA256_SIZE);
    return pipeline->batch_count < BATCH ? SCB_OK : flush_batch(pipeline, error);
}

/* A finished page: its row, and its place in the manifest. */
static enum scb_status take_page(struct pipeline *pipeline, struct slot *slot,
                                 struct scb_error *error)
{
    struct scb_page_work *page = &slot->work;
    struct scb_page_entry *entry = &pipeline->pages[page->number];
    slot->state = READY;
    memcpy(entry->sha256, page->sha256, SCB_SHA256_SIZE);
    entry->size = page->size;
    entry->crc32 = page->crc32;
    entry->keys = (uint32_t)page->keys;
    slot->dropped = page->whole && page->number != pipeline->next_commit &&
                    pipeline->held + page->deflated.capacity > pipeline->settings->memory_limit;
    if (slot->dropped)
        scb_buffer_free(&page->deflated);
    pipeline->held += page->deflated.capacity;
    pipeline->pages_done++;
    pipeline->pages_reused += slot->reused;
    pipeline->keys_done += page->keys;
    scb_log_debug(pipeline->settings->log, "Page completed",
                  SCB_TEXT("backup_date", pipeline->settings->backup_date),
                  SCB_NUMBER("page", page->number), SCB_NUMBER("keys", page->keys),
                  SCB_NUMBER("size", page->size), SCB_FLAG("reused", slot->reused));
    if (slot->reused)
        return SCB_OK; /* its row is there */
    log_warnings(pipeline, slot);
    return record_page(pipeline, slot, error);
}

static enum scb_status deflate_again(struct pipeline *pipeline, struct slot *slot,
                                     struct scb_error *error)
{
    bool good = false;
    uint8_t sha256[SCB_SHA256_SIZE];
    memcpy(sha256, slot->work.sha256, sizeof(sha256));
    enum scb_status status =
        scb_page_work_reuse(&slot->work, &pipeline->tools, sha256, &good, error);
    if (status == SCB_OK && !good)
        status = scb_error_set(error, SCB_ERROR_FILE, "page %" PRIu64 " is not what was written",
                               slot->work.number);
    return status;
}

/* Every page whose turn has come goes into the archive. */
static enum scb_status archive_ready(struct pipeline *pipeline, struct scb_error *error)
{
    for (;;) {
        struct slot *slot = &pipeline->slots[pipeline->next_commit % pipeline->window];
        if (slot->state != READY || slot->work.number != pipeline->next_commit)
            break;
        enum scb_status status = slot->dropped ? deflate_again(pipeline, slot, error) : SCB_OK;
        if (status != SCB_OK)
            return status;
        status = scb_archive_add_page(pipeline->settings->archive, slot->work.number,
                                      &pipeline->pages[slot->work.number],
                                      scb_buffer_bytes(&slot->work.deflated), error);
        if (status != SCB_OK)
            return status;
        if (!slot->dropped)
            pipeline->held -= slot->work.deflated.capacity;
        if (slot->work.deflated.capacity > KEEP_DEFLATED)
            scb_buffer_free(&slot->work.deflated);
        slot->state = FREE;
        pipeline->next_commit++;
    }
    struct slot *next = &pipeline->slots[pipeline->next_commit % pipeline->window];
    if (next->state == UNDER_WAY)
        pipeline->settings->source->ops->hurry(pipeline->settings->source, &next->range);
    return SCB_OK;
}

static void describe_page(const struct slot *slot, struct scb_error *error)
{
    if (error->status == SCB_ERROR_CANCELED)
        return;
    uint64_t first = slot->work.first_entry, keys = slot->work.keys;
    (void)scb_error_wrap(error, "page %" PRIu64 " (keys %" PRIu64 "-%" PRIu64 ")",
                         slot->work.number, first, first + (keys > 0 ? keys - 1 : 0));
}

/*
 * A page that failed: of the first, which ends the run, the row says so until a later run replaces
 * it. Its own failure is what counts, should the row not be written.
 */
static enum scb_status take_failure(struct pipeline *pipeline, struct slot *slot,
                                    struct scb_error *error)
{
    slot->state = FREE;
    *error = slot->error;
    describe_page(slot, error);
    if (pipeline->failure.status != SCB_OK)
        return slot->status;
    pipeline->pin_lost = slot->range.pin_lost;
    if (slot->status == SCB_ERROR_CANCELED)
        return slot->status;
    struct scb_page_record *record = next_row(pipeline);
    *record =
        (struct scb_page_record){.page_number = slot->work.number,
                                 .state = SCB_BACKUP_FAILED,
                                 .completed_at_ms = scb_clock_real_ms(pipeline->settings->clock)};
    (void)snprintf(record->error_message, sizeof(record->error_message), "%s: %.480s",
                   scb_status_name(slot->status), slot->error.message);
    if (pipeline->batch_count == BATCH) {
        struct scb_error second = {0};
        if (flush_batch(pipeline, &second) != SCB_OK)
            scb_log_failure(pipeline->settings->log, "Failed page not recorded",
                            pipeline->settings->backup_date, &second);
    }
    return slot->status;
}

static enum scb_status take_slot(struct pipeline *pipeline, struct slot *slot,
                                 struct scb_error *error)
{
    pipeline->under_way--;
    if (slot->status != SCB_OK)
        return take_failure(pipeline, slot, error);
    enum scb_status status = take_page(pipeline, slot, error);
    /* After a failure the archive is given up; what still finishes is only recorded. */
    return status != SCB_OK || pipeline->failure.status != SCB_OK ? status
                                                                  : archive_ready(pipeline, error);
}

static void fail(struct pipeline *pipeline, const struct scb_error *error)
{
    if (pipeline->failure.status != SCB_OK)
        return;
    pipeline->failure = *error;
    atomic_store(&pipeline->stopping, true);
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
    int64_t now = now_ms(pipeline);
    if (pipeline->batch_count > 0 && now - pipeline->batch_since_ms >= BATCH_MS) {
        enum scb_status status = flush_batch(pipeline, error);
        if (status != SCB_OK)
            return status;
    }
    if (scb_cancel_requested(pipeline->settings->cancel))
        return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    if (now - pipeline->checked_space_ms < CHECK_SPACE_MS)
        return SCB_OK;
    pipeline->checked_space_ms = now;
    return scb_store_check_space(pipeline->settings->store, error);
}

static void commit_all(struct pipeline *pipeline)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    while (pipeline->under_way > 0 ||
           (pipeline->failure.status == SCB_OK && pipeline->next_commit < settings->total_pages)) {
        struct scb_error error = {0};
        if (fill_window(pipeline, &error) != SCB_OK)
            fail(pipeline, &error);
        struct slot *slot = scb_queue_pop(pipeline->done_queue, OBSERVE_MS);
        if (slot != NULL && take_slot(pipeline, slot, &error) != SCB_OK)
            fail(pipeline, &error);
        if (housekeeping(pipeline, &error) != SCB_OK)
            fail(pipeline, &error);
    }
    struct scb_error error = {0};
    if (flush_batch(pipeline, &error) != SCB_OK)
        fail(pipeline, &error);
    observe(pipeline, true);
}

static enum scb_status prepare(struct pipeline *pipeline, struct scb_error *error)
{
    const struct scb_pipeline_settings *settings = pipeline->settings;
    pipeline->window = 4 * settings->max_concurrent_pages;
    if (pipeline->window < SMALLEST_WINDOW)
        pipeline->window = SMALLEST_WINDOW;
    pipeline->started_ms = pipeline->checked_space_ms = now_ms(pipeline);
    pipeline->slots = scb_alloc(pipeline->window, sizeof(*pipeline->slots), error);
    pipeline->batch = scb_alloc(BATCH, sizeof(*pipeline->batch), error);
    pipeline->workers = scb_alloc(settings->worker_concurrency, sizeof(pthread_t), error);
    if (pipeline->slots == NULL || pipeline->batch == NULL || pipeline->workers == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_page_tools_init(&pipeline->tools, error);
    if (status == SCB_OK)
        status = scb_queue_new(pipeline->window, &pipeline->work_queue, error);
    if (status == SCB_OK)
        status = scb_queue_new(pipeline->window, &pipeline->done_queue, error);
    return status;
}

static enum scb_status add_worker(struct pipeline *pipeline, struct scb_error *error)
{
    enum scb_status status = scb_thread_start(&pipeline->workers[pipeline->worker_count], "worker",
                                              work, pipeline, error);
    pipeline->worker_count += status == SCB_OK;
    return status;
}

/* The first requests leave before the rest of the workers is made: the node need not wait. */
static enum scb_status start(struct pipeline *pipeline, struct scb_error *error)
{
    enum scb_status status = prepare(pipeline, error);
    if (status == SCB_OK)
        status = add_worker(pipeline, error);
    if (status != SCB_OK)
        return status;
    struct scb_error failure = {0};
    status = fill_window(pipeline, &failure);
    while (status == SCB_OK && pipeline->worker_count < pipeline->settings->worker_concurrency)
        status = add_worker(pipeline, &failure);
    if (status != SCB_OK) /* what is under way still comes back, to the first worker */
        fail(pipeline, &failure);
    return SCB_OK;
}

static void stop(struct pipeline *pipeline)
{
    if (pipeline->work_queue != NULL)
        scb_queue_close(pipeline->work_queue);
    for (size_t i = 0; i < pipeline->worker_count; i++)
        (void)pthread_join(pipeline->workers[i], NULL);
    for (size_t i = 0; pipeline->slots != NULL && i < pipeline->window; i++)
        scb_page_work_free(&pipeline->slots[i].work);
    scb_page_tools_free(&pipeline->tools);
    scb_queue_free(pipeline->work_queue);
    scb_queue_free(pipeline->done_queue);
    free(pipeline->workers);
    free(pipeline->batch);
    free(pipeline->slots);
}

enum scb_status scb_pipeline_run(const struct scb_pipeline_settings *settings,
                                 struct scb_page_entry *pages, bool *ret_pin_lost,
                                 struct scb_error *error)
{
    struct pipeline pipeline = {.settings = settings, .pages = pages};
    struct scb_error failure = {0};
    if (start(&pipeline, &failure) == SCB_OK)
        commit_all(&pipeline);
    else
        pipeline.failure = failure;
    stop(&pipeline);
    *ret_pin_lost = pipeline.pin_lost;
    if (pipeline.failure.status != SCB_OK)
        *error = pipeline.failure;
    return pipeline.failure.status;
}
