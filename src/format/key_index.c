/* SPDX-License-Identifier: Apache-2.0 */
#include "format/key_index.h"

#include <string.h>

#include "base/file.h"
#include "base/hash.h"

enum { HEAD_SIZE = 64, PAGE_SIZE = 4, ENTRY_SIZE = SCB_KEY_INDEX_HASH + PAGE_SIZE };

static const char magic[8] = "SCBKEYS1";

static void put(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *from, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void scb_key_index_hash(uint64_t seed, struct scb_bytes key, uint8_t ret_hash[SCB_KEY_INDEX_HASH])
{
    put(ret_hash, scb_hash(seed, key), SCB_KEY_INDEX_HASH);
}

enum scb_status scb_key_index_begin(struct scb_key_index_writer *writer,
                                    const struct scb_key_index_head *head, struct scb_error *error)
{
    uint8_t bytes[HEAD_SIZE] = {0};
    memcpy(bytes, magic, sizeof(magic));
    put(bytes + 8, head->seed, 8);
    put(bytes + 16, head->entries, 8);
    memcpy(bytes + 24, head->pages_sha256, sizeof(head->pages_sha256));
    return scb_buffer_append(&writer->pending, bytes, sizeof(bytes), error);
}

enum scb_status scb_key_index_add(struct scb_key_index_writer *writer,
                                  const uint8_t hash[SCB_KEY_INDEX_HASH], uint64_t page,
                                  struct scb_error *error)
{
    uint8_t bytes[ENTRY_SIZE];
    if (page > UINT32_MAX)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "too many pages for an index of keys");
    memcpy(bytes, hash, SCB_KEY_INDEX_HASH);
    put(bytes + SCB_KEY_INDEX_HASH, page, PAGE_SIZE);
    if (writer->pending.max - writer->pending.size < sizeof(bytes)) {
        enum scb_status status = scb_key_index_end(writer, error);
        if (status != SCB_OK)
            return status;
    }
    return scb_buffer_append(&writer->pending, bytes, sizeof(bytes), error);
}

enum scb_status scb_key_index_end(struct scb_key_index_writer *writer, struct scb_error *error)
{
    struct scb_bytes pending = scb_buffer_bytes(&writer->pending);
    enum scb_status status =
        writer->sink.write(writer->sink.state, pending.data, pending.size, error);
    scb_buffer_clear(&writer->pending);
    return status;
}

static enum scb_status read_exactly(int fd, uint64_t offset, void *data, size_t size,
                                    struct scb_error *error)
{
    size_t got = 0;
    enum scb_status status =
        scb_file_read_at(fd, SCB_KEY_INDEX_NAME, offset, data, size, &got, error);
    return status == SCB_OK && got < size
               ? scb_error_set(error, SCB_ERROR_INTEGRITY, "%s is cut", SCB_KEY_INDEX_NAME)
               : status;
}

enum scb_status scb_key_index_read_head(int fd, uint64_t size, const struct scb_manifest *manifest,
                                        struct scb_key_index_head *ret_head,
                                        struct scb_error *error)
{
    uint8_t bytes[HEAD_SIZE];
    enum scb_status status = read_exactly(fd, 0, bytes, sizeof(bytes), error);
    if (status != SCB_OK)
        return status;
    struct scb_key_index_head head = {.seed = get(bytes + 8, 8), .entries = get(bytes + 16, 8)};
    memcpy(head.pages_sha256, bytes + 24, sizeof(head.pages_sha256));
    if (memcmp(bytes, magic, sizeof(magic)) != 0 || head.entries != manifest->total_keys ||
        (size - HEAD_SIZE) / ENTRY_SIZE != head.entries || (size - HEAD_SIZE) % ENTRY_SIZE != 0 ||
        memcmp(head.pages_sha256, manifest->pages_sha256, sizeof(head.pages_sha256)) != 0)
        return scb_error_set(error, SCB_ERROR_INTEGRITY, "%s is not of this archive",
                             SCB_KEY_INDEX_NAME);
    *ret_head = head;
    return SCB_OK;
}

static enum scb_status read_entry(int fd, uint64_t index, uint8_t ret_entry[ENTRY_SIZE],
                                  struct scb_error *error)
{
    return read_exactly(fd, HEAD_SIZE + index * ENTRY_SIZE, ret_entry, ENTRY_SIZE, error);
}

/* The first entry whose hash is not less. */
static enum scb_status find_first(int fd, uint64_t entries, const uint8_t hash[SCB_KEY_INDEX_HASH],
                                  uint64_t *ret_index, struct scb_error *error)
{
    uint64_t from = 0, to = entries;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        uint8_t entry[ENTRY_SIZE];
        enum scb_status status = read_entry(fd, middle, entry, error);
        if (status != SCB_OK)
            return status;
        if (memcmp(entry, hash, SCB_KEY_INDEX_HASH) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *ret_index = from;
    return SCB_OK;
}

enum scb_status scb_key_index_find(int fd, const struct scb_key_index_head *head,
                                   struct scb_bytes key, uint64_t *ret_pages, size_t *count,
                                   struct scb_error *error)
{
    uint8_t hash[SCB_KEY_INDEX_HASH], entry[ENTRY_SIZE];
    uint64_t index = 0;
    size_t room = *count, found = 0;
    scb_key_index_hash(head->seed, key, hash);
    *count = 0;
    enum scb_status status = find_first(fd, head->entries, hash, &index, error);
    for (; status == SCB_OK && index < head->entries; index++) {
        status = read_entry(fd, index, entry, error);
        if (status != SCB_OK || memcmp(entry, hash, sizeof(hash)) != 0)
            break;
        uint64_t page = get(entry + SCB_KEY_INDEX_HASH, PAGE_SIZE);
        if (found > 0 && page <= ret_pages[found - 1]) /* the same, or out of order */
            continue;
        if (found == room)
            return SCB_OK; /* a key that is everywhere is found soon in any case */
        ret_pages[found++] = page;
    }
    if (status == SCB_OK)
        *count = found;
    return status;
}
