/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer that grows up to a maximum its owner must name. Not for secrets.
 */
#ifndef SCB_BASE_BUFFER_H
#define SCB_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/stream.h"
#include "scb/entry.h"
#include "scb/error.h"

/* {.max = N} is an empty buffer ready for use; a max of 0 lets nothing in. */
struct scb_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max;
};

/* Makes room for extra more bytes; ResourceError when that would pass max. */
SCB_MUST_CHECK enum scb_status scb_buffer_reserve(struct scb_buffer *buffer, size_t extra,
                                                  struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_buffer_append(struct scb_buffer *buffer, const void *data,
                                                 size_t size, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_buffer_append_text(struct scb_buffer *buffer, const char *text,
                                                      struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_buffer_printf(struct scb_buffer *buffer, struct scb_error *error,
                                                 const char *format, ...) SCB_PRINTF(3, 4);

/* A sink that appends to buffer, which is borrowed. */
struct scb_sink scb_buffer_sink(struct scb_buffer *buffer);

/* Forgets the content, keeps the memory and max. */
void scb_buffer_clear(struct scb_buffer *buffer);

/* Frees the memory, keeps max. */
void scb_buffer_free(struct scb_buffer *buffer);
void scb_buffer_cleanup(struct scb_buffer *buffer);

/* The content, borrowed. */
struct scb_bytes scb_buffer_bytes(const struct scb_buffer *buffer);

/* The order of memcmp; a begin comes before what goes on. 0: the same bytes. */
static inline int scb_bytes_compare(struct scb_bytes a, struct scb_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
