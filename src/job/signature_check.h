/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose signature an archive has: over its manifest, and so over the checksums of its pages.
 */
#ifndef SCB_JOB_SIGNATURE_CHECK_H
#define SCB_JOB_SIGNATURE_CHECK_H

#include "crypto/node_id.h"
#include "job/archive_pages.h"
#include "scb/error.h"
#include "scb/verify.h"

/*
 * IntegrityError where the signature is not right, is of nobody in trusted, or is missing though
 * there are such; *ret_signer is filled where the state is neither NONE nor WRONG, and *ret_state
 * in any case but other errors. trusted may be NULL.
 */
SCB_MUST_CHECK enum scb_status scb_signature_check(int fd, const struct scb_archive_pages *pages,
                                                   const struct scb_node_ids *trusted,
                                                   enum scb_signature_state *ret_state,
                                                   struct scb_node_id *ret_signer,
                                                   struct scb_error *error);

#endif
