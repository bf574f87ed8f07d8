/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 over bytes as they pass, by OpenSSL. Plain digests only: nothing keyed, no signatures.
 */
#ifndef SCB_CRYPTO_DIGEST_H
#define SCB_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"
#include "base/thread.h"
#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_SHA256_SIZE = 32, SCB_SHA256_TEXT_SIZE = 65 };

/* {0} is ready for scb_digest_begin. One object makes many digests, one after the other, without
 * allocating again; one thread at a time. */
struct scb_digest {
    struct evp_md_ctx_st *context;
};

SCB_MUST_CHECK enum scb_status scb_digest_begin(struct scb_digest *digest, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_digest_update(struct scb_digest *digest, const void *data,
                                                 size_t size, struct scb_error *error);
/* The digest of all that was given since begin; begin again for the next one. */
SCB_MUST_CHECK enum scb_status scb_digest_end(struct scb_digest *digest,
                                              uint8_t ret_sha256[SCB_SHA256_SIZE],
                                              struct scb_error *error);
/* Leaves {0}. */
void scb_digest_free(struct scb_digest *digest);
void scb_digest_cleanup(struct scb_digest *digest);

/* A sink that updates digest, which is borrowed and has begun. */
struct scb_sink scb_digest_sink(struct scb_digest *digest);

/* Begin, update and end in one. */
SCB_MUST_CHECK enum scb_status scb_digest_sha256(struct scb_digest *digest, struct scb_bytes data,
                                                 uint8_t ret_sha256[SCB_SHA256_SIZE],
                                                 struct scb_error *error);

/* That of all that an input gives. */
SCB_MUST_CHECK enum scb_status scb_digest_input(struct scb_digest *digest, struct scb_input input,
                                                uint8_t ret_sha256[SCB_SHA256_SIZE],
                                                struct scb_error *error);

/* That of a whole file, as hex; where fd stands does not matter. cancel may be NULL. */
SCB_MUST_CHECK enum scb_status scb_digest_file(int fd, const char *name,
                                               const struct scb_cancel *cancel,
                                               char ret_sha256[SCB_SHA256_TEXT_SIZE],
                                               struct scb_error *error);

#endif
