/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: the caller's thread walks the archive's directory and manifest and hands pages out in
 * batches to workers (verify_page.c). Each key leaves a seeded 96-bit hash and its index with a
 * sorter, from which keys that stand in more than one place come out at the end: warnings name keys
 * by index, so the keys themselves are not needed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"
#include "job/verify_index.h"
#include "job/verify_page.h"

enum {
    BATCH = 16, /* pages handed out at a time */
    BATCHES_A_WORKER = 3,
    OBSERVE_MS = 200,
    MAX_NAMED = 10, /* keys in two pages that are named one by one */
};

struct batch {
    size_t count;
    struct scb_archived_page pages[BATCH];
};

/* What the workers share. */
struct checker {
    struct scb_page_verifier model; /* what each worker's tools begin as */
    struct scb_archive_pages *pages;
    struct scb_queue *free_batches, *full_batches;
    pthread_mutex_t lock; /* for what follows */
    struct scb_sorter *sorter;
    uint64_t pages_done, keys_done;
    struct scb_warnings warnings;
    bool sorted;  /* keys go to the sorter */
    bool counted; /* every page's entries could be, and their keys compared */
    bool failed;
    struct scb_error failure;
};

struct worker {
    struct checker *checker;
    struct scb_page_verifier verifier;
    pthread_t thread;
};

static uint64_t get_big_endian(const uint8_t from[8])
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}

/* Hands over the keys. An archive of more keys than were recorded could fill the disk with them. */
static enum scb_status take_keys(void *state, struct scb_error *error)
{
    struct worker *worker = state;
    struct checker *checker = worker->checker;
    struct scb_page_verifier *verifier = &worker->verifier;
    enum scb_status status = SCB_OK;
    if (scb_cancel_requested(verifier->report->parts->cancel))
        return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    pthread_mutex_lock(&checker->lock);
    for (size_t i = 0; checker->sorted && i < verifier->count && status == SCB_OK; i++) {
        const struct scb_key_stand_in *key = &verifier->stand_ins[i];
        status = scb_sorter_add(checker->sorter, (struct scb_bytes){key->hash, sizeof(key->hash)},
                                (struct scb_bytes){key->index, sizeof(key->index)}, error);
    }
    checker->keys_done += verifier->count;
    pthread_mutex_unlock(&checker->lock);
    verifier->count = 0;
    return status;
}

/* Hands over what a batch has given. */
static enum scb_status deliver(struct worker *worker, const struct batch *batch, bool counted,
                               struct scb_error *error)
{
    struct checker *checker = worker->checker;
    struct scb_page_verifier *verifier = &worker->verifier;
    enum scb_status status = take_keys(worker, error);
    pthread_mutex_lock(&checker->lock);
    for (size_t i = 0; i < batch->count; i++)
        verifier->report->result->bytes += batch->pages[i].place.size;
    checker->pages_done += batch->count;
    checker->warnings.empty_keys += verifier->warnings.empty_keys;
    checker->warnings.empty_versions += verifier->warnings.empty_versions;
    checker->counted = checker->counted && counted;
    pthread_mutex_unlock(&checker->lock);
    verifier->warnings = (struct scb_warnings){0};
    return status;
}

static bool has_failed(struct checker *checker)
{
    pthread_mutex_lock(&checker->lock);
    bool failed = checker->failed;
    pthread_mutex_unlock(&checker->lock);
    return failed;
}

static void fail(struct checker *checker, const struct scb_error *failure)
{
    pthread_mutex_lock(&checker->lock);
    if (!checker->failed)
        checker->failure = *failure;
    checker->failed = true;
    pthread_mutex_unlock(&checker->lock);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct checker *checker = worker->checker;
    for (struct batch *batch = scb_queue_pop(checker->full_batches, -1); batch != NULL;
         batch = scb_queue_pop(checker->full_batches, -1)) {
        struct scb_error error = {0};
        enum scb_status status = SCB_OK;
        bool counted = true;
        for (size_t i = 0; i < batch->count && status == SCB_OK && !has_failed(checker); i++)
            status = scb_page_verifier_run(&worker->verifier, &batch->pages[i], &counted, &error);
        if (status == SCB_OK && !has_failed(checker))
            status = deliver(worker, batch, counted, &error);
        if (status != SCB_OK)
            fail(checker, &error);
        bool pushed = scb_queue_push(checker->free_batches, batch);
        (void)pushed; /* it has room for all of them */
    }
    return NULL;
}

static enum scb_status start_worker(struct checker *checker, struct worker *worker,
                                    struct scb_error *error)
{
    worker->checker = checker;
    worker->verifier = checker->model;
    worker->verifier.take = take_keys;
    worker->verifier.take_state = worker;
    enum scb_status status = scb_page_verifier_init(&worker->verifier, error);
    if (status == SCB_OK)
        status = scb_thread_start(&worker->thread, "verify", work, worker, error);
    if (status != SCB_OK)
        scb_page_verifier_free(&worker->verifier);
    return status;
}

static void show(struct checker *checker)
{
    pthread_mutex_lock(&checker->lock);
    uint64_t pages = checker->pages_done, keys = checker->keys_done;
    pthread_mutex_unlock(&checker->lock);
    scb_verify_show(checker->model.report, checker->model.manifest, "Verification", pages, keys);
}

/* A batch that nobody works on; the progress is shown meanwhile. */
static struct batch *take_free(struct checker *checker)
{
    struct batch *batch = scb_queue_pop(checker->free_batches, 0);
    while (batch == NULL) {
        batch = scb_queue_pop(checker->free_batches, OBSERVE_MS);
        show(checker);
    }
    return batch;
}

static enum scb_status hand_out(struct checker *checker, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (bool more = true; status == SCB_OK && more && !has_failed(checker);) {
        struct batch *batch = take_free(checker);
        batch->count = 0;
        while (status == SCB_OK && more && batch->count < BATCH) {
            status =
                scb_archive_pages_next(checker->pages, &more, &batch->pages[batch->count], error);
            batch->count += status == SCB_OK && more;
        }
        if (status == SCB_OK && scb_cancel_requested(checker->model.report->parts->cancel))
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        if (!scb_queue_push(checker->full_batches, batch))
            return scb_error_set(error, SCB_ERROR_INTERNAL, "the workers' queue is full");
    }
    return status;
}

static enum scb_status run_workers(struct checker *checker, struct batch *batches, size_t count,
                                   struct scb_error *error)
{
    size_t wanted = checker->model.report->settings->worker_concurrency, started = 0;
    SCB_AUTO(memory) struct worker *workers = scb_alloc(wanted, sizeof(*workers), error);
    enum scb_status status = workers == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    for (size_t i = 0; i < count && status == SCB_OK; i++)
        if (!scb_queue_push(checker->free_batches, &batches[i]))
            status = scb_error_set(error, SCB_ERROR_INTERNAL, "the queue of batches is full");
    while (status == SCB_OK && started < wanted) {
        status = start_worker(checker, &workers[started], error);
        started += status == SCB_OK;
    }
    if (status == SCB_OK)
        status = hand_out(checker, error);
    scb_queue_close(checker->full_batches);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        scb_page_verifier_free(&workers[i].verifier);
    }
    if (status == SCB_OK && checker->failed) {
        *error = checker->failure;
        status = error->status;
    }
    return status;
}

/* How often a key stands again in the same page, or in a later one. */
struct duplicates {
    uint64_t within, across;
};

/* Warnings name the first few by their indices. Every key goes to the index of keys. */
static enum scb_status walk_keys(struct checker *checker, struct scb_verify_index *key_index,
                                 struct duplicates *found, struct scb_error *error)
{
    uint64_t page_size = checker->model.manifest->page_size;
    if (page_size == 0) /* then there is no entry, or the manifest is wrong and nothing matters */
        page_size = 1;
    uint8_t hash[SCB_KEY_HASH_SIZE] = {0};
    uint64_t index = UINT64_MAX;
    for (;;) {
        bool more = false;
        struct scb_bytes key, payload;
        enum scb_status status = scb_sorter_next(checker->sorter, &more, &key, &payload, error);
        if (status != SCB_OK || !more)
            return status;
        uint64_t next = get_big_endian(payload.data);
        if (index != UINT64_MAX && memcmp(hash, key.data, SCB_KEY_HASH_SIZE) == 0) {
            bool within = index / page_size == next / page_size;
            found->within += within;
            found->across += !within;
            if (!within && found->across <= MAX_NAMED)
                scb_verify_warning(checker->model.report, "archive",
                                   "entries %" PRIu64 " and %" PRIu64 " have the same key", index,
                                   next);
        }
        memcpy(hash, key.data, SCB_KEY_HASH_SIZE);
        index = next;
        scb_verify_index_add(key_index, key.data, index / page_size);
    }
}

static void check_warnings(struct checker *checker, const struct duplicates *found)
{
    const struct scb_warnings *said = &checker->model.manifest->warnings,
                              *seen = &checker->warnings;
    if (found->across > MAX_NAMED)
        scb_verify_warning(checker->model.report, "archive",
                           "%" PRIu64 " entries have the key of an entry in an earlier page",
                           found->across);
    if (!checker->counted)
        return; /* what could not be read is reported already */
    if (said->empty_keys != seen->empty_keys || said->empty_versions != seen->empty_versions ||
        said->duplicate_keys != found->within)
        scb_verify_problem(checker->model.report, "archive manifest.json",
                           "its warnings (%" PRIu64 " empty keys, %" PRIu64
                           " empty versions, %" PRIu64
                           " keys again in a page) are not those of the pages (%" PRIu64
                           ", %" PRIu64 ", %" PRIu64 ")",
                           said->empty_keys, said->empty_versions, said->duplicate_keys,
                           seen->empty_keys, seen->empty_versions, found->within);
}

static enum scb_status compare_keys(struct checker *checker, struct scb_error *error)
{
    struct duplicates found = {0};
    struct scb_verify_index key_index;
    scb_verify_index_open(&key_index, checker->model.dir, checker->model.manifest,
                          checker->model.seeds[0]);
    enum scb_status status = walk_keys(checker, &key_index, &found, error);
    if (status == SCB_OK)
        check_warnings(checker, &found);
    scb_verify_index_close(&key_index,
                           status == SCB_OK && checker->model.report->result->problems == 0);
    return status;
}

static enum scb_status run(struct checker *checker, struct scb_error *error)
{
    const struct scb_verify_settings *settings = checker->model.report->settings;
    size_t count = settings->worker_concurrency * BATCHES_A_WORKER;
    SCB_AUTO(memory) struct batch *batches = scb_alloc(count, sizeof(*batches), error);
    if (batches == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_hash_seed(&checker->model.seeds[0], error);
    if (status == SCB_OK)
        status = scb_hash_seed(&checker->model.seeds[1], error);
    size_t memory =
        scb_sorter_memory(checker->model.manifest->total_keys, sizeof(struct scb_key_stand_in));
    if (memory > settings->memory_limit / 8)
        memory = settings->memory_limit / 8;
    if (status == SCB_OK)
        status = scb_sorter_new(memory, sizeof(struct scb_key_stand_in), &checker->sorter, error);
    if (status == SCB_OK)
        status = scb_queue_new(count, &checker->free_batches, error);
    if (status == SCB_OK)
        status = scb_queue_new(count, &checker->full_batches, error);
    if (status == SCB_OK)
        status = run_workers(checker, batches, count, error);
    if (status == SCB_OK)
        status = compare_keys(checker, error);
    scb_queue_free(checker->free_batches);
    scb_queue_free(checker->full_batches);
    scb_sorter_free(checker->sorter);
    return status;
}

enum scb_status scb_verify_pages(struct scb_verify_report *report, const struct scb_backup_dir *dir,
                                 int archive_fd, struct scb_archive_pages *pages,
                                 struct scb_error *error)
{
    const bool sorted =
        !report->other_keys && scb_verify_opens(report, scb_archive_pages_manifest(pages));
    struct checker checker = {.model = {.report = report,
                                        .dir = dir,
                                        .archive_fd = archive_fd,
                                        .manifest = scb_archive_pages_manifest(pages)},
                              .pages = pages,
                              .sorted = sorted,
                              .counted = sorted,
                              .lock = PTHREAD_MUTEX_INITIALIZER};
    enum scb_status status = run(&checker, error);
    report->result->pages = checker.pages_done;
    report->result->keys = checker.keys_done;
    show(&checker);
    return status;
}
