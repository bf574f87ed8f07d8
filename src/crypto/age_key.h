/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age's X25519 keys as text (C2SP age.md, "The X25519 recipient type"): recipients "age1…", which
 * are public, and identities "AGE-SECRET-KEY-1…". Files of identities are age_identity_file's.
 */
#ifndef SCB_CRYPTO_AGE_KEY_H
#define SCB_CRYPTO_AGE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/age_primitive.h"
#include "scb/entry.h"
#include "scb/error.h"

/* NUL included. */
enum { SCB_AGE_RECIPIENT_TEXT_SIZE = 63, SCB_AGE_IDENTITY_TEXT_SIZE = 75 };

struct scb_age_recipient {
    uint8_t public[SCB_AGE_KEY_SIZE];
};

/*
 * ValidationError for anything but an X25519 recipient, also for one of low order, to which
 * nothing can be encrypted. The message quotes text only where that cannot be a secret.
 */
SCB_MUST_CHECK enum scb_status scb_age_recipient_parse(const char *text,
                                                       struct scb_age_recipient *ret_recipient,
                                                       struct scb_error *error);
/*
 * The same for a text that has been through it: no more than decoding, which takes no memory. False
 * where it is no recipient's.
 */
SCB_MUST_CHECK bool scb_age_recipient_decode(const char *text,
                                             struct scb_age_recipient *ret_recipient);
void scb_age_recipient_format(const struct scb_age_recipient *recipient,
                              char ret_text[SCB_AGE_RECIPIENT_TEXT_SIZE]);

/* The secret of an identity's text, for the caller to wipe; false where it is none. */
SCB_MUST_CHECK bool scb_age_identity_parse(struct scb_bytes text,
                                           uint8_t ret_secret[SCB_AGE_KEY_SIZE]);

/* A new identity, whose text the caller wipes, and its recipient. */
SCB_MUST_CHECK enum scb_status scb_age_identity_generate(char ret_text[SCB_AGE_IDENTITY_TEXT_SIZE],
                                                         struct scb_age_recipient *ret_recipient,
                                                         struct scb_error *error);

#endif
