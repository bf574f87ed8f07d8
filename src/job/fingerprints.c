/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a sorted array, searched by halves. A hash table would want half as much memory again
 * and save microseconds beside a transaction's milliseconds.
 */
#include "job/fingerprints.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "crypto/digest.h"

enum {
    HALF = 16,
    SALT_SIZE = 32,
    SEEN = 1, /* the lowest bit of a mark; the index is above it */
};

struct fingerprint {
    uint8_t key[HALF];
    uint8_t rest[HALF]; /* of value and version */
    uint64_t mark;
};

/* glibc's qsort, where elements are that large, sorts pointers to them aside: two more. */
enum { EACH = sizeof(struct fingerprint) + 2 * sizeof(void *) };

struct scb_fingerprints {
    struct scb_digest digest;
    uint8_t salt[SALT_SIZE];
    struct fingerprint *items;
    uint64_t count, room;
    bool sorted;
};

enum scb_status scb_fingerprints_new(uint64_t room, uint64_t max_bytes,
                                     struct scb_fingerprints **ret_fingerprints,
                                     struct scb_error *error)
{
    if (room > max_bytes / EACH) {
        char limit[32];
        scb_text_format_size(max_bytes, limit, sizeof(limit));
        scb_error_set(error, SCB_ERROR_RESOURCE,
                      "comparing %llu keys takes %d bytes each, over backup.memory_limit %s",
                      (unsigned long long)room, EACH, limit);
        return scb_error_hint(error, "raise backup.memory_limit");
    }
    struct scb_fingerprints *made = scb_alloc(1, sizeof(*made), error);
    if (made == NULL)
        return SCB_ERROR_RESOURCE;
    made->room = room;
    made->items = scb_alloc(room + 1, sizeof(*made->items), error);
    if (made->items == NULL) {
        scb_fingerprints_free(made);
        return SCB_ERROR_RESOURCE;
    }
    enum scb_status status = scb_random(made->salt, sizeof(made->salt), error);
    if (status != SCB_OK) {
        scb_fingerprints_free(made);
        return status;
    }
    *ret_fingerprints = made;
    return SCB_OK;
}

void scb_fingerprints_free(struct scb_fingerprints *fingerprints)
{
    if (fingerprints == NULL)
        return;
    scb_digest_free(&fingerprints->digest);
    free(fingerprints->items);
    free(fingerprints);
}

/* The digest of up to three pieces, each led by its length, so that no bytes can change sides. */
static enum scb_status digest_of(struct scb_fingerprints *fingerprints,
                                 const struct scb_bytes *pieces, size_t count,
                                 uint8_t ret_half[HALF], struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    struct scb_digest *digest = &fingerprints->digest;
    enum scb_status status = scb_digest_begin(digest, error);
    if (status == SCB_OK)
        status = scb_digest_update(digest, fingerprints->salt, SALT_SIZE, error);
    for (size_t i = 0; i < count && status == SCB_OK; i++) {
        uint64_t size = pieces[i].size;
        status = scb_digest_update(digest, &size, sizeof(size), error);
        if (status == SCB_OK)
            status = scb_digest_update(digest, pieces[i].data, pieces[i].size, error);
    }
    if (status == SCB_OK)
        status = scb_digest_end(digest, sha256, error);
    if (status == SCB_OK)
        memcpy(ret_half, sha256, HALF);
    return status;
}

static enum scb_status rest_of(struct scb_fingerprints *fingerprints, const struct scb_entry *entry,
                               struct scb_bytes suffix, uint8_t ret_half[HALF],
                               struct scb_error *error)
{
    size_t size = entry->version_id.size + suffix.size;
    SCB_AUTO(memory) uint8_t *version = scb_alloc(size + 1, 1, error);
    if (version == NULL)
        return SCB_ERROR_RESOURCE;
    if (entry->version_id.size > 0)
        memcpy(version, entry->version_id.data, entry->version_id.size);
    if (suffix.size > 0)
        memcpy(version + entry->version_id.size, suffix.data, suffix.size);
    const struct scb_bytes pieces[] = {entry->value, {version, size}};
    return digest_of(fingerprints, pieces, 2, ret_half, error);
}

enum scb_status scb_fingerprints_add(struct scb_fingerprints *fingerprints, uint64_t index,
                                     const struct scb_entry *entry, struct scb_error *error)
{
    assert(fingerprints->count < fingerprints->room && !fingerprints->sorted);
    struct fingerprint *item = &fingerprints->items[fingerprints->count];
    enum scb_status status = digest_of(fingerprints, &entry->key, 1, item->key, error);
    if (status == SCB_OK)
        status = rest_of(fingerprints, entry, (struct scb_bytes){0}, item->rest, error);
    if (status != SCB_OK)
        return status;
    item->mark = index << 1;
    fingerprints->count++;
    return SCB_OK;
}

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct fingerprint *)a)->key, ((const struct fingerprint *)b)->key, HALF);
}

void scb_fingerprints_sort(struct scb_fingerprints *fingerprints)
{
    qsort(fingerprints->items, fingerprints->count, sizeof(*fingerprints->items), compare);
    fingerprints->sorted = true;
}

enum scb_status scb_fingerprints_match(struct scb_fingerprints *fingerprints,
                                       const struct scb_entry *entry, struct scb_bytes suffix,
                                       enum scb_match *ret_match, struct scb_error *error)
{
    assert(fingerprints->sorted);
    struct fingerprint wanted = {0};
    uint8_t suffixed[HALF] = {0};
    enum scb_status status = digest_of(fingerprints, &entry->key, 1, wanted.key, error);
    if (status == SCB_OK)
        status = rest_of(fingerprints, entry, (struct scb_bytes){0}, wanted.rest, error);
    if (status == SCB_OK)
        status = rest_of(fingerprints, entry, suffix, suffixed, error);
    if (status != SCB_OK)
        return status;
    struct fingerprint *found = bsearch(&wanted, fingerprints->items, fingerprints->count,
                                        sizeof(*fingerprints->items), compare);
    *ret_match = SCB_MATCH_NONE;
    if (found == NULL)
        return SCB_OK;
    bool again = (found->mark & SEEN) != 0;
    found->mark |= SEEN;
    bool equal =
        memcmp(found->rest, wanted.rest, HALF) == 0 || memcmp(found->rest, suffixed, HALF) == 0;
    *ret_match = equal ? SCB_MATCH_EQUAL : again ? SCB_MATCH_AGAIN : SCB_MATCH_OTHER;
    return SCB_OK;
}

void scb_fingerprints_forget_seen(struct scb_fingerprints *fingerprints)
{
    for (uint64_t i = 0; i < fingerprints->count; i++)
        fingerprints->items[i].mark &= ~(uint64_t)SEEN;
}

/* Puts index among the lowest ones so far. */
static void keep_lowest(uint64_t *indexes, size_t *count, size_t max, uint64_t index)
{
    size_t at = *count < max ? (*count)++ : max;
    for (; at > 0 && indexes[at - 1] > index; at--)
        if (at < max)
            indexes[at] = indexes[at - 1];
    if (at < max)
        indexes[at] = index;
}

uint64_t scb_fingerprints_unseen(const struct scb_fingerprints *fingerprints, uint64_t *ret_indexes,
                                 size_t max)
{
    uint64_t unseen = 0;
    size_t kept = 0;
    for (uint64_t i = 0; i < fingerprints->count; i++) {
        if ((fingerprints->items[i].mark & SEEN) != 0)
            continue;
        unseen++;
        keep_lowest(ret_indexes, &kept, max, fingerprints->items[i].mark >> 1);
    }
    return unseen;
}
