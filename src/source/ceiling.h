/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many entries an endpoint can give at once: learned from what was too heavy for it, and tried
 * again later, for it may only have had a bad minute. {0} is one that has not been met yet.
 */
#ifndef SCB_SOURCE_CEILING_H
#define SCB_SOURCE_CEILING_H

#include <stdint.h>

struct scb_ceiling {
    uint64_t entries; /* 0 = not met yet */
    uint64_t good;    /* answers of that size in a row */
    uint64_t needed;  /* of those, before twice as many are tried again */
};

/* How many of so many entries to ask for. */
uint64_t scb_ceiling_limit(const struct scb_ceiling *ceiling, uint64_t entries);
/* More than so many were too heavy. */
void scb_ceiling_lower(struct scb_ceiling *ceiling, uint64_t entries);
/* So many were asked for and given. */
void scb_ceiling_raise(struct scb_ceiling *ceiling, uint64_t asked);

#endif
