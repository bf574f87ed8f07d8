/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page file from anywhere: it is refused, or the writer makes the same bytes of its entries.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/page.h"

enum { MAX = 1024 * 1024, LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum scb_status read_few(void *state, void *data, size_t size, size_t *ret_size,
                                struct scb_error *error)
{
    struct scb_bytes *left = state;
    (void)error;
    size = size < 61 ? size : 61; /* so that entries cross the ends of reads */
    size = size < left->size ? size : left->size;
    memcpy(data, left->data, size);
    *left = (struct scb_bytes){left->data + size, left->size - size};
    *ret_size = size;
    return SCB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_bytes left = {data, size};
    struct scb_page_limits limits = {LIMIT, LIMIT};
    struct scb_buffer again = {.max = MAX};
    struct scb_page_reader *reader = NULL;
    struct scb_page_writer writer;
    struct scb_error error = {0};
    if (size > MAX || data == NULL ||
        scb_page_reader_new((struct scb_input){read_few, &left}, limits, &reader, &error) != SCB_OK)
        return 0;
    scb_page_writer_begin(&writer, &again, (struct scb_sink){0});
    bool more = true;
    enum scb_status status = SCB_OK;
    while (more && status == SCB_OK) {
        struct scb_entry entry;
        status = scb_page_reader_next(reader, &more, &entry, &error);
        if (status == SCB_OK && more && scb_page_writer_append(&writer, &entry, &error) != SCB_OK)
            abort();
    }
    if (status == SCB_OK && (scb_page_writer_end(&writer, &error) != SCB_OK || again.size != size ||
                             memcmp(again.data, data, size) != 0))
        abort();
    scb_page_reader_free(reader);
    scb_buffer_free(&again);
    return 0;
}
