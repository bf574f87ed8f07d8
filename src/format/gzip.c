/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gzip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#define ZLIB_CONST /* next_in is only read */
#include <zlib.h>

#include "base/memory.h"
#include "format/zip.h"

enum {
    STEP = 32 * 1024,
    GZIP_WINDOW = 16 + MAX_WBITS, /* deflateInit2: with gzip's header and trailer */
};

struct scb_gzip {
    z_stream zlib;
    struct scb_sink sink;
    uint8_t out[STEP];
};

enum scb_status scb_gzip_new(struct scb_sink sink, struct scb_gzip **ret_gzip,
                             struct scb_error *error)
{
    struct scb_gzip *gzip = scb_alloc(1, sizeof(*gzip), error);
    if (gzip == NULL)
        return SCB_ERROR_RESOURCE;
    gzip->sink = sink;
    if (deflateInit2(&gzip->zlib, SCB_ZIP_STREAM_LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL - 1,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to deflate a page");
    }
    *ret_gzip = gzip;
    return SCB_OK;
}

void scb_gzip_free(struct scb_gzip *gzip)
{
    if (gzip == NULL)
        return;
    (void)deflateEnd(&gzip->zlib);
    free(gzip);
}

/* Takes what zlib has been given, and gives on what comes of it. */
static enum scb_status run(struct scb_gzip *gzip, int flush, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    do {
        gzip->zlib.next_out = gzip->out;
        gzip->zlib.avail_out = STEP;
        if (deflate(&gzip->zlib, flush) == Z_STREAM_ERROR)
            return scb_error_set(error, SCB_ERROR_INTERNAL, "zlib lost its state");
        size_t made = STEP - gzip->zlib.avail_out;
        if (made > 0)
            status = gzip->sink.write(gzip->sink.state, gzip->out, made, error);
    } while (status == SCB_OK && gzip->zlib.avail_out == 0);
    return status;
}

enum scb_status scb_gzip_write(struct scb_gzip *gzip, const void *data, size_t size,
                               struct scb_error *error)
{
    const uint8_t *from = data;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && size > 0) {
        size_t part = size < INT_MAX ? size : INT_MAX;
        gzip->zlib.next_in = from;
        gzip->zlib.avail_in = (uInt)part;
        status = run(gzip, Z_NO_FLUSH, error);
        from += part;
        size -= part;
    }
    return status;
}

enum scb_status scb_gzip_end(struct scb_gzip *gzip, struct scb_error *error)
{
    gzip->zlib.avail_in = 0;
    return run(gzip, Z_FINISH, error);
}
