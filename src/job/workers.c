/* SPDX-License-Identifier: Apache-2.0 */
#include "job/workers.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "job/page_work.h"

struct scb_workers {
    struct scb_workers_settings settings;
    struct scb_queue *todo; /* slots with an answer, or with a page file to look at */
    struct scb_queue *done; /* slots whose page is made or has failed */
    atomic_bool stopping;
    pthread_t *threads;
    uint64_t thread_count;
};

static void push(struct scb_queue *queue, struct scb_page_slot *slot)
{
    bool pushed = scb_queue_push(queue, slot);
    assert(pushed); /* every slot there is has room */
}

static void answered(struct scb_range *range)
{
    struct scb_page_slot *slot = range->owner;
    push(slot->workers->todo, slot);
}

static void fetch_rest(struct scb_page_slot *slot)
{
    struct scb_source *source = slot->workers->settings.source;
    slot->range.start = slot->work.first_entry + slot->work.done;
    slot->range.count = slot->work.keys - slot->work.done;
    source->ops->submit(source, &slot->range);
}

/* A worker's: false when the run is stopping. */
static bool fetch_more(struct scb_page_slot *slot)
{
    struct scb_workers *workers = slot->workers;
    if (atomic_load(&workers->stopping)) {
        slot->status = scb_error_set(&slot->error, SCB_ERROR_CANCELED, "interrupted");
        return false;
    }
    fetch_rest(slot);                    /* from here on it may be another thread's */
    if (atomic_load(&workers->stopping)) /* meanwhile: the cancel may have been before the range */
        workers->settings.source->ops->cancel(workers->settings.source);
    return true;
}

/* A worker's: the page by another endpoint's word. False when that cannot be. */
static bool ask_another(struct scb_page_slot *slot)
{
    struct scb_range *range = &slot->range;
    int failed = range->endpoint == SCB_SOURCE_ANY ? range->answered_by : range->endpoint;
    assert(failed >= 0 && failed < 64); /* it has answered, or was asked by name */
    range->avoid |= UINT64_C(1) << failed;
    range->endpoint = SCB_SOURCE_ANY;
    slot->status = scb_page_work_restart(&slot->work, slot->opinions > 0, &slot->error);
    return slot->status == SCB_OK && fetch_more(slot);
}

/*
 * A page is whole by the word of one endpoint, of several where it came in pieces and one is
 * enough. False where another's is needed: then it is being asked for.
 */
static bool has_quorum(struct scb_page_slot *slot)
{
    struct scb_page_work *work = &slot->work;
    if (slot->opinions > 0 &&
        memcmp(work->content_sha256, slot->agreed, sizeof(slot->agreed)) != 0) {
        slot->status = scb_error_set(&slot->error, SCB_ERROR_CONTRACT,
                                     "the endpoints do not agree on what is in it");
        (void)scb_error_hint(&slot->error, "find out with one endpoint at a time which one is "
                                           "wrong, and take it out of contract.rpc_urls");
        return true;
    }
    if (++slot->opinions >= slot->workers->settings.quorum)
        return true;
    memcpy(slot->agreed, work->content_sha256, sizeof(slot->agreed));
    return !ask_another(slot);
}

/* Whether the failure is the endpoint's own, so that it says nothing of the others. */
static bool is_endpoints(enum scb_status status)
{
    return status == SCB_ERROR_CONTRACT || status == SCB_ERROR_VALIDATION;
}

static void add_answer(struct scb_page_slot *slot, struct scb_page_tools *tools)
{
    struct scb_range *range = &slot->range;
    if (range->status == SCB_OK) {
        slot->status =
            scb_page_work_add(&slot->work, tools, (struct scb_bytes){range->data, range->size},
                              range->received, &slot->error);
    } else if (slot->setback.status != SCB_OK && is_endpoints(range->status)) {
        slot->error = slot->setback; /* no other endpoint gave anything better */
        slot->status = slot->error.status;
        range->pin_lost |= slot->setback_pin_lost;
    } else {
        slot->error = range->error;
        slot->status = range->status;
    }
}

/* The page failed at one endpoint that was not chosen among all: by its content, or as the one that
 * gave its first pieces. True when that is its end. */
static bool set_back(struct scb_page_slot *slot)
{
    if (slot->setback.status == SCB_OK) {
        slot->setback = slot->error;
        slot->setback_pin_lost = slot->range.pin_lost;
    }
    return !ask_another(slot);
}

/* Takes an answer into the page. True when the page is finished or has failed. */
static bool take_answer(struct scb_page_slot *slot, struct scb_page_tools *tools)
{
    struct scb_range *range = &slot->range;
    const struct scb_workers_settings *settings = &slot->workers->settings;
    bool of_one = range->endpoint != SCB_SOURCE_ANY;
    add_answer(slot, tools);
    bool odd = range->status == SCB_OK && slot->status == SCB_ERROR_VALIDATION;
    settings->source->ops->release(settings->source, range);
    if (odd || (of_one && is_endpoints(range->status)))
        return set_back(slot);
    if (slot->status != SCB_OK)
        return true;
    if (settings->quorum > 1) /* all of the page by one endpoint's word */
        range->endpoint = range->answered_by;
    return slot->work.done == slot->work.keys ? has_quorum(slot) : !fetch_more(slot);
}

/*
 * Takes the file of an earlier run, where it is good. One that the disk does not give is as good as
 * a damaged one: its page is fetched again. For want of memory or descriptors nothing is known of
 * it, so that this is a failure.
 */
static void take_recorded(struct scb_page_slot *slot, struct scb_page_tools *tools)
{
    const struct scb_workers_settings *settings = &slot->workers->settings;
    const uint8_t *recorded = SCB_TAKE(slot->recorded);
    struct scb_error error = {0};
    slot->status = scb_page_work_reuse(&slot->work, tools, recorded, &slot->reused, &error);
    if (slot->status == SCB_ERROR_FILE && !error.retryable) {
        scb_log_warn(settings->log, "Page file cannot be read, its page is fetched again",
                     SCB_TEXT("backup_date", settings->backup_date),
                     SCB_NUMBER("page", slot->work.number), SCB_TEXT("error", error.message));
        slot->status = SCB_OK;
    } else if (slot->status != SCB_OK) {
        slot->error = error;
    }
}

/* Looks at what there is without the source. True when that is all of the page. */
static bool start_page(struct scb_page_slot *slot, struct scb_page_tools *tools)
{
    if (slot->recorded != NULL) {
        take_recorded(slot, tools);
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

static void *run(void *argument)
{
    struct scb_workers *workers = argument;
    struct scb_source *source = workers->settings.source;
    struct scb_page_tools tools;
    struct scb_error no_tools = {0};
    enum scb_status ready = scb_page_tools_init(&tools, workers->settings.recipients, &no_tools);
    for (struct scb_page_slot *slot = scb_queue_pop(workers->todo, -1); slot != NULL;
         slot = scb_queue_pop(workers->todo, -1)) {
        bool finished = true;
        if (ready != SCB_OK) {
            source->ops->release(source, &slot->range);
            slot->status = ready;
            slot->error = no_tools;
        } else if (slot->range.received == 0 && slot->range.status == SCB_OK) {
            finished = start_page(slot, &tools);
        } else {
            finished = take_answer(slot, &tools);
        }
        if (finished)
            push(workers->done, slot);
    }
    scb_page_tools_free(&tools);
    return NULL;
}

enum scb_status scb_workers_new(const struct scb_workers_settings *settings,
                                struct scb_workers **ret_workers, struct scb_error *error)
{
    struct scb_workers *workers = scb_alloc(1, sizeof(*workers), error);
    if (workers == NULL)
        return SCB_ERROR_RESOURCE;
    workers->settings = *settings;
    workers->threads = scb_alloc(settings->most_threads, sizeof(pthread_t), error);
    enum scb_status status = workers->threads == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    if (status == SCB_OK)
        status = scb_queue_new(settings->most_slots, &workers->todo, error);
    if (status == SCB_OK)
        status = scb_queue_new(settings->most_slots, &workers->done, error);
    if (status != SCB_OK) {
        scb_workers_free(workers);
        return status;
    }
    *ret_workers = workers;
    return SCB_OK;
}

void scb_workers_free(struct scb_workers *workers)
{
    if (workers == NULL)
        return;
    if (workers->todo != NULL)
        scb_queue_close(workers->todo);
    for (uint64_t i = 0; workers->threads != NULL && i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    scb_queue_free(workers->todo);
    scb_queue_free(workers->done);
    free(workers->threads);
    free(workers);
}

enum scb_status scb_workers_add(struct scb_workers *workers, struct scb_error *error)
{
    assert(workers->thread_count < workers->settings.most_threads);
    enum scb_status status =
        scb_thread_start(&workers->threads[workers->thread_count], "worker", run, workers, error);
    workers->thread_count += status == SCB_OK;
    return status;
}

/* A plain page goes straight to the source, what needs a look first to a worker. */
void scb_workers_give(struct scb_workers *workers, struct scb_page_slot *slot)
{
    slot->workers = workers;
    slot->reused = slot->ready = slot->dropped = false;
    slot->opinions = 0;
    slot->status = SCB_OK;
    slot->error = slot->setback = (struct scb_error){0};
    slot->setback_pin_lost = false;
    slot->range.status = SCB_OK;
    slot->range.received = 0;
    slot->range.endpoint = SCB_SOURCE_ANY;
    slot->range.avoid = 0;
    slot->range.answered = answered;
    slot->range.owner = slot;
    if (slot->recorded != NULL || slot->work.keys == 0)
        push(workers->todo, slot);
    else
        fetch_rest(slot);
}

struct scb_page_slot *scb_workers_take(struct scb_workers *workers, int64_t timeout_ms)
{
    return scb_queue_pop(workers->done, timeout_ms);
}

void scb_workers_stop(struct scb_workers *workers)
{
    atomic_store(&workers->stopping, true);
}
