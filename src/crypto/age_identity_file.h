/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity files: the text that age-keygen makes, or that text encrypted with a passphrase as
 * `age -p` does it, armored or not. Making such a text is here too; reading from disk and asking
 * for the passphrase are the caller's.
 */
#ifndef SCB_CRYPTO_AGE_IDENTITY_FILE_H
#define SCB_CRYPTO_AGE_IDENTITY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/age_identities.h"
#include "scb/entry.h"
#include "scb/error.h"

/* In bytes, NUL included for the made text. */
enum { SCB_AGE_IDENTITY_FILE_MAX = 64 * 1024, SCB_AGE_IDENTITY_FILE_TEXT_SIZE = 256 };

/* Whether a passphrase is needed. */
bool scb_age_identity_file_is_protected(struct scb_bytes document);

/*
 * The identities of a file. The passphrase is not looked at where the file is not protected, and
 * both are the caller's to wipe; everything between is wiped here. ValidationError for a text that
 * is no identity file, IntegrityError for a damaged protected one, AccessError for a wrong
 * passphrase. max_work as for scb_age_identities_of_passphrase.
 */
SCB_MUST_CHECK enum scb_status
scb_age_identity_file_open(struct scb_bytes document, struct scb_bytes passphrase,
                           unsigned max_work, struct scb_age_identities **ret_identities,
                           struct scb_error *error);

/*
 * A new identity as age-keygen writes it: when it was created (UTC), the public key, the secret
 * one. The caller wipes ret_text.
 */
SCB_MUST_CHECK enum scb_status
scb_age_identity_file_generate(int64_t now_ms, char ret_text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE],
                               struct scb_age_recipient *ret_recipient, struct scb_error *error);

#endif
