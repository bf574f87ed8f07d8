/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sinks and inputs over memory, for the tests of format/.
 */
#ifndef SCB_TEST_STREAMS_H
#define SCB_TEST_STREAMS_H

#include <string.h>

#include "base/buffer.h"
#include "base/stream.h"

/* Gives data in reads of at most step bytes; fails once at reaches fail_at, where that is not 0. */
struct memory_input {
    struct scb_bytes data;
    size_t step;
    size_t at;
    size_t fail_at;
};

static enum scb_status memory_read(void *state, void *data, size_t size, size_t *ret_size,
                                   struct scb_error *error)
{
    struct memory_input *input = state;
    if (input->fail_at != 0 && input->at >= input->fail_at)
        return scb_error_set(error, SCB_ERROR_FILE, "a read that fails");
    size_t left = input->data.size - input->at, room = size;
    size = size < left ? size : left;
    size = size < input->step ? size : input->step;
    if (size > 0)
        memcpy(data, input->data.data + input->at, size);
    /* Nobody may look at what is behind. */
    size_t behind = room - size < 8 ? room - size : 8;
    memset((char *)data + size, '"', behind);
    input->at += size;
    *ret_size = size;
    return SCB_OK;
}

static inline struct scb_input memory_input(struct memory_input *input)
{
    return (struct scb_input){memory_read, input};
}

static enum scb_status buffer_write(void *state, const void *data, size_t size,
                                    struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

/* A sink that appends; ResourceError past buffer->max. */
static inline struct scb_sink buffer_sink(struct scb_buffer *buffer)
{
    return (struct scb_sink){buffer_write, buffer};
}

static inline struct scb_bytes text_bytes(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

#endif
