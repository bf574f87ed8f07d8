/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens age files: X25519 identities, or one passphrase. Which stanza of a header it is that
 * they open, and how, is here too; files of identities are age_identity_file's.
 */
#ifndef SCB_CRYPTO_AGE_IDENTITIES_H
#define SCB_CRYPTO_AGE_IDENTITIES_H

#include "crypto/age_header.h"
#include "crypto/age_key.h"
#include "crypto/age_primitive.h"

/* How many keys, and how long a passphrase in bytes, are taken. */
enum { SCB_AGE_MAX_IDENTITIES = 64, SCB_AGE_MAX_PASSPHRASE = 4096 };

/* Unchanged once it is made, so several threads may read with it. */
struct scb_age_identities;

/*
 * The X25519 identities of a text as age-keygen writes it: one a line, with empty lines and
 * comments (#). ValidationError, which names the line and never shows it, for anything else.
 */
SCB_MUST_CHECK enum scb_status scb_age_identities_parse(struct scb_bytes text,
                                                        struct scb_age_identities **ret_identities,
                                                        struct scb_error *error);
/*
 * A passphrase, which is copied. Files that ask for more work than max_work, the power of two that
 * is scrypt's N and at most SCB_AGE_MAX_WORK, are refused before any is done.
 */
SCB_MUST_CHECK enum scb_status
scb_age_identities_of_passphrase(struct scb_bytes passphrase, unsigned max_work,
                                 struct scb_age_identities **ret_identities,
                                 struct scb_error *error);
/* Wipes and frees. */
void scb_age_identities_free(struct scb_age_identities *identities);
void scb_age_identities_cleanup(struct scb_age_identities **identities);

/* How many keys there are; 0 for a passphrase. And whose they are. */
size_t scb_age_identities_count(const struct scb_age_identities *identities);
struct scb_age_recipient scb_age_identities_recipient(const struct scb_age_identities *identities,
                                                      size_t index);

/*
 * The file key out of a parsed header, for the caller to wipe. IntegrityError for a malformed
 * X25519 or scrypt stanza, AccessError where no identity opens any of the stanzas. The header's
 * MAC is for the caller to check, now that there is a key.
 */
SCB_MUST_CHECK enum scb_status
scb_age_identities_unwrap(const struct scb_age_identities *identities, struct scb_age_kit *kit,
                          const struct scb_age_header *header,
                          uint8_t ret_file_key[SCB_AGE_FILE_KEY_SIZE], struct scb_error *error);

#endif
