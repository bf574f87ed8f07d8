/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a stanza wraps the file key (C2SP age.md, "The X25519 recipient type" and "The scrypt
 * recipient type"). Who is asked for which stanza is age_identities'.
 */
#ifndef SCB_CRYPTO_AGE_STANZA_H
#define SCB_CRYPTO_AGE_STANZA_H

#include "crypto/age_header.h"
#include "crypto/age_key.h"
#include "crypto/age_primitive.h"

/* Its type, by the first argument. */
bool scb_age_stanza_is(const struct scb_age_stanza *stanza, const char *type);

/*
 * Refuses stanzas of the two types that are not as the specification has them, and an scrypt one
 * that is not alone: IntegrityError. Those of other types are let pass.
 */
SCB_MUST_CHECK enum scb_status scb_age_stanzas_check(const struct scb_age_header *header,
                                                     unsigned max_work, struct scb_error *error);

/* One recipient, made ready. */
struct scb_age_peer {
    struct scb_age_recipient recipient;
    struct evp_pkey_st *key;
};

/* Appends an X25519 stanza that wraps the file key for peer, with an ephemeral key of its own. */
SCB_MUST_CHECK enum scb_status scb_age_stanza_wrap(struct scb_age_kit *kit,
                                                   const struct scb_age_peer *peer,
                                                   const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                                   struct scb_buffer *header,
                                                   struct scb_error *error);

/* A stanza that was checked, with its header. */
struct scb_age_wrapped {
    const struct scb_age_header *header;
    const struct scb_age_stanza *stanza;
};

/* One identity, made ready. */
struct scb_age_own_key {
    struct scb_age_recipient recipient;
    struct evp_pkey_st *pair;
};

/*
 * Tries to unwrap the file key, for the caller to wipe. *ret_matched is false where it is wrapped
 * for another, or with another passphrase; IntegrityError for a share of low order.
 */
SCB_MUST_CHECK enum scb_status
scb_age_stanza_unwrap(struct scb_age_kit *kit, struct scb_age_wrapped wrapped,
                      const struct scb_age_own_key *own, bool *ret_matched,
                      uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE], struct scb_error *error);
SCB_MUST_CHECK enum scb_status
scb_age_stanza_unwrap_scrypt(struct scb_age_kit *kit, struct scb_age_wrapped wrapped,
                             struct scb_bytes passphrase, bool *ret_matched,
                             uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE], struct scb_error *error);

#endif
