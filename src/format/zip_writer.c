/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "format/zip.h"
#include "format/zip_form.h"

enum {
    STEP = 64 * 1024, /* input is taken in steps of this size, so that read sizes do not show */
};

static enum scb_status emit(struct scb_zip_writer *writer, const void *data, size_t size,
                            struct scb_error *error)
{
    enum scb_status status = writer->sink.write(writer->sink.state, data, size, error);
    if (status == SCB_OK)
        writer->offset += size;
    return status;
}

static enum scb_status emit_local_header(struct scb_zip_writer *writer,
                                         const struct scb_zip_entry *entry, struct scb_error *error)
{
    assert(writer->directory_offset == 0);
    struct scb_zip_record record;
    scb_zip_form_local_header(entry, &record);
    enum scb_status status = emit(writer, record.bytes, record.size, error);
    if (status == SCB_OK)
        writer->entries++;
    return status;
}

static enum scb_status emit_descriptor(struct scb_zip_writer *writer,
                                       const struct scb_zip_entry *entry, struct scb_error *error)
{
    struct scb_zip_record record;
    scb_zip_form_descriptor(entry, &record);
    return emit(writer, record.bytes, record.size, error);
}

void scb_zip_writer_begin(struct scb_zip_writer *writer, struct scb_sink sink)
{
    *writer = (struct scb_zip_writer){.sink = sink};
}

enum scb_status scb_zip_writer_add(struct scb_zip_writer *writer, const struct scb_zip_entry *entry,
                                   struct scb_bytes compressed, struct scb_error *error)
{
    assert(!entry->streamed && entry->compressed_size == compressed.size);
    assert(!entry->stored || entry->size == entry->compressed_size);
    enum scb_status status = emit_local_header(writer, entry, error);
    return status == SCB_OK ? emit(writer, compressed.data, compressed.size, error) : status;
}

struct stream {
    z_stream zlib;
    uint8_t in[STEP];
    uint8_t out[STEP];
};

/* A whole step; less only at the end of input. */
static enum scb_status read_step(struct scb_input input, uint8_t in[STEP], size_t *ret_size,
                                 struct scb_error *error)
{
    size_t size = 0, got = 1;
    while (size < STEP && got > 0) {
        enum scb_status status = input.read(input.state, in + size, STEP - size, &got, error);
        if (status != SCB_OK)
            return status;
        size += got;
    }
    *ret_size = size;
    return SCB_OK;
}

static enum scb_status emit_deflated(struct scb_zip_writer *writer, struct stream *stream,
                                     size_t size, bool last, struct scb_error *error)
{
    z_stream *zlib = &stream->zlib;
    zlib->next_in = stream->in;
    zlib->avail_in = (uInt)size;
    do {
        zlib->next_out = stream->out;
        zlib->avail_out = STEP;
        if (deflate(zlib, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
            return scb_error_set(error, SCB_ERROR_INTERNAL, "zlib lost its state");
        enum scb_status status = emit(writer, stream->out, STEP - zlib->avail_out, error);
        if (status != SCB_OK)
            return status;
    } while (zlib->avail_out == 0);
    return SCB_OK;
}

static enum scb_status changed(const struct scb_zip_entry *entry, const char *how,
                               struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        "%s has changed since it was written: %s than its %" PRIu64 " bytes",
                        entry->name, how, entry->size);
    (void)scb_error_hint(error, "run satellite backup retry, which reads it again");
    return SCB_ERROR_INTEGRITY;
}

static enum scb_status emit_content(struct scb_zip_writer *writer, struct scb_zip_entry *entry,
                                    struct scb_input input, struct stream *stream,
                                    struct scb_error *error)
{
    uint64_t start = writer->offset, total = 0;
    uint32_t crc32 = 0;
    for (size_t size = STEP; size == STEP;) {
        enum scb_status status = read_step(input, stream->in, &size, error);
        if (status != SCB_OK)
            return status;
        total += size;
        if (total > entry->size || (size < STEP && total < entry->size))
            return changed(entry, total > entry->size ? "more" : "fewer", error);
        crc32 = libdeflate_crc32(crc32, stream->in, size);
        status = entry->stored ? emit(writer, stream->in, size, error)
                               : emit_deflated(writer, stream, size, size < STEP, error);
        if (status != SCB_OK)
            return status;
    }
    if (entry->stored && crc32 != entry->crc32)
        return changed(entry, "others", error);
    entry->crc32 = crc32;
    entry->compressed_size = writer->offset - start;
    return SCB_OK;
}

enum scb_status scb_zip_writer_stream(struct scb_zip_writer *writer, struct scb_zip_entry *entry,
                                      struct scb_input input, struct scb_error *error)
{
    assert(!entry->stored || entry->size == entry->compressed_size);
    SCB_AUTO(memory) struct stream *stream = scb_alloc(1, sizeof(*stream), error);
    if (stream == NULL)
        return SCB_ERROR_RESOURCE;
    entry->streamed = !entry->stored;
    if (entry->streamed && deflateInit2(&stream->zlib, SCB_ZIP_STREAM_LEVEL, Z_DEFLATED, -MAX_WBITS,
                                        MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) != Z_OK)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to deflate %s", entry->name);
    enum scb_status status = emit_local_header(writer, entry, error);
    if (status == SCB_OK)
        status = emit_content(writer, entry, input, stream, error);
    if (status == SCB_OK && entry->streamed)
        status = emit_descriptor(writer, entry, error);
    if (entry->streamed)
        (void)deflateEnd(&stream->zlib);
    return status;
}

void scb_zip_writer_begin_directory(struct scb_zip_writer *writer)
{
    writer->directory_offset = writer->offset;
}

enum scb_status scb_zip_writer_add_record(struct scb_zip_writer *writer,
                                          const struct scb_zip_entry *entry,
                                          struct scb_error *error)
{
    struct scb_zip_record record;
    uint64_t span = 0;
    scb_zip_form_central(entry, writer->directory_entry_offset, &record);
    bool fits = scb_zip_form_span(entry, &span);
    assert(fits);
    writer->directory_entry_offset += span;
    writer->directory_entries++;
    return emit(writer, record.bytes, record.size, error);
}

enum scb_status scb_zip_writer_end(struct scb_zip_writer *writer, struct scb_error *error)
{
    if (writer->directory_entries != writer->entries ||
        writer->directory_entry_offset != writer->directory_offset)
        return scb_error_set(error, SCB_ERROR_INTERNAL,
                             "zip: the directory's %" PRIu64 " entries end at byte %" PRIu64
                             ", the %" PRIu64 " that were written at byte %" PRIu64,
                             writer->directory_entries, writer->directory_entry_offset,
                             writer->entries, writer->directory_offset);
    const struct scb_zip_totals totals = {.entries = writer->entries,
                                          .directory_offset = writer->directory_offset,
                                          .directory_size =
                                              writer->offset - writer->directory_offset};
    struct scb_zip_record record;
    scb_zip_form_end(&totals, &record);
    return emit(writer, record.bytes, record.size, error);
}

struct scb_deflater {
    struct libdeflate_compressor *compressor;
};

enum scb_status scb_deflater_new(struct scb_deflater **ret_deflater, struct scb_error *error)
{
    struct scb_deflater *deflater = scb_alloc(1, sizeof(*deflater), error);
    if (deflater == NULL)
        return SCB_ERROR_RESOURCE;
    deflater->compressor = libdeflate_alloc_compressor(SCB_ZIP_LEVEL);
    if (deflater->compressor == NULL) {
        free(deflater);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to deflate pages");
    }
    *ret_deflater = deflater;
    return SCB_OK;
}

void scb_deflater_free(struct scb_deflater *deflater)
{
    if (deflater == NULL)
        return;
    libdeflate_free_compressor(deflater->compressor);
    free(deflater);
}

/* Room for what is at most bound bytes: *ret_room of them. */
static enum scb_status make_room(struct scb_buffer *out, size_t bound, size_t *ret_room,
                                 struct scb_error *error)
{
    scb_buffer_clear(out);
    *ret_room = bound < out->max ? bound : out->max;
    return scb_buffer_reserve(out, *ret_room, error);
}

/* libdeflate gives a size of 0 for what does not fit. */
static enum scb_status check_size(const struct scb_buffer *out, struct scb_bytes data,
                                  struct scb_error *error)
{
    if (out->size > 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_RESOURCE,
                         "%zu bytes deflate to more than the %zu allowed here", data.size,
                         out->max);
}

enum scb_status scb_deflater_run(struct scb_deflater *deflater, struct scb_bytes data,
                                 struct scb_buffer *out, uint32_t *ret_crc32,
                                 struct scb_error *error)
{
    struct libdeflate_compressor *compressor = deflater->compressor;
    size_t room = 0;
    enum scb_status status =
        make_room(out, libdeflate_deflate_compress_bound(compressor, data.size), &room, error);
    if (status != SCB_OK)
        return status;
    out->size = libdeflate_deflate_compress(compressor, data.data, data.size, out->data, room);
    *ret_crc32 = libdeflate_crc32(0, data.data, data.size);
    return check_size(out, data, error);
}

enum scb_status scb_deflater_gzip(struct scb_deflater *deflater, struct scb_bytes data,
                                  struct scb_buffer *out, struct scb_error *error)
{
    struct libdeflate_compressor *compressor = deflater->compressor;
    size_t room = 0;
    enum scb_status status =
        make_room(out, libdeflate_gzip_compress_bound(compressor, data.size), &room, error);
    if (status != SCB_OK)
        return status;
    out->size = libdeflate_gzip_compress(compressor, data.data, data.size, out->data, room);
    return check_size(out, data, error);
}
