/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASCII armor off an age file (C2SP age.md, "ASCII armor"; RFC 7468, strict): pieces of text in,
 * the file's bytes to a sink. Reading only.
 */
#ifndef SCB_CRYPTO_AGE_ARMOR_H
#define SCB_CRYPTO_AGE_ARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"
#include "scb/entry.h"
#include "scb/error.h"

/* A plain value without memory of its own; scb_age_armor_begin makes it ready. */
struct scb_age_armor {
    struct scb_sink sink;
    enum {
        SCB_AGE_ARMOR_BEFORE, /* only blank lines so far */
        SCB_AGE_ARMOR_BODY,
        SCB_AGE_ARMOR_SHORT, /* the last line of the body is done */
        SCB_AGE_ARMOR_AFTER,
    } state;
    char line[68]; /* the one that is not whole yet */
    size_t size;
    size_t blanks; /* bytes outside, which are bounded */
};

void scb_age_armor_begin(struct scb_age_armor *armor, struct scb_sink sink);
/*
 * The next piece. IntegrityError ("age armor: ...") for anything but strict armor; LF and CR LF
 * end lines, and blank lines may stand outside. The sink's own failures are passed on.
 */
SCB_MUST_CHECK enum scb_status scb_age_armor_write(struct scb_age_armor *armor, const void *data,
                                                   size_t size, struct scb_error *error);
/* IntegrityError where the end is missing. */
SCB_MUST_CHECK enum scb_status scb_age_armor_end(struct scb_age_armor *armor,
                                                 struct scb_error *error);

/* Whether a file is armored, by its begin. */
bool scb_age_armor_is(struct scb_bytes file);

#endif
