/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To whom a backup is encrypted: a set of age recipients, in one order whatever order they were
 * given in, so that equal sets are equal texts.
 */
#ifndef SCB_CRYPTO_AGE_RECIPIENTS_H
#define SCB_CRYPTO_AGE_RECIPIENTS_H

#include "crypto/age_key.h"
#include "crypto/age_writer.h"
#include "scb/error.h"

/* A plain value; {0} is nobody: not encrypted. In the order of the keys' bytes. */
struct scb_age_recipients {
    struct scb_age_recipient items[SCB_AGE_MAX_RECIPIENTS];
    size_t count;
};

/* In bytes, NUL included: all of them, with a comma between. */
enum { SCB_AGE_RECIPIENTS_TEXT_SIZE = SCB_AGE_MAX_RECIPIENTS * SCB_AGE_RECIPIENT_TEXT_SIZE };

/*
 * From a NULL-terminated list of texts, which may be empty. ValidationError where one is no
 * recipient, is there twice, or is one more than SCB_AGE_MAX_RECIPIENTS.
 */
SCB_MUST_CHECK enum scb_status scb_age_recipients_parse(const char *const *texts,
                                                        struct scb_age_recipients *ret_recipients,
                                                        struct scb_error *error);

bool scb_age_recipients_are_equal(const struct scb_age_recipients *a,
                                  const struct scb_age_recipients *b);

/* "age1...,age1..."; "" for nobody. */
void scb_age_recipients_format(const struct scb_age_recipients *recipients,
                               char ret_text[SCB_AGE_RECIPIENTS_TEXT_SIZE]);

#endif
