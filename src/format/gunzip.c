/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gunzip.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"

enum { STEP = 64 * 1024, LEAST = 18 /* bytes: head and tail */, GZIP_ONLY = 16 };

static enum scb_status damaged(const char *what, struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY, "gzip: %s", what);
}

struct scb_gunzipper {
    struct libdeflate_decompressor *decompressor;
};

enum scb_status scb_gunzipper_new(struct scb_gunzipper **ret_gunzipper, struct scb_error *error)
{
    struct scb_gunzipper *gunzipper = scb_alloc(1, sizeof(*gunzipper), error);
    if (gunzipper == NULL)
        return SCB_ERROR_RESOURCE;
    gunzipper->decompressor = libdeflate_alloc_decompressor();
    if (gunzipper->decompressor == NULL) {
        free(gunzipper);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate pages");
    }
    *ret_gunzipper = gunzipper;
    return SCB_OK;
}

void scb_gunzipper_free(struct scb_gunzipper *gunzipper)
{
    if (gunzipper == NULL)
        return;
    libdeflate_free_decompressor(gunzipper->decompressor);
    free(gunzipper);
}

uint64_t scb_gunzip_size(struct scb_bytes file)
{
    uint64_t size = 0;
    for (size_t i = 0; file.size >= LEAST && i < 4; i++)
        size |= (uint64_t)file.data[file.size - 4 + i] << (8 * i);
    return size;
}

enum scb_status scb_gunzipper_run(struct scb_gunzipper *gunzipper, struct scb_bytes file,
                                  struct scb_buffer *out, struct scb_error *error)
{
    const uint64_t size = scb_gunzip_size(file);
    size_t used = 0, made = 0;
    scb_buffer_clear(out);
    if (file.size < LEAST)
        return damaged("it ends too early", error);
    enum scb_status status = scb_buffer_reserve(out, (size_t)size, error);
    if (status != SCB_OK)
        return status;
    uint8_t none = 0;
    enum libdeflate_result result =
        libdeflate_gzip_decompress_ex(gunzipper->decompressor, file.data, file.size,
                                      size == 0 ? &none : out->data, (size_t)size, &used, &made);
    if (result != LIBDEFLATE_SUCCESS || made != size)
        return damaged("it is damaged", error);
    if (used != file.size)
        return damaged("it goes on after its end", error);
    out->size = made;
    return SCB_OK;
}

struct scb_gunzip {
    struct scb_input file;
    uint64_t max, left; /* that it may give, and still */
    bool ended;
    z_stream zlib;
    uint8_t in[STEP];
};

enum scb_status scb_gunzip_open(struct scb_input file, uint64_t max_size,
                                struct scb_gunzip **ret_gunzip, struct scb_error *error)
{
    struct scb_gunzip *gunzip = scb_alloc(1, sizeof(*gunzip), error);
    if (gunzip == NULL)
        return SCB_ERROR_RESOURCE;
    gunzip->file = file;
    gunzip->max = gunzip->left = max_size;
    if (inflateInit2(&gunzip->zlib, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(gunzip);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate a page");
    }
    *ret_gunzip = gunzip;
    return SCB_OK;
}

void scb_gunzip_close(struct scb_gunzip *gunzip)
{
    if (gunzip == NULL)
        return;
    (void)inflateEnd(&gunzip->zlib);
    free(gunzip);
}

static enum scb_status refill(struct scb_gunzip *gunzip, bool *ret_more, struct scb_error *error)
{
    size_t got = 0;
    enum scb_status status = gunzip->file.read(gunzip->file.state, gunzip->in, STEP, &got, error);
    gunzip->zlib.next_in = gunzip->in;
    gunzip->zlib.avail_in = (uInt)got;
    *ret_more = got > 0;
    return status;
}

/* The member is at its end: so must be the file. */
static enum scb_status end(struct scb_gunzip *gunzip, struct scb_error *error)
{
    bool more = gunzip->zlib.avail_in > 0;
    enum scb_status status = more ? SCB_OK : refill(gunzip, &more, error);
    gunzip->ended = true;
    return status == SCB_OK && more ? damaged("it goes on after its end", error) : status;
}

static enum scb_status step(struct scb_gunzip *gunzip, struct scb_error *error)
{
    bool more = true;
    enum scb_status status = gunzip->zlib.avail_in == 0 ? refill(gunzip, &more, error) : SCB_OK;
    if (status == SCB_OK && !more)
        return damaged("it ends too early", error);
    if (status != SCB_OK)
        return status;
    int code = inflate(&gunzip->zlib, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate a page");
    if (code == Z_STREAM_END)
        return end(gunzip, error);
    return code == Z_OK || code == Z_BUF_ERROR ? SCB_OK : damaged("it is damaged", error);
}

static enum scb_status too_large(const struct scb_gunzip *gunzip, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                        "gzip: the page inflates to more than %" PRIu64 " bytes", gunzip->max);
    return scb_error_hint(error, "raise backup.max_value_size, if it was larger once");
}

static enum scb_status read_text(void *state, void *data, size_t size, size_t *ret_size,
                                 struct scb_error *error)
{
    struct scb_gunzip *gunzip = state;
    const uInt wanted = (uInt)(size < STEP ? size : STEP);
    enum scb_status status = SCB_OK;
    gunzip->zlib.next_out = data;
    gunzip->zlib.avail_out = wanted;
    while (status == SCB_OK && gunzip->zlib.avail_out == wanted && !gunzip->ended)
        status = step(gunzip, error);
    *ret_size = wanted - gunzip->zlib.avail_out;
    if (status == SCB_OK && *ret_size > gunzip->left)
        return too_large(gunzip, error);
    gunzip->left -= *ret_size;
    return status;
}

struct scb_input scb_gunzip_input(struct scb_gunzip *gunzip)
{
    return (struct scb_input){read_text, gunzip};
}
