/* SPDX-License-Identifier: Apache-2.0 */
#include "job/chain_reader.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "evm/abi.h"

struct reader;

struct part {
    struct scb_range range;
    struct reader *reader;
    bool under_way;
    struct part *next; /* of the answered ones */
};

struct reader {
    const struct scb_chain_reader_settings *settings;
    struct part *parts;
    uint64_t next; /* the first entry that nobody has been asked for */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct part *answered;
    size_t under_way;
};

static void answered(struct scb_range *range)
{
    struct part *part = range->owner;
    struct reader *reader = part->reader;
    pthread_mutex_lock(&reader->lock);
    part->next = reader->answered;
    reader->answered = part;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
}

static void submit(struct reader *reader, struct part *part, uint64_t start, uint64_t count)
{
    struct scb_range *range = &part->range;
    *range = (struct scb_range){.start = start,
                                .count = count,
                                .limit_ms = reader->settings->limit_ms,
                                .endpoint = SCB_SOURCE_ANY,
                                .answered = answered,
                                .owner = part};
    atomic_store(&range->urgent, false);
    part->under_way = true;
    reader->under_way++;
    reader->settings->source->ops->submit(reader->settings->source, range);
}

/* Asks for what comes next. */
static void submit_next(struct reader *reader, struct part *part)
{
    uint64_t left = reader->settings->total_keys - reader->next;
    uint64_t count = left < reader->settings->range ? left : reader->settings->range;
    if (count == 0)
        return;
    uint64_t start = reader->next;
    reader->next += count;
    submit(reader, part, start, count);
}

static struct part *wait_for_one(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    while (reader->answered == NULL)
        pthread_cond_wait(&reader->changed, &reader->lock);
    struct part *part = reader->answered;
    reader->answered = part->next;
    pthread_mutex_unlock(&reader->lock);
    part->under_way = false;
    reader->under_way--;
    return part;
}

static enum scb_status take_entries(struct reader *reader, const struct part *part,
                                    struct scb_error *error)
{
    const struct scb_range *range = &part->range;
    struct scb_abi_page page;
    enum scb_status status =
        scb_abi_page_open((struct scb_bytes){range->data, range->size}, range->count, &page, error);
    if (status == SCB_OK && page.count != range->received)
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "the answer's arrays differ in length");
    for (uint64_t i = 0; status == SCB_OK && i < range->received; i++) {
        struct scb_entry entry;
        status = scb_abi_page_next(&page, &entry, error);
        if (status == SCB_OK)
            status =
                reader->settings->take(reader->settings->state, range->start + i, &entry, error);
    }
    return status;
}

static enum scb_status take_part(struct reader *reader, struct part *part, struct scb_error *error)
{
    struct scb_range *range = &part->range;
    uint64_t start = range->start, count = range->count, received = range->received;
    enum scb_status status = range->status;
    if (status != SCB_OK) {
        *error = range->error;
    } else {
        status = take_entries(reader, part, error);
        reader->settings->source->ops->release(reader->settings->source, range);
    }
    if (status != SCB_OK)
        return status == SCB_ERROR_CANCELED
                   ? status
                   : scb_error_wrap(error, "entries from %llu on", (unsigned long long)start);
    if (received < count) /* a source may give fewer than it was asked for */
        submit(reader, part, start + received, count - received);
    else
        submit_next(reader, part);
    return SCB_OK;
}

enum scb_status scb_chain_read(const struct scb_chain_reader_settings *settings,
                               struct scb_error *error)
{
    struct reader reader = {.settings = settings,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    assert(settings->window > 0 && settings->range > 0);
    reader.parts = scb_alloc(settings->window, sizeof(*reader.parts), error);
    if (reader.parts == NULL)
        return SCB_ERROR_RESOURCE;
    for (size_t i = 0; i < settings->window; i++) {
        reader.parts[i].reader = &reader;
        submit_next(&reader, &reader.parts[i]);
    }
    enum scb_status status = SCB_OK;
    while (reader.under_way > 0) {
        struct part *part = wait_for_one(&reader);
        if (status == SCB_OK) {
            status = take_part(&reader, part, error);
            if (status != SCB_OK) /* the others are not needed any more */
                settings->source->ops->cancel(settings->source);
        } else if (part->range.status == SCB_OK) {
            settings->source->ops->release(settings->source, &part->range);
        }
    }
    free(reader.parts);
    return status;
}
