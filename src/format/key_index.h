/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.index: where to look first for a key of one archive. A hint, never trusted: whoever does not
 * find the key there looks through the archive. docs/formats.md has its form.
 */
#ifndef SCB_FORMAT_KEY_INDEX_H
#define SCB_FORMAT_KEY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "format/manifest.h"
#include "scb/entry.h"
#include "scb/error.h"

#define SCB_KEY_INDEX_NAME "keys.index"

enum { SCB_KEY_INDEX_HASH = 8, SCB_KEY_INDEX_BUFFER = 64 * 1024 };

/* Which archive it belongs to, and the seed of its hashes (base/hash.h). */
struct scb_key_index_head {
    uint64_t seed;
    uint64_t entries;
    uint8_t pages_sha256[SCB_SHA256_SIZE];
};

/* The hash of a key as bytes, in whose order the entries stand. */
void scb_key_index_hash(uint64_t seed, struct scb_bytes key, uint8_t ret_hash[SCB_KEY_INDEX_HASH]);

/* {.sink} with .pending = {.max = SCB_KEY_INDEX_BUFFER}; its owner frees pending. */
struct scb_key_index_writer {
    struct scb_sink sink;
    struct scb_buffer pending;
};

SCB_MUST_CHECK enum scb_status scb_key_index_begin(struct scb_key_index_writer *writer,
                                                   const struct scb_key_index_head *head,
                                                   struct scb_error *error);
/* head->entries times, in the order of the hashes. */
SCB_MUST_CHECK enum scb_status scb_key_index_add(struct scb_key_index_writer *writer,
                                                 const uint8_t hash[SCB_KEY_INDEX_HASH],
                                                 uint64_t page, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_key_index_end(struct scb_key_index_writer *writer,
                                                 struct scb_error *error);

/* IntegrityError where the file is none, or not of this manifest. */
SCB_MUST_CHECK enum scb_status scb_key_index_read_head(int fd, uint64_t size,
                                                       const struct scb_manifest *manifest,
                                                       struct scb_key_index_head *ret_head,
                                                       struct scb_error *error);
/* The pages that may have the key, in their order, each once; at most count of them, or none. */
SCB_MUST_CHECK enum scb_status scb_key_index_find(int fd, const struct scb_key_index_head *head,
                                                  struct scb_bytes key, uint64_t *ret_pages,
                                                  size_t *count, struct scb_error *error);

#endif
