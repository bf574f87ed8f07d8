/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: section numbers are those of PKWARE's APPNOTE 6.3. Whether an entry's local header is in
 * the zip64 form ("wide") is decided by what is known when it is written, so that the directory
 * pass comes to the same answer from the same entry and can compute every offset.
 */
#include <assert.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "format/zip.h"

enum {
    LOCAL_HEADER_SIZE = 30,
    WIDE_EXTRA_SIZE = 20,
    DESCRIPTOR_SIZE = 16,
    WIDE_DESCRIPTOR_SIZE = 24,
    NAME_MAX_SIZE = 128,
    STEP = 64 * 1024, /* input is taken in steps of this size, so that read sizes do not show */

    VERSION_STORED = 10, /* 4.4.3.2 */
    VERSION_DEFLATED = 20,
    VERSION_WIDE = 45,
    MADE_BY = 3 << 8 | VERSION_WIDE, /* Unix; 4.4.2 */
    FLAG_DESCRIPTOR = 1 << 3,        /* 4.4.4 */
    DATE = 1 << 5 | 1,               /* 1980-01-01; 4.4.6 */
    DEFLATED = 8,                    /* 4.4.5 */
};

static const uint64_t mode = 0100600ull << 16; /* a plain file, 0600; 4.4.15 */

/* A streamed entry this large is wide: what it deflates to may pass 4 GiB. */
static const uint64_t wide_stream_size = UINT32_MAX - (UINT32_MAX >> 4);

/* Header fields, little-endian, one after the other. */
struct record {
    uint8_t bytes[256];
    size_t size;
};

static void put(struct record *record, uint64_t value, size_t size)
{
    assert(record->size + size <= sizeof(record->bytes));
    for (size_t i = 0; i < size; i++)
        record->bytes[record->size++] = (uint8_t)(value >> (8 * i));
}

static void put_name(struct record *record, const char *name)
{
    size_t size = strlen(name);
    assert(size <= NAME_MAX_SIZE && record->size + size <= sizeof(record->bytes));
    memcpy(record->bytes + record->size, name, size);
    record->size += size;
}

/* A 32-bit field that says "see the zip64 record" where the value does not fit. */
static uint64_t narrow(uint64_t value)
{
    return value < UINT32_MAX ? value : UINT32_MAX;
}

static bool is_wide(const struct scb_zip_entry *entry)
{
    return entry->streamed ? entry->size >= wide_stream_size
                           : entry->size >= UINT32_MAX || entry->compressed_size >= UINT32_MAX;
}

static uint64_t version_needed(const struct scb_zip_entry *entry, bool wide)
{
    return wide ? VERSION_WIDE : entry->stored ? VERSION_STORED : VERSION_DEFLATED;
}

/* What local header and central record have in common, from the version needed to the date. */
static void put_common(struct record *record, const struct scb_zip_entry *entry, bool wide)
{
    put(record, version_needed(entry, wide), 2);
    put(record, entry->streamed ? FLAG_DESCRIPTOR : 0, 2);
    put(record, entry->stored ? 0 : DEFLATED, 2);
    put(record, 0, 2); /* time */
    put(record, DATE, 2);
}

static enum scb_status emit(struct scb_zip_writer *writer, const void *data, size_t size,
                            struct scb_error *error)
{
    enum scb_status status = writer->sink.write(writer->sink.state, data, size, error);
    if (status == SCB_OK)
        writer->offset += size;
    return status;
}

/* 4.3.7; a streamed entry's numbers are zero and follow in the descriptor. */
static enum scb_status emit_local_header(struct scb_zip_writer *writer,
                                         const struct scb_zip_entry *entry, struct scb_error *error)
{
    assert(writer->directory_offset == 0);
    bool wide = is_wide(entry);
    uint64_t size = entry->streamed ? 0 : entry->size;
    uint64_t compressed_size = entry->streamed ? 0 : entry->compressed_size;
    struct record record = {.size = 0};
    put(&record, 0x04034b50, 4);
    put_common(&record, entry, wide);
    put(&record, entry->streamed ? 0 : entry->crc32, 4);
    put(&record, wide ? UINT32_MAX : compressed_size, 4);
    put(&record, wide ? UINT32_MAX : size, 4);
    put(&record, strlen(entry->name), 2);
    put(&record, wide ? WIDE_EXTRA_SIZE : 0, 2);
    put_name(&record, entry->name);
    if (wide) { /* 4.5.3 */
        put(&record, 1, 2);
        put(&record, WIDE_EXTRA_SIZE - 4, 2);
        put(&record, size, 8);
        put(&record, compressed_size, 8);
    }
    enum scb_status status = emit(writer, record.bytes, record.size, error);
    if (status == SCB_OK)
        writer->entries++;
    return status;
}

/* 4.3.9 */
static enum scb_status emit_descriptor(struct scb_zip_writer *writer,
                                       const struct scb_zip_entry *entry, struct scb_error *error)
{
    size_t width = is_wide(entry) ? 8 : 4;
    struct record record = {.size = 0};
    put(&record, 0x08074b50, 4);
    put(&record, entry->crc32, 4);
    put(&record, entry->compressed_size, width);
    put(&record, entry->size, width);
    return emit(writer, record.bytes, record.size, error);
}

/* Bytes from an entry's local header to the next one's. */
static uint64_t entry_span(const struct scb_zip_entry *entry)
{
    bool wide = is_wide(entry);
    uint64_t span = LOCAL_HEADER_SIZE + strlen(entry->name) + (wide ? WIDE_EXTRA_SIZE : 0);
    if (entry->streamed)
        span += wide ? WIDE_DESCRIPTOR_SIZE : DESCRIPTOR_SIZE;
    return span + entry->compressed_size;
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
    if (deflateInit2(&stream->zlib, SCB_ZIP_STREAM_LEVEL, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL - 1,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to deflate %s", entry->name);
    entry->streamed = !entry->stored;
    enum scb_status status = emit_local_header(writer, entry, error);
    if (status == SCB_OK)
        status = emit_content(writer, entry, input, stream, error);
    if (status == SCB_OK && entry->streamed)
        status = emit_descriptor(writer, entry, error);
    (void)deflateEnd(&stream->zlib);
    return status;
}

void scb_zip_writer_begin_directory(struct scb_zip_writer *writer)
{
    writer->directory_offset = writer->offset;
}

/* 4.3.12, with those fields in the zip64 extra (4.5.3) that do not fit. */
enum scb_status scb_zip_writer_add_record(struct scb_zip_writer *writer,
                                          const struct scb_zip_entry *entry,
                                          struct scb_error *error)
{
    uint64_t offset = writer->directory_entry_offset;
    const uint64_t numbers[] = {entry->size, entry->compressed_size, offset};
    struct record extra = {.size = 0};
    for (size_t i = 0; i < SCB_LENGTH(numbers); i++)
        if (numbers[i] >= UINT32_MAX)
            put(&extra, numbers[i], 8);
    size_t extra_size = extra.size == 0 ? 0 : extra.size + 4;
    struct record record = {.size = 0};
    put(&record, 0x02014b50, 4);
    put(&record, MADE_BY, 2);
    put_common(&record, entry, extra_size > 0 || is_wide(entry));
    put(&record, entry->crc32, 4);
    put(&record, narrow(entry->compressed_size), 4);
    put(&record, narrow(entry->size), 4);
    put(&record, strlen(entry->name), 2);
    put(&record, extra_size, 2);
    put(&record, 0, 2); /* comment */
    put(&record, 0, 2); /* disk */
    put(&record, 0, 2); /* internal attributes */
    put(&record, mode, 4);
    put(&record, narrow(offset), 4);
    put_name(&record, entry->name);
    if (extra_size > 0) {
        put(&record, 1, 2);
        put(&record, extra.size, 2);
        memcpy(record.bytes + record.size, extra.bytes, extra.size);
        record.size += extra.size;
    }
    writer->directory_entry_offset += entry_span(entry);
    writer->directory_entries++;
    return emit(writer, record.bytes, record.size, error);
}

/* 4.3.14 and 4.3.15 */
static void put_wide_end(struct record *record, const struct scb_zip_writer *writer)
{
    put(record, 0x06064b50, 4);
    put(record, 44, 8); /* of what follows */
    put(record, MADE_BY, 2);
    put(record, VERSION_WIDE, 2);
    put(record, 0, 4); /* this disk */
    put(record, 0, 4); /* the directory's disk */
    put(record, writer->entries, 8);
    put(record, writer->entries, 8);
    put(record, writer->offset - writer->directory_offset, 8);
    put(record, writer->directory_offset, 8);
    put(record, 0x07064b50, 4);
    put(record, 0, 4);
    put(record, writer->offset, 8);
    put(record, 1, 4); /* disks */
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
    uint64_t size = writer->offset - writer->directory_offset;
    uint64_t entries = writer->entries < UINT16_MAX ? writer->entries : UINT16_MAX;
    struct record record = {.size = 0};
    if (entries == UINT16_MAX || size >= UINT32_MAX || writer->directory_offset >= UINT32_MAX)
        put_wide_end(&record, writer);
    put(&record, 0x06054b50, 4); /* 4.3.16 */
    put(&record, 0, 2);          /* this disk */
    put(&record, 0, 2);          /* the directory's disk */
    put(&record, entries, 2);
    put(&record, entries, 2);
    put(&record, narrow(size), 4);
    put(&record, narrow(writer->directory_offset), 4);
    put(&record, 0, 2); /* comment */
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

enum scb_status scb_deflater_run(struct scb_deflater *deflater, struct scb_bytes data,
                                 struct scb_buffer *out, uint32_t *ret_crc32,
                                 struct scb_error *error)
{
    scb_buffer_clear(out);
    size_t room = libdeflate_deflate_compress_bound(deflater->compressor, data.size);
    if (room > out->max)
        room = out->max;
    enum scb_status status = scb_buffer_reserve(out, room, error);
    if (status != SCB_OK)
        return status;
    out->size =
        libdeflate_deflate_compress(deflater->compressor, data.data, data.size, out->data, room);
    if (out->size == 0)
        return scb_error_set(error, SCB_ERROR_RESOURCE,
                             "%zu bytes deflate to more than the %zu allowed here", data.size,
                             out->max);
    *ret_crc32 = libdeflate_crc32(0, data.data, data.size);
    return SCB_OK;
}
