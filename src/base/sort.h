/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorts more records than there is memory for: runs in a scratch file (base/scratch), merged as
 * they are read. A record is a key and a payload; the order is that of the key's bytes, then of the
 * payload's.
 */
#ifndef SCB_BASE_SORT_H
#define SCB_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

struct scb_sorter;

/*
 * memory is what it may hold, in bytes: all of its records, or a run of them at a time. It takes
 * more where three records of max_record bytes (key and payload together) need it.
 */
SCB_MUST_CHECK enum scb_status scb_sorter_new(size_t memory, size_t max_record,
                                              struct scb_sorter **ret_sorter,
                                              struct scb_error *error);
/* The memory that holds so many records of record_size bytes; SIZE_MAX where none could. */
size_t scb_sorter_memory(uint64_t records, size_t record_size);
void scb_sorter_free(struct scb_sorter *sorter);
/* ResourceError for a record over max_record. */
SCB_MUST_CHECK enum scb_status scb_sorter_add(struct scb_sorter *sorter, struct scb_bytes key,
                                              struct scb_bytes payload, struct scb_error *error);
/*
 * The records in their order; the first call ends the adding. *ret_more is false after the last
 * one. Key and payload are borrowed until the next call.
 */
SCB_MUST_CHECK enum scb_status scb_sorter_next(struct scb_sorter *sorter, bool *ret_more,
                                               struct scb_bytes *ret_key,
                                               struct scb_bytes *ret_payload,
                                               struct scb_error *error);

#endif
