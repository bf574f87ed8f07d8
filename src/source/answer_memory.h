/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that answers, and answers under way, may take: handed out as credits before a request
 * leaves. A part of it, what one answer with the single largest entry needs, is kept for the
 * urgent request - the one that everybody waits for - so that a run cannot stand still. Also keeps
 * answers' buffers for use again. From any thread.
 */
#ifndef SCB_SOURCE_ANSWER_MEMORY_H
#define SCB_SOURCE_ANSWER_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { SCB_MAX_SPARE_ANSWERS = 64 };

struct scb_answer_memory {
    size_t limit;   /* bytes in all, the reserve included */
    size_t reserve; /* of it, for the urgent request */
    /* Its own: */
    pthread_mutex_t lock; /* of what follows */
    size_t used;
    bool starved; /* a request was refused since the last bytes were given back */
    struct scb_buffer spare[SCB_MAX_SPARE_ANSWERS];
    size_t spare_count;
};

void scb_answer_memory_init(struct scb_answer_memory *memory, size_t limit, size_t reserve);
void scb_answer_memory_free(struct scb_answer_memory *memory);

/* The bytes reserved for a request that wants so many, fewer for an urgent one where there is only
 * the reserve; 0 where there are none now. */
size_t scb_answer_memory_take(struct scb_answer_memory *memory, size_t wanted,
                              const atomic_bool *urgent);
/* True where a request was refused meanwhile, and may ask again. */
bool scb_answer_memory_give(struct scb_answer_memory *memory, size_t bytes);
/* An answer has come: it holds so many bytes, whatever was reserved for it. */
void scb_answer_memory_settle(struct scb_answer_memory *memory, size_t reserved, size_t held);
bool scb_answer_memory_starved(struct scb_answer_memory *memory);
size_t scb_answer_memory_used(struct scb_answer_memory *memory);

/* A buffer to use again; an empty one where none is kept. */
struct scb_buffer scb_answer_memory_reuse(struct scb_answer_memory *memory);
/* Keeps the buffer, or frees it. */
void scb_answer_memory_keep(struct scb_answer_memory *memory, struct scb_buffer *buffer);

#endif
