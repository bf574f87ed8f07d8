/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SMALLEST = 256 };

static enum scb_status grow(struct scb_buffer *buffer, size_t needed, struct scb_error *error)
{
    size_t capacity = buffer->capacity < SMALLEST ? SMALLEST : buffer->capacity;
    while (capacity < needed)
        capacity = capacity > buffer->max / 2 ? buffer->max : capacity * 2;
    uint8_t *data = scb_realloc(buffer->data, capacity, 1, error);
    if (data == NULL)
        return SCB_ERROR_RESOURCE;
    buffer->data = data;
    buffer->capacity = capacity;
    return SCB_OK;
}

enum scb_status scb_buffer_reserve(struct scb_buffer *buffer, size_t extra, struct scb_error *error)
{
    size_t needed = 0;
    if (__builtin_add_overflow(buffer->size, extra, &needed) || needed > buffer->max)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "more than the %zu bytes allowed here",
                             buffer->max);
    return needed <= buffer->capacity ? SCB_OK : grow(buffer, needed, error);
}

enum scb_status scb_buffer_append(struct scb_buffer *buffer, const void *data, size_t size,
                                  struct scb_error *error)
{
    enum scb_status status = scb_buffer_reserve(buffer, size, error);
    if (status == SCB_OK && size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return status;
}

static enum scb_status sink_write(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

struct scb_sink scb_buffer_sink(struct scb_buffer *buffer)
{
    return (struct scb_sink){sink_write, buffer};
}

enum scb_status scb_buffer_append_text(struct scb_buffer *buffer, const char *text,
                                       struct scb_error *error)
{
    return scb_buffer_append(buffer, text, strlen(text), error);
}

enum scb_status scb_buffer_printf(struct scb_buffer *buffer, struct scb_error *error,
                                  const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to format a text");
    enum scb_status status = scb_buffer_append(buffer, text, (size_t)size, error);
    free(text);
    return status;
}

void scb_buffer_clear(struct scb_buffer *buffer)
{
    buffer->size = 0;
}

void scb_buffer_free(struct scb_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct scb_buffer){.max = buffer->max};
}

void scb_buffer_cleanup(struct scb_buffer *buffer)
{
    scb_buffer_free(buffer);
}

struct scb_bytes scb_buffer_bytes(const struct scb_buffer *buffer)
{
    return (struct scb_bytes){buffer->data, buffer->size};
}
