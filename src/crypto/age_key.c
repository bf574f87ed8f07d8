/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_key.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "crypto/bech32.h"

static const char recipient_prefix[] = "age", identity_prefix[] = "AGE-SECRET-KEY-";

static enum scb_status refuse(const char *text, const char *why, struct scb_error *error)
{
    char shown[96];
    (void)scb_text_printable((struct scb_bytes){(const uint8_t *)text, strlen(text)}, shown,
                             sizeof(shown));
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "age recipient '%s' %s", shown, why);
    (void)scb_error_hint(error, "give the public key that age-keygen -y prints: age1...");
    return SCB_ERROR_VALIDATION;
}

/* Whether all that is encrypted to it would have the same key, of zeros. */
static enum scb_status check_order(const struct scb_age_recipient *recipient, bool *ret_low,
                                   struct scb_error *error)
{
    uint8_t shared[SCB_AGE_KEY_SIZE], mine[SCB_AGE_KEY_SIZE];
    EVP_PKEY *pair = NULL, *peer = NULL;
    enum scb_status status = scb_age_secret_random(&pair, mine, error);
    if (status == SCB_OK)
        status = scb_age_public_new(recipient->public, &peer, error);
    if (status == SCB_OK)
        status = scb_age_x25519(pair, peer, ret_low, shared, error);
    EVP_PKEY_free(pair);
    EVP_PKEY_free(peer);
    scb_wipe(shared, sizeof(shared));
    return status;
}

bool scb_age_recipient_decode(const char *text, struct scb_age_recipient *ret_recipient)
{
    const struct scb_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return scb_bech32_decode(recipient_prefix, bytes, ret_recipient->public,
                             sizeof(ret_recipient->public));
}

enum scb_status scb_age_recipient_parse(const char *text, struct scb_age_recipient *ret_recipient,
                                        struct scb_error *error)
{
    struct scb_age_recipient recipient;
    bool low = false;
    if (strncmp(text, "age1", 4) != 0) { /* not quoted, for it may be a secret in a wrong place */
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "this is no age recipient");
        (void)scb_error_hint(error, "give the public key, age1...; an identity (AGE-SECRET-KEY-1"
                                    "...) does not belong here");
        return SCB_ERROR_VALIDATION;
    }
    if (!scb_age_recipient_decode(text, &recipient))
        return refuse(text, "is no X25519 public key, or mistyped", error);
    enum scb_status status = check_order(&recipient, &low, error);
    if (status == SCB_OK && low)
        return refuse(text, "is a point of low order: nothing can be encrypted to it", error);
    if (status == SCB_OK)
        *ret_recipient = recipient;
    return status;
}

void scb_age_recipient_format(const struct scb_age_recipient *recipient,
                              char ret_text[SCB_AGE_RECIPIENT_TEXT_SIZE])
{
    _Static_assert(SCB_BECH32_TEXT_SIZE(sizeof(recipient_prefix) - 1, SCB_AGE_KEY_SIZE) ==
                       SCB_AGE_RECIPIENT_TEXT_SIZE,
                   "room for the text");
    scb_bech32_encode(recipient_prefix, recipient->public, sizeof(recipient->public), ret_text);
}

bool scb_age_identity_parse(struct scb_bytes text, uint8_t ret_secret[SCB_AGE_KEY_SIZE])
{
    return scb_bech32_decode(identity_prefix, text, ret_secret, SCB_AGE_KEY_SIZE);
}

enum scb_status scb_age_identity_generate(char ret_text[SCB_AGE_IDENTITY_TEXT_SIZE],
                                          struct scb_age_recipient *ret_recipient,
                                          struct scb_error *error)
{
    _Static_assert(SCB_BECH32_TEXT_SIZE(sizeof(identity_prefix) - 1, SCB_AGE_KEY_SIZE) ==
                       SCB_AGE_IDENTITY_TEXT_SIZE,
                   "room for the text");
    uint8_t secret[SCB_AGE_KEY_SIZE];
    EVP_PKEY *pair = NULL;
    enum scb_status status = scb_random(secret, sizeof(secret), error);
    if (status == SCB_OK)
        status = scb_age_secret_new(secret, &pair, ret_recipient->public, error);
    if (status == SCB_OK)
        scb_bech32_encode(identity_prefix, secret, sizeof(secret), ret_text);
    EVP_PKEY_free(pair);
    scb_wipe(secret, sizeof(secret));
    return status;
}
