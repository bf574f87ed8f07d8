/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_primitive.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static char sha256_name[] = "SHA256"; /* OSSL_PARAM takes no const, but only reads it */

static enum scb_status failed(struct scb_error *error, const char *what)
{
    return scb_error_set(error, SCB_ERROR_RESOURCE, "age: OpenSSL failed at %s", what);
}

enum scb_status scb_age_kit_open(struct scb_age_kit *kit, struct scb_error *error)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    *kit = (struct scb_age_kit){.sealer = EVP_CIPHER_CTX_new(),
                                .opener = EVP_CIPHER_CTX_new(),
                                .hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL),
                                .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL)};
    bool done = cipher != NULL && kit->sealer != NULL && kit->opener != NULL && kit->hkdf != NULL &&
                kit->hmac != NULL &&
                EVP_EncryptInit_ex2(kit->sealer, cipher, NULL, NULL, NULL) == 1 &&
                EVP_DecryptInit_ex2(kit->opener, cipher, NULL, NULL, NULL) == 1;
    EVP_CIPHER_free(cipher); /* the contexts hold it */
    if (done)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                        "age: OpenSSL gave no ChaCha20-Poly1305, HKDF or HMAC");
    (void)scb_error_hint(error, "give the process more memory, or check openssl.cnf");
    return SCB_ERROR_RESOURCE;
}

/* A context has no way to wipe its key but another one; that takes no memory, as a reset would. */
void scb_age_kit_forget(struct scb_age_kit *kit)
{
    static const uint8_t zeros[SCB_AGE_KEY_SIZE];
    if (kit->sealer != NULL)
        (void)EVP_EncryptInit_ex2(kit->sealer, NULL, zeros, zeros, NULL);
    if (kit->opener != NULL)
        (void)EVP_DecryptInit_ex2(kit->opener, NULL, zeros, zeros, NULL);
}

void scb_age_kit_close(struct scb_age_kit *kit)
{
    EVP_CIPHER_CTX_free(kit->sealer); /* these wipe what they hold */
    EVP_CIPHER_CTX_free(kit->opener);
    EVP_KDF_free(kit->hkdf);
    EVP_MAC_free(kit->hmac);
    *kit = (struct scb_age_kit){0};
}

enum scb_status scb_age_seal(struct scb_age_kit *kit, const struct scb_age_box_key *key,
                             struct scb_bytes text, uint8_t *out, struct scb_error *error)
{
    assert(text.size <= INT_MAX);
    int size = 0, rest = 0;
    bool done = EVP_EncryptInit_ex2(kit->sealer, NULL, key->key, key->nonce, NULL) == 1 &&
                (text.size == 0 ||
                 EVP_EncryptUpdate(kit->sealer, out, &size, text.data, (int)text.size) == 1) &&
                EVP_EncryptFinal_ex(kit->sealer, out + size, &rest) == 1 &&
                (size_t)size + (size_t)rest == text.size &&
                EVP_CIPHER_CTX_ctrl(kit->sealer, EVP_CTRL_AEAD_GET_TAG, SCB_AGE_TAG_SIZE,
                                    out + text.size) == 1;
    return done ? SCB_OK : failed(error, "ChaCha20-Poly1305");
}

bool scb_age_open(struct scb_age_kit *kit, const struct scb_age_box_key *key,
                  struct scb_bytes sealed, uint8_t *out)
{
    assert(sealed.size >= SCB_AGE_TAG_SIZE && sealed.size <= INT_MAX);
    size_t text_size = sealed.size - SCB_AGE_TAG_SIZE;
    uint8_t tag[SCB_AGE_TAG_SIZE]; /* OpenSSL wants it writable */
    memcpy(tag, sealed.data + text_size, sizeof(tag));
    int size = 0, rest = 0;
    bool done =
        EVP_DecryptInit_ex2(kit->opener, NULL, key->key, key->nonce, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(kit->opener, EVP_CTRL_AEAD_SET_TAG, SCB_AGE_TAG_SIZE, tag) == 1 &&
        (text_size == 0 ||
         EVP_DecryptUpdate(kit->opener, out, &size, sealed.data, (int)text_size) == 1) &&
        EVP_DecryptFinal_ex(kit->opener, out + size, &rest) == 1 &&
        (size_t)size + (size_t)rest == text_size;
    if (!done && text_size > 0)
        scb_wipe(out, text_size);
    return done;
}

/* OSSL_PARAM takes no const, but these are only read. */
static OSSL_PARAM octets(const char *name, const void *data, size_t size)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, size);
}

enum scb_status scb_age_derive(struct scb_age_kit *kit, const struct scb_age_derivation *derivation,
                               uint8_t ret_key[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    struct scb_bytes secret = derivation->secret, salt = derivation->salt;
    OSSL_PARAM parameters[5], *next = parameters;
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256_name, 0);
    *next++ = octets(OSSL_KDF_PARAM_KEY, secret.data, secret.size);
    *next++ = octets(OSSL_KDF_PARAM_INFO, derivation->info, strlen(derivation->info));
    if (salt.size > 0)
        *next++ = octets(OSSL_KDF_PARAM_SALT, salt.data, salt.size);
    *next = OSSL_PARAM_construct_end();
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kit->hkdf);
    bool done =
        context != NULL && EVP_KDF_derive(context, ret_key, SCB_AGE_KEY_SIZE, parameters) == 1;
    EVP_KDF_CTX_free(context); /* wipes its copy of the key */
    return done ? SCB_OK : failed(error, "HKDF");
}

enum scb_status scb_age_hmac(struct scb_age_kit *kit, const uint8_t key[SCB_AGE_KEY_SIZE],
                             struct scb_bytes text, uint8_t ret_mac[SCB_AGE_KEY_SIZE],
                             struct scb_error *error)
{
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(kit->hmac);
    size_t size = 0;
    bool done = context != NULL && EVP_MAC_init(context, key, SCB_AGE_KEY_SIZE, parameters) == 1 &&
                EVP_MAC_update(context, text.data, text.size) == 1 &&
                EVP_MAC_final(context, ret_mac, &size, SCB_AGE_KEY_SIZE) == 1 &&
                size == SCB_AGE_KEY_SIZE;
    EVP_MAC_CTX_free(context);
    return done ? SCB_OK : failed(error, "HMAC");
}

enum scb_status scb_age_secret_new(const uint8_t secret[SCB_AGE_KEY_SIZE],
                                   struct evp_pkey_st **ret_pair,
                                   uint8_t ret_public[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    size_t size = SCB_AGE_KEY_SIZE;
    EVP_PKEY *pair =
        EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret, SCB_AGE_KEY_SIZE);
    if (pair == NULL || EVP_PKEY_get_raw_public_key(pair, ret_public, &size) != 1 ||
        size != SCB_AGE_KEY_SIZE) {
        EVP_PKEY_free(pair);
        return failed(error, "an X25519 key");
    }
    *ret_pair = pair;
    return SCB_OK;
}

enum scb_status scb_age_secret_random(struct evp_pkey_st **ret_pair,
                                      uint8_t ret_public[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    uint8_t secret[SCB_AGE_KEY_SIZE];
    enum scb_status status = scb_random(secret, sizeof(secret), error);
    if (status == SCB_OK)
        status = scb_age_secret_new(secret, ret_pair, ret_public, error);
    scb_wipe(secret, sizeof(secret));
    return status;
}

enum scb_status scb_age_public_new(const uint8_t public[SCB_AGE_KEY_SIZE],
                                   struct evp_pkey_st **ret_key, struct scb_error *error)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, SCB_AGE_KEY_SIZE);
    if (key == NULL)
        return failed(error, "an X25519 public key");
    *ret_key = key;
    return SCB_OK;
}

enum scb_status scb_age_x25519(struct evp_pkey_st *pair, struct evp_pkey_st *peer, bool *ret_low,
                               uint8_t ret_shared[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    static const uint8_t zeros[SCB_AGE_KEY_SIZE];
    size_t size = SCB_AGE_KEY_SIZE;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
    bool ready = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                 EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1;
    /* This takes no memory, and fails at a secret of zeros only; that is not left to OpenSSL's
     * version. */
    bool done = ready && EVP_PKEY_derive(context, ret_shared, &size) == 1 &&
                size == SCB_AGE_KEY_SIZE && CRYPTO_memcmp(ret_shared, zeros, SCB_AGE_KEY_SIZE) != 0;
    EVP_PKEY_CTX_free(context);
    if (!done)
        scb_wipe(ret_shared, SCB_AGE_KEY_SIZE);
    *ret_low = ready && !done;
    return ready ? SCB_OK : failed(error, "X25519");
}

enum scb_status scb_age_scrypt(struct scb_bytes passphrase, struct scb_bytes salt, unsigned work,
                               uint8_t ret_key[SCB_AGE_KEY_SIZE], struct scb_error *error)
{
    enum { R = 8, P = 1, ASIDE = 1 << 20 };
    assert(work >= 1 && work <= SCB_AGE_MAX_WORK);
    uint64_t n = (uint64_t)1 << work;
    if (EVP_PBE_scrypt((const char *)passphrase.data, passphrase.size, salt.data, salt.size, n, R,
                       P, 128 * R * n + ASIDE, ret_key, SCB_AGE_KEY_SIZE) == 1)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                        "age: scrypt of work factor %u failed; it takes %llu MiB of memory", work,
                        (unsigned long long)(128 * R * n >> 20));
    (void)scb_error_hint(error, "give the process more memory");
    return SCB_ERROR_RESOURCE;
}
