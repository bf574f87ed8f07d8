/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pages of a manifest add up to, and whether its head says the same: the rules that its
 * writer and its reader share. manifest.c's own.
 */
#ifndef SCB_FORMAT_MANIFEST_TALLY_H
#define SCB_FORMAT_MANIFEST_TALLY_H

#include <stdint.h>

#include "crypto/digest.h"
#include "format/manifest.h"
#include "scb/error.h"

struct scb_manifest_tally {
    struct scb_digest digest; /* begun by the owner */
    uint64_t pages;
    uint64_t keys;
};

void scb_manifest_tally_cleanup(struct scb_manifest_tally *tally);

/* The next page. wrong is the kind of error that one out of order is: the caller's or the file's.
 */
SCB_MUST_CHECK enum scb_status scb_manifest_tally_add(struct scb_manifest_tally *tally,
                                                      const struct scb_manifest *manifest,
                                                      const struct scb_manifest_page *page,
                                                      enum scb_status wrong,
                                                      struct scb_error *error);
/* After the last page. */
SCB_MUST_CHECK enum scb_status scb_manifest_tally_check(struct scb_manifest_tally *tally,
                                                        const struct scb_manifest *manifest,
                                                        enum scb_status wrong,
                                                        struct scb_error *error);

#endif
