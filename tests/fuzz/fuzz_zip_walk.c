/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive from anywhere, read strictly: walked to its end or refused. An entry that can be read
 * whole gives the same bytes as a stream, as many as its place says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/zip_walk.h"

enum { MAX = 256 * 1024, LIMIT = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_stream(int fd, const struct scb_zip_place *place, uint8_t *out)
{
    struct scb_zip_content *content = NULL;
    struct scb_error error = {0};
    size_t size = 1, total = 0;
    if (scb_zip_content_open(fd, place, &content, &error) != SCB_OK)
        return UINT64_MAX;
    struct scb_input input = scb_zip_content_input(content);
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && size > 0 && total <= LIMIT) {
        status = input.read(input.state, out + total, 999, &size, &error);
        total += status == SCB_OK ? size : 0;
    }
    scb_zip_content_close(content);
    return status == SCB_OK ? total : UINT64_MAX;
}

static void read_entry(int fd, const struct scb_zip_place *place, struct scb_inflater *inflater)
{
    static uint8_t streamed[LIMIT + 1000];
    struct scb_buffer whole = {.max = LIMIT};
    struct scb_error error = {0};
    enum scb_status status = scb_inflater_run(inflater, fd, place, &whole, &error);
    uint64_t size = read_stream(fd, place, streamed);
    if (size <= LIMIT && size != place->size)
        abort();
    if (status == SCB_OK &&
        (size != whole.size || (size > 0 && memcmp(streamed, whole.data, size) != 0)))
        abort();
    scb_buffer_free(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scb_inflater *inflater;
    static struct scb_zip_walk walk;
    struct scb_error error = {0};
    if (size > MAX || (inflater == NULL && scb_inflater_new(&inflater, &error) != SCB_OK))
        return 0;
    int fd = memfd_create("archive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    bool more = true;
    enum scb_status status = scb_zip_walk_begin(&walk, fd, size, &error);
    while (status == SCB_OK && more) {
        struct scb_zip_place place;
        status = scb_zip_walk_next(&walk, &more, &place, &error);
        if (status == SCB_OK && more)
            read_entry(fd, &place, inflater);
    }
    (void)close(fd);
    return 0;
}
