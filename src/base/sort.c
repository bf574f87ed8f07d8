/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: one block of memory. While records are added they stand at its front, and one small place
 * for each at its end, which is all that sorting moves; when the two meet, the run goes to the
 * file. While runs are merged the block is their windows.
 */
#include "base/sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/scratch.h"

enum {
    HEADER = 8,          /* the two sizes */
    MIN_WINDOW = 262144, /* a merge reads so much at a time */
    MIN_RUNS = 3,
    MAX_RUNS = 64, /* merged at a time */
    OUT_SIZE = 64 * 1024,
    BUCKETS = 256,
    HUGE_PAGE = 2 * 1024 * 1024,
    HUGE_FROM = 4 * HUGE_PAGE,
};

/* A record in memory: the first bytes of its key decide most comparisons. */
struct place {
    uint64_t prefix;
    size_t offset;
};

struct run {
    uint64_t offset, end; /* of what is not yet in the window */
    uint8_t *window;
    size_t at, filled; /* what is unread in the window */
};

struct scb_sorter {
    size_t memory, max_record;
    uint8_t *block;
    size_t used;  /* bytes of records */
    size_t count; /* of places */
    size_t given; /* of them, where everything fits into memory */
    bool sorted;
    struct scb_scratch *scratch; /* NULL: not needed so far */
    uint64_t file_size;
    size_t max_runs, run_count;
    struct run runs[MAX_RUNS + 1];
    size_t last;  /* the run that gave the last record; max_runs + 1: none */
    uint8_t *out; /* OUT_SIZE bytes on their way to the file */
    size_t out_used;
};

/* Not zeroed: only what is used is touched, by huge pages where it is many of them. */
static uint8_t *new_block(size_t size)
{
    void *block = NULL;
    if (size < HUGE_FROM)
        return malloc(size);
    if (posix_memalign(&block, HUGE_PAGE, size) != 0)
        return NULL;
    (void)madvise(block, size, MADV_HUGEPAGE);
    return block;
}

enum scb_status scb_sorter_new(size_t memory, size_t max_record, struct scb_sorter **ret_sorter,
                               struct scb_error *error)
{
    assert(max_record <= SIZE_MAX / 8 && max_record < UINT32_MAX - HEADER);
    size_t window = max_record + HEADER > MIN_WINDOW ? max_record + HEADER : MIN_WINDOW;
    if (memory < MIN_RUNS * window)
        memory = MIN_RUNS * window;
    struct scb_sorter *sorter = scb_alloc(1, sizeof(*sorter), error);
    if (sorter == NULL)
        return SCB_ERROR_RESOURCE;
    memory = (memory + sizeof(struct place)) / sizeof(struct place) * sizeof(struct place);
    sorter->memory = memory;
    sorter->max_record = max_record;
    sorter->max_runs = memory / window < MAX_RUNS ? memory / window : MAX_RUNS;
    sorter->last = SIZE_MAX;
    sorter->block = new_block(memory);
    if (sorter->block == NULL) {
        free(sorter);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to sort in");
    }
    *ret_sorter = sorter;
    return SCB_OK;
}

size_t scb_sorter_memory(uint64_t records, size_t record_size)
{
    size_t each = HEADER + record_size + sizeof(struct place), all = 0;
    return __builtin_mul_overflow(records, each, &all) ? SIZE_MAX : all;
}

void scb_sorter_free(struct scb_sorter *sorter)
{
    if (sorter == NULL)
        return;
    scb_scratch_free(sorter->scratch);
    free(sorter->block);
    free(sorter->out);
    free(sorter);
}

/* The places stand at the block's end, the first one last. */
static struct place *places(const struct scb_sorter *sorter)
{
    return (struct place *)(void *)(sorter->block + sorter->memory) - sorter->count;
}

static uint64_t prefix_of(struct scb_bytes key)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < key.size ? key.data[i] : 0);
    return prefix;
}

static void take_record(const uint8_t *record, struct scb_bytes *ret_key,
                        struct scb_bytes *ret_payload)
{
    uint32_t sizes[2];
    memcpy(sizes, record, HEADER);
    *ret_key = (struct scb_bytes){record + HEADER, sizes[0]};
    *ret_payload = (struct scb_bytes){record + HEADER + sizes[0], sizes[1]};
}

static size_t record_size(const uint8_t *record)
{
    uint32_t sizes[2];
    memcpy(sizes, record, HEADER);
    return HEADER + (size_t)sizes[0] + sizes[1];
}

static int compare_records(const uint8_t *a, const uint8_t *b)
{
    struct scb_bytes keys[2], payloads[2];
    take_record(a, &keys[0], &payloads[0]);
    take_record(b, &keys[1], &payloads[1]);
    int order = scb_bytes_compare(keys[0], keys[1]);
    return order != 0 ? order : scb_bytes_compare(payloads[0], payloads[1]);
}

static int compare_places(const void *a, const void *b, void *state)
{
    const struct place *first = a, *second = b;
    const uint8_t *block = state;
    if (first->prefix != second->prefix)
        return first->prefix < second->prefix ? -1 : 1;
    return compare_records(block + first->offset, block + second->offset);
}

static enum scb_status flush(struct scb_sorter *sorter, struct scb_error *error)
{
    enum scb_status status =
        scb_scratch_append(sorter->scratch, sorter->out, sorter->out_used, error);
    sorter->file_size += sorter->out_used;
    sorter->out_used = 0;
    return status;
}

static enum scb_status emit(struct scb_sorter *sorter, const uint8_t *data, size_t size,
                            struct scb_error *error)
{
    while (size > 0) {
        size_t room = OUT_SIZE - sorter->out_used, part = size < room ? size : room;
        memcpy(sorter->out + sorter->out_used, data, part);
        sorter->out_used += part;
        data += part;
        size -= part;
        if (sorter->out_used == OUT_SIZE) {
            enum scb_status status = flush(sorter, error);
            if (status != SCB_OK)
                return status;
        }
    }
    return SCB_OK;
}

static enum scb_status open_file(struct scb_sorter *sorter, struct scb_error *error)
{
    if (sorter->scratch != NULL)
        return SCB_OK;
    if (sorter->out == NULL)
        sorter->out = scb_alloc(OUT_SIZE, 1, error);
    return sorter->out == NULL ? SCB_ERROR_RESOURCE : scb_scratch_new(&sorter->scratch, error);
}

/* Puts the places into buckets by the first byte of their keys; gives the bucket's ends. */
static void split(struct place *all, size_t count, size_t ret_ends[BUCKETS])
{
    size_t next[BUCKETS] = {0};
    for (size_t i = 0; i < count; i++)
        next[all[i].prefix >> 56]++;
    size_t end = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        ret_ends[bucket] = end + next[bucket];
        next[bucket] = end;
        end = ret_ends[bucket];
    }
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        while (next[bucket] < ret_ends[bucket]) {
            struct place place = all[next[bucket]];
            for (size_t to = place.prefix >> 56; to != bucket; to = place.prefix >> 56) {
                struct place other = all[next[to]];
                all[next[to]++] = place;
                place = other;
            }
            all[next[bucket]++] = place;
        }
    }
}

/* Keys that are hashes fall into equal buckets, which are sorted in the processor's caches. */
static void sort_block(struct scb_sorter *sorter)
{
    struct place *all = places(sorter);
    size_t ends[BUCKETS], start = 0;
    split(all, sorter->count, ends);
    for (size_t bucket = 0; bucket < BUCKETS; start = ends[bucket++])
        qsort_r(all + start, ends[bucket] - start, sizeof(*all), compare_places, sorter->block);
}

static enum scb_status merge_to_one(struct scb_sorter *sorter, struct scb_error *error);

/* The records in memory become a run; the memory is empty then. */
static enum scb_status write_run(struct scb_sorter *sorter, struct scb_error *error)
{
    enum scb_status status = open_file(sorter, error);
    if (status != SCB_OK)
        return status;
    sort_block(sorter);
    struct run *run = &sorter->runs[sorter->run_count];
    *run = (struct run){.offset = sorter->file_size};
    const struct place *sorted = places(sorter);
    for (size_t i = 0; i < sorter->count && status == SCB_OK; i++) {
        const uint8_t *record = sorter->block + sorted[i].offset;
        status = emit(sorter, record, record_size(record), error);
    }
    if (status == SCB_OK)
        status = flush(sorter, error);
    run->end = sorter->file_size;
    sorter->run_count++;
    sorter->used = sorter->count = 0;
    return status == SCB_OK && sorter->run_count == sorter->max_runs ? merge_to_one(sorter, error)
                                                                     : status;
}

enum scb_status scb_sorter_add(struct scb_sorter *sorter, struct scb_bytes key,
                               struct scb_bytes payload, struct scb_error *error)
{
    assert(!sorter->sorted);
    if (key.size > sorter->max_record || payload.size > sorter->max_record - key.size)
        return scb_error_set(error, SCB_ERROR_RESOURCE,
                             "a record of %zu bytes is too large to be sorted",
                             key.size + payload.size);
    size_t size = HEADER + key.size + payload.size;
    if (size + sizeof(struct place) >
        sorter->memory - sorter->used - sorter->count * sizeof(struct place)) {
        enum scb_status status = write_run(sorter, error);
        if (status != SCB_OK)
            return status;
    }
    const uint32_t sizes[2] = {(uint32_t)key.size, (uint32_t)payload.size};
    uint8_t *to = sorter->block + sorter->used;
    memcpy(to, sizes, HEADER);
    if (key.size > 0)
        memcpy(to + HEADER, key.data, key.size);
    if (payload.size > 0)
        memcpy(to + HEADER + key.size, payload.data, payload.size);
    sorter->count++;
    *places(sorter) = (struct place){prefix_of(key), sorter->used};
    sorter->used += size;
    return SCB_OK;
}

static bool has_record(const struct run *run)
{
    size_t unread = run->filled - run->at;
    return unread >= HEADER && unread >= record_size(run->window + run->at);
}

/* Has a whole record of the run in its window; none is left where at == filled. Its sizes come from
 * a file that anything may have happened to. */
static enum scb_status fill(struct scb_sorter *sorter, struct run *run, size_t window_size,
                            struct scb_error *error)
{
    size_t unread = run->filled - run->at;
    if (has_record(run))
        return SCB_OK;
    memmove(run->window, run->window + run->at, unread);
    run->at = 0;
    run->filled = unread;
    uint64_t left = run->end - run->offset;
    size_t more = left < window_size - unread ? (size_t)left : window_size - unread;
    enum scb_status status =
        scb_scratch_read(sorter->scratch, run->offset, run->window + unread, more, error);
    if (status == SCB_OK) {
        run->offset += more;
        run->filled += more;
    }
    if (status == SCB_OK && run->filled > 0 && !has_record(run)) {
        (void)scb_error_set(error, SCB_ERROR_FILE,
                            "the scratch file is not what was written there");
        status = scb_error_hint(error, "check the disk that TMPDIR is on");
    }
    return status;
}

/* Gives every run a window of the block and its first record. */
static enum scb_status begin_merge(struct scb_sorter *sorter, struct scb_error *error)
{
    size_t window_size = sorter->memory / sorter->run_count;
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < sorter->run_count && status == SCB_OK; i++) {
        struct run *run = &sorter->runs[i];
        run->window = sorter->block + i * window_size;
        run->at = run->filled = 0;
        status = fill(sorter, run, window_size, error);
    }
    sorter->last = SIZE_MAX;
    return status;
}

/* The least record of all runs; NULL after the last one. It stays until the next call. */
static enum scb_status merge_next(struct scb_sorter *sorter, const uint8_t **ret_record,
                                  struct scb_error *error)
{
    size_t window_size = sorter->memory / sorter->run_count;
    if (sorter->last != SIZE_MAX) {
        struct run *run = &sorter->runs[sorter->last];
        run->at += record_size(run->window + run->at);
        enum scb_status status = fill(sorter, run, window_size, error);
        if (status != SCB_OK)
            return status;
    }
    const uint8_t *least = NULL;
    for (size_t i = 0; i < sorter->run_count; i++) {
        const struct run *run = &sorter->runs[i];
        const uint8_t *record = run->window + run->at;
        if (run->at < run->filled && (least == NULL || compare_records(record, least) < 0)) {
            least = record;
            sorter->last = i;
        }
    }
    *ret_record = least;
    return SCB_OK;
}

/* So many runs that there is no window for another become one. */
static enum scb_status merge_to_one(struct scb_sorter *sorter, struct scb_error *error)
{
    const uint8_t *record = NULL;
    uint64_t start = sorter->file_size;
    enum scb_status status = begin_merge(sorter, error);
    if (status == SCB_OK)
        status = merge_next(sorter, &record, error);
    while (status == SCB_OK && record != NULL) {
        status = emit(sorter, record, record_size(record), error);
        if (status == SCB_OK)
            status = merge_next(sorter, &record, error);
    }
    if (status == SCB_OK)
        status = flush(sorter, error);
    sorter->runs[0] = (struct run){.offset = start, .end = sorter->file_size};
    sorter->run_count = 1;
    return status;
}

static enum scb_status end_adding(struct scb_sorter *sorter, struct scb_error *error)
{
    sorter->sorted = true;
    if (sorter->run_count == 0) {
        sort_block(sorter);
        return SCB_OK;
    }
    enum scb_status status = sorter->count > 0 ? write_run(sorter, error) : SCB_OK;
    return status == SCB_OK ? begin_merge(sorter, error) : status;
}

enum scb_status scb_sorter_next(struct scb_sorter *sorter, bool *ret_more,
                                struct scb_bytes *ret_key, struct scb_bytes *ret_payload,
                                struct scb_error *error)
{
    enum scb_status status = sorter->sorted ? SCB_OK : end_adding(sorter, error);
    const uint8_t *record = NULL;
    if (status == SCB_OK && sorter->run_count > 0)
        status = merge_next(sorter, &record, error);
    else if (status == SCB_OK && sorter->given < sorter->count)
        record = sorter->block + places(sorter)[sorter->given++].offset;
    if (status != SCB_OK)
        return status;
    if (record != NULL)
        take_record(record, ret_key, ret_payload);
    *ret_more = record != NULL;
    return SCB_OK;
}
