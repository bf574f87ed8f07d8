/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest from anywhere: it is refused, or the writer makes the same bytes of what was read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/manifest.h"

enum { MAX = 64 * 1024, MAX_PAGES = MAX / 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum scb_status read_few(void *state, void *data, size_t size, size_t *ret_size,
                                struct scb_error *error)
{
    struct scb_bytes *left = state;
    (void)error;
    size = size < 61 ? size : 61; /* so that lines cross the ends of reads */
    size = size < left->size ? size : left->size;
    memcpy(data, left->data, size);
    *left = (struct scb_bytes){left->data + size, left->size - size};
    *ret_size = size;
    return SCB_OK;
}

static enum scb_status next_of(void *state, struct scb_manifest_page *ret_page,
                               struct scb_error *error)
{
    const struct scb_manifest_page **next = state;
    (void)error;
    *ret_page = *(*next)++;
    return SCB_OK;
}

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scb_manifest_page pages[MAX_PAGES];
    const struct scb_manifest_page *next = pages;
    struct scb_bytes left = {data, size};
    struct scb_buffer again = {.max = 2 * MAX};
    struct scb_manifest_reader *reader = NULL;
    struct scb_manifest manifest;
    struct scb_error error = {0};
    if (size > MAX || data == NULL ||
        scb_manifest_reader_new((struct scb_input){read_few, &left}, &manifest, &reader, &error) !=
            SCB_OK)
        return 0;
    bool more = true;
    enum scb_status status = SCB_OK;
    for (size_t i = 0; more && status == SCB_OK; i++) {
        struct scb_manifest_page page;
        status = scb_manifest_reader_next(reader, &more, &page, &error);
        if (status == SCB_OK && more)
            pages[i] = page; /* a line has more than 64 bytes, so they fit */
    }
    if (status == SCB_OK &&
        (scb_manifest_write(&manifest, next_of, &next, (struct scb_sink){append, &again}, &error) !=
             SCB_OK ||
         again.size != size || memcmp(again.data, data, size) != 0))
        abort();
    scb_manifest_reader_free(reader);
    scb_buffer_free(&again);
    return 0;
}
