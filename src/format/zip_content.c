/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/zip_form.h"
#include "format/zip_walk.h"

enum { STEP = 64 * 1024 };

static enum scb_status damaged(const struct scb_zip_place *place, const char *what,
                               struct scb_error *error)
{
    char name[2 * SCB_ZIP_NAME_SIZE];
    const struct scb_bytes bytes = {(const uint8_t *)place->name, strlen(place->name)};
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: %s is damaged: %s",
                        scb_text_printable(bytes, name, sizeof(name)), what);
    (void)scb_error_hint(error, "take the archive from another copy");
    return SCB_ERROR_INTEGRITY;
}

/* The bytes at offset are those of expected. */
static enum scb_status compare(int fd, uint64_t offset, const struct scb_zip_record *expected,
                               const struct scb_zip_place *place, struct scb_error *error)
{
    uint8_t bytes[sizeof(expected->bytes)];
    size_t got = 0;
    enum scb_status status =
        scb_file_read_at(fd, "archive", offset, bytes, expected->size, &got, error);
    if (status == SCB_OK &&
        (got < expected->size || memcmp(bytes, expected->bytes, expected->size) != 0))
        status = damaged(place, "its header is not that of the directory", error);
    return status;
}

/* Checks what stands around the content; says where that begins. */
static enum scb_status check_frame(int fd, const struct scb_zip_place *place, uint64_t *ret_offset,
                                   struct scb_error *error)
{
    struct scb_zip_record record;
    struct scb_zip_entry entry = scb_zip_form_entry(place);
    scb_zip_form_local_header(&entry, &record);
    uint64_t offset = place->offset + scb_zip_form_header_size(&entry);
    enum scb_status status = compare(fd, place->offset, &record, place, error);
    if (status == SCB_OK && place->streamed) {
        scb_zip_form_descriptor(&entry, &record);
        status = compare(fd, offset + place->compressed_size, &record, place, error);
    }
    *ret_offset = offset;
    return status;
}

struct scb_zip_content {
    int fd;
    struct scb_zip_place place;
    uint64_t offset; /* of the next compressed byte */
    uint64_t left;   /* compressed bytes not yet read */
    uint64_t size;   /* bytes given */
    uint32_t crc32;
    bool ended; /* the deflated stream has */
    bool inflating;
    z_stream zlib;
    uint8_t in[STEP];
};

enum scb_status scb_zip_content_open(int fd, const struct scb_zip_place *place,
                                     struct scb_zip_content **ret_content, struct scb_error *error)
{
    struct scb_zip_content *content = scb_alloc(1, sizeof(*content), error);
    if (content == NULL)
        return SCB_ERROR_RESOURCE;
    content->fd = fd;
    content->place = *place;
    content->left = place->compressed_size;
    enum scb_status status = check_frame(fd, place, &content->offset, error);
    if (status == SCB_OK && !place->stored) {
        content->inflating = inflateInit2(&content->zlib, -MAX_WBITS) == Z_OK;
        if (!content->inflating)
            status =
                scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate %s", place->name);
    }
    if (status != SCB_OK) {
        scb_zip_content_close(content);
        return status;
    }
    *ret_content = content;
    return SCB_OK;
}

void scb_zip_content_close(struct scb_zip_content *content)
{
    if (content == NULL)
        return;
    if (content->inflating)
        (void)inflateEnd(&content->zlib);
    free(content);
}

/* Up to size compressed bytes; *ret_size is 0 when there are no more. */
static enum scb_status take_compressed(struct scb_zip_content *content, void *data, size_t size,
                                       size_t *ret_size, struct scb_error *error)
{
    size = content->left < size ? (size_t)content->left : size;
    enum scb_status status =
        scb_file_read_at(content->fd, "archive", content->offset, data, size, ret_size, error);
    if (status == SCB_OK && *ret_size < size)
        return damaged(&content->place, "it ends too early", error);
    content->offset += size;
    content->left -= size;
    return status;
}

static enum scb_status take_inflated(struct scb_zip_content *content, void *data, size_t size,
                                     size_t *ret_size, struct scb_error *error)
{
    z_stream *zlib = &content->zlib;
    zlib->next_out = data;
    zlib->avail_out = (uInt)size;
    while (zlib->avail_out == size && !content->ended) {
        if (zlib->avail_in == 0) {
            size_t got = 0;
            enum scb_status status = take_compressed(content, content->in, STEP, &got, error);
            if (status != SCB_OK)
                return status;
            if (got == 0)
                return damaged(&content->place, "its deflated bytes end too early", error);
            zlib->next_in = content->in;
            zlib->avail_in = (uInt)got;
        }
        int code = inflate(zlib, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR)
            return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate %s",
                                 content->place.name);
        content->ended = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END)
            return damaged(&content->place, "its deflated bytes are none", error);
    }
    *ret_size = size - zlib->avail_out;
    if (content->ended && (zlib->avail_in > 0 || content->left > 0))
        return damaged(&content->place, "its deflated bytes go on after their end", error);
    return SCB_OK;
}

static enum scb_status content_read(void *state, void *data, size_t size, size_t *ret_size,
                                    struct scb_error *error)
{
    struct scb_zip_content *content = state;
    const struct scb_zip_place *place = &content->place;
    size = size < STEP ? size : STEP;
    enum scb_status status = place->stored ? take_compressed(content, data, size, ret_size, error)
                                           : take_inflated(content, data, size, ret_size, error);
    if (status != SCB_OK)
        return status;
    content->size += *ret_size;
    content->crc32 = libdeflate_crc32(content->crc32, data, *ret_size);
    if (content->size > place->size || (*ret_size == 0 && content->size < place->size))
        return damaged(place, "its size is not that of the directory", error);
    if (*ret_size == 0 && content->crc32 != place->crc32)
        return damaged(place, "its CRC is not that of the directory", error);
    return SCB_OK;
}

struct scb_input scb_zip_content_input(struct scb_zip_content *content)
{
    return (struct scb_input){content_read, content};
}

struct scb_inflater {
    struct libdeflate_decompressor *decompressor;
    struct scb_buffer compressed;
};

enum scb_status scb_inflater_new(struct scb_inflater **ret_inflater, struct scb_error *error)
{
    struct scb_inflater *inflater = scb_alloc(1, sizeof(*inflater), error);
    if (inflater == NULL)
        return SCB_ERROR_RESOURCE;
    inflater->decompressor = libdeflate_alloc_decompressor();
    if (inflater->decompressor == NULL) {
        free(inflater);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to inflate pages");
    }
    *ret_inflater = inflater;
    return SCB_OK;
}

void scb_inflater_free(struct scb_inflater *inflater)
{
    if (inflater == NULL)
        return;
    libdeflate_free_decompressor(inflater->decompressor);
    scb_buffer_free(&inflater->compressed);
    free(inflater);
}

/* The bytes as they stand in the archive, into an empty buffer. */
static enum scb_status read_bytes(int fd, uint64_t offset, const struct scb_zip_place *place,
                                  struct scb_buffer *out, struct scb_error *error)
{
    size_t size = (size_t)place->compressed_size;
    enum scb_status status = scb_buffer_reserve(out, size, error);
    if (status == SCB_OK)
        status = scb_file_read_at(fd, "archive", offset, out->data, size, &out->size, error);
    if (status == SCB_OK && out->size < size)
        status = damaged(place, "it ends too early", error);
    return status;
}

static enum scb_status inflate_whole(struct scb_inflater *inflater, int fd, uint64_t offset,
                                     const struct scb_zip_place *place, struct scb_buffer *out,
                                     struct scb_error *error)
{
    size_t used = 0, made = 0;
    /* Nothing deflates to more by more than this, so that a forged size costs no memory. */
    if (place->compressed_size > place->size + place->size / 1024 + 1024)
        return damaged(place, "its deflated bytes are too many", error);
    inflater->compressed.max = (size_t)place->compressed_size;
    scb_buffer_clear(&inflater->compressed);
    enum scb_status status = scb_buffer_reserve(out, (size_t)place->size, error);
    if (status == SCB_OK)
        status = read_bytes(fd, offset, place, &inflater->compressed, error);
    if (status != SCB_OK)
        return status;
    struct scb_bytes compressed = scb_buffer_bytes(&inflater->compressed);
    enum libdeflate_result result =
        libdeflate_deflate_decompress_ex(inflater->decompressor, compressed.data, compressed.size,
                                         out->data, (size_t)place->size, &used, &made);
    if (result != LIBDEFLATE_SUCCESS)
        return damaged(place, "its deflated bytes are none, or of another size", error);
    if (used != compressed.size || made != place->size)
        return damaged(place, "its size is not that of the directory", error);
    out->size = made;
    return SCB_OK;
}

enum scb_status scb_inflater_run(struct scb_inflater *inflater, int fd,
                                 const struct scb_zip_place *place, struct scb_buffer *out,
                                 struct scb_error *error)
{
    uint64_t offset = 0;
    scb_buffer_clear(out);
    enum scb_status status = check_frame(fd, place, &offset, error);
    if (status == SCB_OK && place->size > out->max)
        return scb_error_set(error, SCB_ERROR_RESOURCE,
                             "archive: %s has %" PRIu64 " bytes, at most %zu can be held",
                             place->name, place->size, out->max);
    if (status == SCB_OK)
        status = place->stored ? read_bytes(fd, offset, place, out, error)
                               : inflate_whole(inflater, fd, offset, place, out, error);
    if (status == SCB_OK && libdeflate_crc32(0, out->data, out->size) != place->crc32)
        status = damaged(place, "its CRC is not that of the directory", error);
    return status;
}
