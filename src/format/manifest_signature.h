/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.sig: who vouches for a manifest.json. A small JSON document with a signature over the
 * manifest's bytes and the certificates that it is checked with, so that openssl alone can check
 * it. docs/formats.md has its form. Where it lies and whether there must be one is not asked here.
 */
#ifndef SCB_FORMAT_MANIFEST_SIGNATURE_H
#define SCB_FORMAT_MANIFEST_SIGNATURE_H

#include <stdint.h>

#include "base/buffer.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "scb/entry.h"
#include "scb/error.h"

#define SCB_MANIFEST_SIGNATURE_NAME "manifest.sig"

enum { SCB_MANIFEST_SIGNATURE_MAX = 24 * 1024 }; /* bytes of the document */

/*
 * Appends the document for the manifest whose bytes have this SHA-256. The identity has its key.
 * Two documents for one manifest differ in the signature alone.
 */
SCB_MUST_CHECK enum scb_status scb_manifest_sign(const struct scb_identity *identity,
                                                 const uint8_t manifest_sha256[SCB_SHA256_SIZE],
                                                 struct scb_buffer *out, struct scb_error *error);

/*
 * Checks a document against the SHA-256 of the manifest's bytes and says who signed. IntegrityError
 * for another form, for a signature that is not the named identity's over that manifest, and for
 * one by nobody in trusted. With trusted NULL any identity will do: that shows damage only, since
 * whoever changes a manifest can sign it anew.
 */
SCB_MUST_CHECK enum scb_status scb_manifest_verify(struct scb_bytes text,
                                                   const uint8_t manifest_sha256[SCB_SHA256_SIZE],
                                                   const struct scb_node_ids *trusted,
                                                   struct scb_node_id *ret_signer,
                                                   struct scb_error *error);

/* The two steps of each, for who wants to look inside. */
struct scb_manifest_signature {
    struct scb_identity *identity; /* owned */
    struct scb_identity_signature signature;
};

/* Only the exact form that write gives is read; the signature is not checked yet. */
SCB_MUST_CHECK enum scb_status scb_manifest_signature_read(struct scb_bytes text,
                                                           struct scb_manifest_signature *ret_read,
                                                           struct scb_error *error);
SCB_MUST_CHECK enum scb_status
scb_manifest_signature_write(const struct scb_identity *identity,
                             const struct scb_identity_signature *signature, struct scb_buffer *out,
                             struct scb_error *error);
void scb_manifest_signature_free(struct scb_manifest_signature *signature);

#endif
