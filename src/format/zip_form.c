/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: section numbers are those of PKWARE's APPNOTE 6.3. Whether an entry's local header is in
 * the zip64 form ("wide") is decided by what is known when it is written, so that the directory
 * pass comes to the same answer from the same entry and can compute every offset.
 */
#include "format/zip_form.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

enum {
    WIDE_EXTRA_SIZE = 20,
    DESCRIPTOR_SIZE = 16,
    WIDE_DESCRIPTOR_SIZE = 24,

    VERSION_STORED = 10, /* 4.4.3.2 */
    VERSION_DEFLATED = 20,
    VERSION_WIDE = 45,
    MADE_BY = 3 << 8 | VERSION_WIDE, /* Unix; 4.4.2 */
    DATE = 1 << 5 | 1,               /* 1980-01-01; 4.4.6 */
};

static const uint64_t mode = 0100600ull << 16; /* a plain file, 0600; 4.4.15 */

/* A streamed entry this large is wide: what it deflates to may pass 4 GiB. */
static const uint64_t wide_stream_size = UINT32_MAX - (UINT32_MAX >> 4);

static void put(struct scb_zip_record *record, uint64_t value, size_t size)
{
    assert(record->size + size <= sizeof(record->bytes));
    for (size_t i = 0; i < size; i++)
        record->bytes[record->size++] = (uint8_t)(value >> (8 * i));
}

static void put_name(struct scb_zip_record *record, const char *name)
{
    size_t size = strlen(name);
    assert(size <= SCB_ZIP_NAME_MAX && record->size + size <= sizeof(record->bytes));
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
static void put_common(struct scb_zip_record *record, const struct scb_zip_entry *entry, bool wide)
{
    put(record, version_needed(entry, wide), 2);
    put(record, entry->streamed ? SCB_ZIP_FLAG_DESCRIPTOR : 0, 2);
    put(record, entry->stored ? 0 : SCB_ZIP_DEFLATED, 2);
    put(record, 0, 2); /* time */
    put(record, DATE, 2);
}

/* 4.3.7 */
struct scb_zip_entry scb_zip_form_entry(const struct scb_zip_place *place)
{
    return (struct scb_zip_entry){.name = place->name,
                                  .crc32 = place->crc32,
                                  .size = place->size,
                                  .compressed_size = place->compressed_size,
                                  .stored = place->stored,
                                  .streamed = place->streamed};
}

void scb_zip_form_local_header(const struct scb_zip_entry *entry, struct scb_zip_record *ret_record)
{
    bool wide = is_wide(entry);
    uint64_t size = entry->streamed ? 0 : entry->size;
    uint64_t compressed_size = entry->streamed ? 0 : entry->compressed_size;
    struct scb_zip_record *record = ret_record;
    record->size = 0;
    put(record, 0x04034b50, 4);
    put_common(record, entry, wide);
    put(record, entry->streamed ? 0 : entry->crc32, 4);
    put(record, wide ? UINT32_MAX : compressed_size, 4);
    put(record, wide ? UINT32_MAX : size, 4);
    put(record, strlen(entry->name), 2);
    put(record, wide ? WIDE_EXTRA_SIZE : 0, 2);
    put_name(record, entry->name);
    if (wide) { /* 4.5.3 */
        put(record, 1, 2);
        put(record, WIDE_EXTRA_SIZE - 4, 2);
        put(record, size, 8);
        put(record, compressed_size, 8);
    }
}

/* 4.3.9 */
void scb_zip_form_descriptor(const struct scb_zip_entry *entry, struct scb_zip_record *ret_record)
{
    size_t width = is_wide(entry) ? 8 : 4;
    ret_record->size = 0;
    put(ret_record, 0x08074b50, 4);
    put(ret_record, entry->crc32, 4);
    put(ret_record, entry->compressed_size, width);
    put(ret_record, entry->size, width);
}

/* 4.3.12, with those fields in the zip64 extra (4.5.3) that do not fit. */
void scb_zip_form_central(const struct scb_zip_entry *entry, uint64_t offset,
                          struct scb_zip_record *ret_record)
{
    const uint64_t numbers[] = {entry->size, entry->compressed_size, offset};
    struct scb_zip_record extra = {.size = 0}, *record = ret_record;
    for (size_t i = 0; i < SCB_LENGTH(numbers); i++)
        if (numbers[i] >= UINT32_MAX)
            put(&extra, numbers[i], 8);
    size_t extra_size = extra.size == 0 ? 0 : extra.size + 4;
    record->size = 0;
    put(record, 0x02014b50, 4);
    put(record, MADE_BY, 2);
    put_common(record, entry, extra_size > 0 || is_wide(entry));
    put(record, entry->crc32, 4);
    put(record, narrow(entry->compressed_size), 4);
    put(record, narrow(entry->size), 4);
    put(record, strlen(entry->name), 2);
    put(record, extra_size, 2);
    put(record, 0, 2); /* comment */
    put(record, 0, 2); /* disk */
    put(record, 0, 2); /* internal attributes */
    put(record, mode, 4);
    put(record, narrow(offset), 4);
    put_name(record, entry->name);
    if (extra_size > 0) {
        put(record, 1, 2);
        put(record, extra.size, 2);
        memcpy(record->bytes + record->size, extra.bytes, extra.size);
        record->size += extra.size;
    }
}

/* 4.3.14 and 4.3.15 */
static void put_wide_end(struct scb_zip_record *record, const struct scb_zip_totals *totals)
{
    put(record, 0x06064b50, 4);
    put(record, 44, 8); /* of what follows */
    put(record, MADE_BY, 2);
    put(record, VERSION_WIDE, 2);
    put(record, 0, 4); /* this disk */
    put(record, 0, 4); /* the directory's disk */
    put(record, totals->entries, 8);
    put(record, totals->entries, 8);
    put(record, totals->directory_size, 8);
    put(record, totals->directory_offset, 8);
    put(record, 0x07064b50, 4);
    put(record, 0, 4);
    put(record, totals->directory_offset + totals->directory_size, 8);
    put(record, 1, 4); /* disks */
}

void scb_zip_form_end(const struct scb_zip_totals *totals, struct scb_zip_record *ret_record)
{
    uint64_t entries = totals->entries < UINT16_MAX ? totals->entries : UINT16_MAX;
    struct scb_zip_record *record = ret_record;
    record->size = 0;
    if (entries == UINT16_MAX || totals->directory_size >= UINT32_MAX ||
        totals->directory_offset >= UINT32_MAX)
        put_wide_end(record, totals);
    put(record, 0x06054b50, 4); /* 4.3.16 */
    put(record, 0, 2);          /* this disk */
    put(record, 0, 2);          /* the directory's disk */
    put(record, entries, 2);
    put(record, entries, 2);
    put(record, narrow(totals->directory_size), 4);
    put(record, narrow(totals->directory_offset), 4);
    put(record, 0, 2); /* comment */
}

uint64_t scb_zip_form_header_size(const struct scb_zip_entry *entry)
{
    return SCB_ZIP_LOCAL_HEADER_SIZE + strlen(entry->name) + (is_wide(entry) ? WIDE_EXTRA_SIZE : 0);
}

bool scb_zip_form_span(const struct scb_zip_entry *entry, uint64_t *ret_span)
{
    uint64_t span = scb_zip_form_header_size(entry);
    if (entry->streamed)
        span += is_wide(entry) ? WIDE_DESCRIPTOR_SIZE : DESCRIPTOR_SIZE;
    return !__builtin_add_overflow(span, entry->compressed_size, ret_span);
}
