/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page on its way to its encrypted file, piece by piece: gzip, then age. For pages that outgrow
 * their buffer; one in memory is encrypted as a whole (page_work).
 */
#ifndef SCB_JOB_PAGE_SEAL_H
#define SCB_JOB_PAGE_SEAL_H

#include "base/stream.h"
#include "crypto/age_recipients.h"
#include "scb/error.h"

struct scb_page_seal;

/* The memory that one takes at most, in bytes. */
enum { SCB_PAGE_SEAL_MEMORY = 512 * 1024 };

/* The file goes to sink as it is made, its header at once. */
SCB_MUST_CHECK enum scb_status scb_page_seal_new(const struct scb_age_recipients *recipients,
                                                 struct scb_sink sink,
                                                 struct scb_page_seal **ret_seal,
                                                 struct scb_error *error);
/* Wipes and frees, also in the middle of a page. */
void scb_page_seal_free(struct scb_page_seal *seal);
SCB_MUST_CHECK enum scb_status scb_page_seal_write(struct scb_page_seal *seal, const void *data,
                                                   size_t size, struct scb_error *error);
/* The page is whole: what is left of the file goes to the sink. */
SCB_MUST_CHECK enum scb_status scb_page_seal_end(struct scb_page_seal *seal,
                                                 struct scb_error *error);

#endif
