/* SPDX-License-Identifier: Apache-2.0 */
#include "source/answer_memory.h"

#include <assert.h>

enum { MAX_SPARE_SIZE = 256 * 1024 }; /* larger ones go back to the system */

void scb_answer_memory_init(struct scb_answer_memory *memory, size_t limit, size_t reserve)
{
    assert(limit >= reserve);
    *memory = (struct scb_answer_memory){.limit = limit, .reserve = reserve};
    pthread_mutex_init(&memory->lock, NULL);
}

void scb_answer_memory_free(struct scb_answer_memory *memory)
{
    for (size_t i = 0; i < memory->spare_count; i++)
        scb_buffer_free(&memory->spare[i]);
    pthread_mutex_destroy(&memory->lock);
}

size_t scb_answer_memory_take(struct scb_answer_memory *memory, size_t wanted,
                              const atomic_bool *urgent)
{
    pthread_mutex_lock(&memory->lock);
    bool is_urgent = atomic_load(urgent); /* under the lock: who sets it asks who starves then */
    size_t limit = memory->limit - memory->reserve;
    bool fits = wanted <= limit && memory->used <= limit - wanted;
    if (!fits && is_urgent) { /* the reserve is the urgent request's own */
        wanted = wanted > memory->reserve ? memory->reserve : wanted;
        fits = true;
    }
    if (fits)
        memory->used += wanted;
    else
        memory->starved = true;
    pthread_mutex_unlock(&memory->lock);
    return fits ? wanted : 0;
}

bool scb_answer_memory_give(struct scb_answer_memory *memory, size_t bytes)
{
    pthread_mutex_lock(&memory->lock);
    assert(memory->used >= bytes);
    memory->used -= bytes;
    bool starved = memory->starved;
    memory->starved = false;
    pthread_mutex_unlock(&memory->lock);
    return starved;
}

void scb_answer_memory_settle(struct scb_answer_memory *memory, size_t reserved, size_t held)
{
    pthread_mutex_lock(&memory->lock);
    memory->used += held - reserved;
    pthread_mutex_unlock(&memory->lock);
}

bool scb_answer_memory_starved(struct scb_answer_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    bool starved = memory->starved;
    pthread_mutex_unlock(&memory->lock);
    return starved;
}

size_t scb_answer_memory_used(struct scb_answer_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    size_t used = memory->used;
    pthread_mutex_unlock(&memory->lock);
    return used;
}

struct scb_buffer scb_answer_memory_reuse(struct scb_answer_memory *memory)
{
    struct scb_buffer buffer = {0};
    pthread_mutex_lock(&memory->lock);
    if (memory->spare_count > 0)
        buffer = memory->spare[--memory->spare_count];
    pthread_mutex_unlock(&memory->lock);
    return buffer;
}

void scb_answer_memory_keep(struct scb_answer_memory *memory, struct scb_buffer *buffer)
{
    pthread_mutex_lock(&memory->lock);
    if (memory->spare_count < SCB_MAX_SPARE_ANSWERS && buffer->capacity <= MAX_SPARE_SIZE) {
        memory->spare[memory->spare_count++] =
            (struct scb_buffer){.data = buffer->data, .capacity = buffer->capacity};
        *buffer = (struct scb_buffer){0};
    }
    pthread_mutex_unlock(&memory->lock);
    scb_buffer_free(buffer);
}
