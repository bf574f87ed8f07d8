/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: of each record just the numbers are taken out, then the record is made again from them
 * and compared, so that nothing has to be checked field by field.
 */
#include "format/zip_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "format/zip_form.h"

static enum scb_status damaged(const char *what, uint64_t offset, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY, "archive: %s at byte %" PRIu64, what, offset);
    (void)scb_error_hint(error, "it was cut, damaged or made by another program");
    return SCB_ERROR_INTEGRITY;
}

static uint64_t get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* Exactly size bytes, which the file must have there. */
static enum scb_status read_exactly(int fd, uint64_t offset, void *data, size_t size,
                                    struct scb_error *error)
{
    size_t got = 0;
    enum scb_status status = scb_file_read_at(fd, "archive", offset, data, size, &got, error);
    return status == SCB_OK && got < size ? damaged("it ends too early", offset + got, error)
                                          : status;
}

/* The numbers of the end records, which then have to be the whole rest of the file. */
static enum scb_status take_totals(int fd, uint64_t size, struct scb_zip_totals *ret_totals,
                                   struct scb_error *error)
{
    uint8_t end[SCB_ZIP_WIDE_END_SIZE + SCB_ZIP_END_SIZE];
    size_t tail = size < sizeof(end) ? (size_t)size : sizeof(end);
    if (tail < SCB_ZIP_END_SIZE)
        return damaged("no end of a zip", size, error);
    enum scb_status status = read_exactly(fd, size - tail, end, tail, error);
    if (status != SCB_OK)
        return status;
    const uint8_t *last = end + tail - SCB_ZIP_END_SIZE;
    struct scb_zip_totals totals = {.entries = get(last + 10, 2),
                                    .directory_size = get(last + 12, 4),
                                    .directory_offset = get(last + 16, 4)};
    bool wide = totals.entries == UINT16_MAX || totals.directory_size == UINT32_MAX ||
                totals.directory_offset == UINT32_MAX;
    if (wide && tail == sizeof(end))
        totals = (struct scb_zip_totals){.entries = get(end + 32, 8),
                                         .directory_size = get(end + 40, 8),
                                         .directory_offset = get(end + 48, 8)};
    struct scb_zip_record record;
    scb_zip_form_end(&totals, &record);
    uint64_t directory_end = 0;
    if (record.size > tail || memcmp(end + tail - record.size, record.bytes, record.size) != 0 ||
        __builtin_add_overflow(totals.directory_offset, totals.directory_size, &directory_end) ||
        directory_end != size - record.size)
        return damaged("its end records are not in the form that satellite writes",
                       size - (record.size > tail ? tail : record.size), error);
    *ret_totals = totals;
    return SCB_OK;
}

enum scb_status scb_zip_walk_begin(struct scb_zip_walk *walk, int fd, uint64_t size,
                                   struct scb_error *error)
{
    struct scb_zip_totals totals;
    if (size > INT64_MAX)
        return damaged("no end of a zip", size, error);
    enum scb_status status = take_totals(fd, size, &totals, error);
    if (status != SCB_OK)
        return status;
    walk->fd = fd;
    walk->entries = totals.entries;
    walk->directory_offset = totals.directory_offset;
    walk->record_offset = totals.directory_offset;
    walk->directory_end = totals.directory_offset + totals.directory_size;
    walk->given = walk->entry_offset = 0;
    walk->at = walk->end = 0;
    return SCB_OK;
}

/* Where the next unread byte of the directory stands in the file. */
static uint64_t position(const struct scb_zip_walk *walk)
{
    return walk->record_offset - (walk->end - walk->at);
}

/* Has size bytes of the directory in the window. */
static enum scb_status need(struct scb_zip_walk *walk, size_t size, struct scb_error *error)
{
    size_t unread = walk->end - walk->at;
    if (unread >= size)
        return SCB_OK;
    memmove(walk->window, walk->window + walk->at, unread);
    walk->at = 0;
    walk->end = unread;
    uint64_t left = walk->directory_end - walk->record_offset;
    size_t more =
        left < sizeof(walk->window) - unread ? (size_t)left : sizeof(walk->window) - unread;
    if (unread + more < size)
        return damaged("its directory ends too early", walk->directory_end, error);
    enum scb_status status =
        read_exactly(walk->fd, walk->record_offset, walk->window + unread, more, error);
    if (status == SCB_OK) {
        walk->record_offset += more;
        walk->end += more;
    }
    return status;
}

/* The numbers of a record, those in its zip64 extra included; false where that is too short. */
static bool take_numbers(const uint8_t *record, struct scb_zip_place *place)
{
    size_t name_size = (size_t)get(record + 28, 2), extra_size = (size_t)get(record + 30, 2);
    const uint8_t *extra = record + SCB_ZIP_CENTRAL_SIZE + name_size;
    size_t at = 4;
    uint64_t *const numbers[] = {&place->size, &place->compressed_size};
    const size_t fields[] = {24, 20};
    for (size_t i = 0; i < 2; i++) {
        *numbers[i] = get(record + fields[i], 4);
        if (*numbers[i] != UINT32_MAX)
            continue;
        if (at + 8 > extra_size)
            return false;
        *numbers[i] = get(extra + at, 8);
        at += 8;
    }
    place->crc32 = (uint32_t)get(record + 16, 4);
    place->stored = get(record + 10, 2) == 0;
    place->streamed = (get(record + 8, 2) & SCB_ZIP_FLAG_DESCRIPTOR) != 0;
    memcpy(place->name, record + SCB_ZIP_CENTRAL_SIZE, name_size);
    place->name[name_size] = '\0';
    return true;
}

static enum scb_status take_record(struct scb_zip_walk *walk, struct scb_zip_place *place,
                                   struct scb_error *error)
{
    enum { EXTRA_MAX = 28 };
    static const char odd[] = "a record of its directory is not in the form that satellite writes";
    uint64_t start = position(walk), span = 0, next = 0;
    enum scb_status status = need(walk, SCB_ZIP_CENTRAL_SIZE, error);
    if (status != SCB_OK)
        return status;
    size_t name_size = (size_t)get(walk->window + walk->at + 28, 2);
    size_t extra_size = (size_t)get(walk->window + walk->at + 30, 2);
    size_t size = SCB_ZIP_CENTRAL_SIZE + name_size + extra_size;
    if (name_size == 0 || name_size >= sizeof(place->name) || extra_size > EXTRA_MAX)
        return damaged(odd, start, error);
    status = need(walk, size, error);
    if (status != SCB_OK)
        return status;
    if (!take_numbers(walk->window + walk->at, place))
        return damaged(odd, start, error);
    struct scb_zip_record record;
    struct scb_zip_entry entry = scb_zip_form_entry(place);
    place->offset = walk->entry_offset;
    scb_zip_form_central(&entry, place->offset, &record);
    if (record.size != size || memcmp(walk->window + walk->at, record.bytes, size) != 0 ||
        (entry.stored && (entry.streamed || entry.size != entry.compressed_size)))
        return damaged(odd, start, error);
    if (!scb_zip_form_span(&entry, &span) ||
        __builtin_add_overflow(walk->entry_offset, span, &next) || next > walk->directory_offset)
        return damaged("an entry runs into the directory: its record", start, error);
    walk->entry_offset = next;
    walk->at += size;
    return SCB_OK;
}

enum scb_status scb_zip_walk_next(struct scb_zip_walk *walk, bool *ret_more,
                                  struct scb_zip_place *ret_place, struct scb_error *error)
{
    if (walk->given == walk->entries) {
        if (position(walk) != walk->directory_end)
            return damaged("its directory has more than its entries", position(walk), error);
        if (walk->entry_offset != walk->directory_offset)
            return damaged("bytes that belong to no entry", walk->entry_offset, error);
        *ret_more = false;
        return SCB_OK;
    }
    struct scb_zip_place place;
    enum scb_status status = take_record(walk, &place, error);
    if (status == SCB_OK) {
        walk->given++;
        *ret_place = place;
        *ret_more = true;
    }
    return status;
}
