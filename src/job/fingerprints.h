/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a contract holds, as fingerprints: 40 bytes an entry, whatever its size, and 16 more while
 * they are sorted, so that a backup can be compared with it entry by entry. Salted, so that nobody
 * can prepare two entries alike.
 */
#ifndef SCB_JOB_FINGERPRINTS_H
#define SCB_JOB_FINGERPRINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

struct scb_fingerprints;

/* max_bytes bounds its memory; room is how many entries to expect. ResourceError beyond. */
SCB_MUST_CHECK enum scb_status scb_fingerprints_new(uint64_t room, uint64_t max_bytes,
                                                    struct scb_fingerprints **ret_fingerprints,
                                                    struct scb_error *error);
void scb_fingerprints_free(struct scb_fingerprints *fingerprints);

/* Adds the entry that stands at index; at most room of them, from one thread at a time. */
SCB_MUST_CHECK enum scb_status scb_fingerprints_add(struct scb_fingerprints *fingerprints,
                                                    uint64_t index, const struct scb_entry *entry,
                                                    struct scb_error *error);
/* All are added: from now on they can be looked up. */
void scb_fingerprints_sort(struct scb_fingerprints *fingerprints);

enum scb_match {
    SCB_MATCH_NONE,
    SCB_MATCH_OTHER,
    SCB_MATCH_EQUAL,
    SCB_MATCH_AGAIN, /* not equal, and another entry has matched this key before */
};

/*
 * Whether the key is there, and with the same value and version; the key counts as seen. suffix
 * (may be empty): a version that is the entry's with it is the same too.
 */
SCB_MUST_CHECK enum scb_status
scb_fingerprints_match(struct scb_fingerprints *fingerprints, const struct scb_entry *entry,
                       struct scb_bytes suffix, enum scb_match *ret_match, struct scb_error *error);
/* Before the entries of a backup are gone through again. */
void scb_fingerprints_forget_seen(struct scb_fingerprints *fingerprints);
/* How many were never seen, and the indexes of the first ones of them, up to max, in order. */
uint64_t scb_fingerprints_unseen(const struct scb_fingerprints *fingerprints, uint64_t *ret_indexes,
                                 size_t max);

#endif
