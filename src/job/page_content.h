/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page out of an archive as the JSON that it was made of: inflated, or of an encrypted backup
 * decrypted and then gunzipped. Nothing of it is given out before all its bytes, as the manifest
 * counts them, have been hashed and found to be those of the manifest. The one way in which pages
 * are read back.
 *
 * Memory is bounded, by 16 MiB and what a page reader takes: a page of up to 8 MiB is held, a
 * larger one is read twice, as a stream.
 */
#ifndef SCB_JOB_PAGE_CONTENT_H
#define SCB_JOB_PAGE_CONTENT_H

#include <stdint.h>

#include "base/stream.h"
#include "crypto/age_identities.h"
#include "format/page.h"
#include "job/archive_pages.h"
#include "scb/error.h"

/* One page after the other, in one thread at a time. */
struct scb_page_content;

struct scb_page_content_settings {
    int fd; /* of the archive; borrowed */
    struct scb_page_limits limits;
    bool encrypted; /* the backup is */
    /* Borrowed, may serve others too. NULL: encrypted pages can be checked, not opened. */
    const struct scb_age_identities *identities;
};

SCB_MUST_CHECK enum scb_status
scb_page_content_new(const struct scb_page_content_settings *settings,
                     struct scb_page_content **ret_content, struct scb_error *error);
void scb_page_content_free(struct scb_page_content *content);

/*
 * That the page's bytes have the size and the SHA-256 that the manifest says: IntegrityError. Where
 * they could be held, *ret_held is them, until the next check; else it has no data.
 */
SCB_MUST_CHECK enum scb_status scb_page_content_check(struct scb_page_content *content,
                                                      const struct scb_archived_page *page,
                                                      struct scb_bytes *ret_held,
                                                      struct scb_error *error);
/*
 * The JSON of the page that was checked last, until the next check. There are identities where it
 * is encrypted. IntegrityError, here or from the input, where the bytes are no such page.
 */
SCB_MUST_CHECK enum scb_status scb_page_content_open(struct scb_page_content *content,
                                                     struct scb_input *ret_json,
                                                     struct scb_error *error);

#endif
