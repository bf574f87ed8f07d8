/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where pairs come from: one pinned block of a contract, ranges of entries out of it. A driver is
 * a const struct scb_source_ops; contract_source reads an EVM node. It knows no pages and no files:
 * it answers a range with a prefix of it, and its caller asks for the rest.
 */
#ifndef SCB_SOURCE_H
#define SCB_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

/* The state that every range is read at. */
struct scb_pin {
    uint64_t chain_id;
    uint8_t genesis_hash[32];
    uint8_t contract[20];
    uint64_t block_number;
    uint8_t block_hash[32];
    uint64_t block_time; /* seconds since the epoch */
    uint64_t total_keys; /* getTotalKeys() at that block */
    char reason[256];    /* how the block was chosen, for the log */
};

enum { SCB_SOURCE_ANY = -1 };

/* Asks for entries [start, start + count). The caller owns it and keeps it until it is answered. */
struct scb_range {
    uint64_t start;
    uint64_t count;
    int64_t limit_ms;    /* from its first attempt on; none starts after that */
    int64_t deadline_ms; /* monotonic: set at the first attempt where it is 0, kept otherwise */
    atomic_bool urgent;  /* the next page to be written: it has the reserved memory */
    int endpoint;        /* the one to ask, by its number; SCB_SOURCE_ANY */
    uint64_t avoid;      /* endpoints not to ask: bit n is endpoint n */
    /* Takes the answer, on the source's thread; must not block. */
    void (*answered)(struct scb_range *range);
    void *owner; /* the caller's own */

    /* The answer: */
    enum scb_status status;
    struct scb_error error;
    bool pin_lost;     /* the block is no longer served: only a newer one will do */
    int answered_by;   /* the endpoint */
    uint64_t received; /* entries in data, 1 to count */
    uint8_t *data;     /* ABI-encoded (string[], string[], string[]); not yet checked */
    size_t size;
    size_t capacity; /* of data's memory; scb_source_release gives it back */
};

/* Counters since the source was opened; read at any time from any thread. */
struct scb_source_counters {
    uint64_t calls, failed_calls, retries, splits;
    uint64_t in_flight;
    uint64_t delayed;      /* calls that wait for their next attempt */
    uint64_t memory_bytes; /* held by answers and answers under way */
};

struct scb_source;

struct scb_source_ops {
    const char *name;
    /* Chooses the block (or takes over wanted, a pin of an earlier run, where not NULL; then
     * NotFoundError where it is no longer served, but not where nobody can tell) and proves it. */
    enum scb_status (*pin)(struct scb_source *source, const struct scb_pin *wanted,
                           struct scb_pin *ret_pin, struct scb_error *error);
    /* Reads the pinned number's hash again; *ret_changed says that the chain reorganised. */
    enum scb_status (*confirm)(struct scb_source *source, bool *ret_changed,
                               struct scb_error *error);
    /* Starts a range, from any thread. Never waits; the answer comes through range->answered. */
    void (*submit)(struct scb_source *source, struct scb_range *range);
    /* Gives an answer's memory back; from any thread. */
    void (*release)(struct scb_source *source, struct scb_range *range);
    /* A range became urgent. */
    void (*hurry)(struct scb_source *source, struct scb_range *range);
    /* Every range under way is answered with Canceled, soon; later ones are served again. */
    void (*cancel)(struct scb_source *source);
    void (*counters)(struct scb_source *source, struct scb_source_counters *ret_counters);
    /* Nothing may be under way. */
    void (*close)(struct scb_source *source);
};

/* Drivers begin with this. */
struct scb_source {
    const struct scb_source_ops *ops;
};

#endif
