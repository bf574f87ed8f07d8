/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is odd about a page's entries (SPEC 1): over a size limit is an error; empty keys, empty
 * versions and keys that the page has twice are counted, or errors where validation is strict.
 */
#ifndef SCB_JOB_PAGE_CHECK_H
#define SCB_JOB_PAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/manifest.h"
#include "scb/entry.h"
#include "scb/error.h"

struct scb_page_rules {
    size_t max_key_size; /* of a key, and of a version id */
    size_t max_value_size;
    bool strict;
};

/* One page's; used again for the next one. {0} is ready for scb_page_check_begin. */
struct scb_page_check {
    const struct scb_page_rules *rules;
    struct scb_warnings warnings;
    uint64_t seed;     /* random, so that nobody can make keys collide */
    uint64_t *hashes;  /* open addressing; 0 = free */
    size_t table_size; /* a power of two, more than twice the keys */
};

/* Starts a page of at most keys entries. */
SCB_MUST_CHECK enum scb_status scb_page_check_begin(struct scb_page_check *check,
                                                    const struct scb_page_rules *rules,
                                                    uint64_t keys, struct scb_error *error);
void scb_page_check_free(struct scb_page_check *check);

/* index is the entry's in the contract; errors name it, never its content. */
SCB_MUST_CHECK enum scb_status scb_page_check_entry(struct scb_page_check *check, uint64_t index,
                                                    const struct scb_entry *entry,
                                                    struct scb_error *error);

#endif
