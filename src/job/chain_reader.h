/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All entries of a source at its pinned block, many ranges on their way at a time. They come in
 * any order, each with its index. Not for backups, which are made in pages: see job/pipeline.
 */
#ifndef SCB_JOB_CHAIN_READER_H
#define SCB_JOB_CHAIN_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"
#include "scb/entry.h"
#include "scb/error.h"
#include "scb/source.h"

struct scb_chain_reader_settings {
    struct scb_source *source; /* pinned */
    uint64_t total_keys;       /* at the pin */
    uint64_t range;            /* entries asked for at once */
    size_t window;             /* ranges on their way */
    int64_t limit_ms;          /* for one range */
    const struct scb_cancel *cancel;
    /* Takes an entry, borrowed; on the caller's thread. */
    enum scb_status (*take)(void *state, uint64_t index, const struct scb_entry *entry,
                            struct scb_error *error);
    void *state;
};

SCB_MUST_CHECK enum scb_status scb_chain_read(const struct scb_chain_reader_settings *settings,
                                              struct scb_error *error);

#endif
