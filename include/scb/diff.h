/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two backups have different, key by key.
 */
#ifndef SCB_DIFF_H
#define SCB_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

#pragma GCC visibility push(default)

enum scb_change { SCB_CHANGE_ADDED, SCB_CHANGE_REMOVED, SCB_CHANGE_CHANGED };

/* "added", "removed", "changed". */
const char *scb_change_name(enum scb_change change);

/* One key's entries in one of the backups; mostly one, none where it is not there. */
struct scb_diff_side {
    uint64_t entries;
    struct scb_bytes version_id; /* of the first one, by value and version */
};

/* All bytes are borrowed during the call. */
struct scb_difference {
    enum scb_change change;
    struct scb_bytes key;
    struct scb_diff_side old, new;
    bool value_changed; /* of a changed one: not the version id only */
};

/* Called in the order of the keys' bytes; anything but SCB_OK ends the walk and is returned. */
typedef enum scb_status (*scb_difference_visitor)(void *state,
                                                  const struct scb_difference *difference,
                                                  struct scb_error *error);

struct scb_diff_result {
    char old_date[24], new_date[24];
    uint64_t old_entries, new_entries; /* in all */
    uint64_t added, removed, changed;  /* keys */
    int64_t duration_ms;
};

#pragma GCC visibility pop

#endif
