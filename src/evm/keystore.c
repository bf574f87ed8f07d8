/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/keystore.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/keccak.h"
#include "evm/scrypt.h"

enum {
    DERIVED_SIZE = 32,
    MAX_SALT = 256,
    BLOCK_SIZE = 16,
    MAX_ITERATIONS = 10000000,   /* of PBKDF2; wallets use 262,144 */
    MAX_SCRYPT_WORK = 1 << 24,   /* n × r × p; wallets use 2^21 */
    MAX_SCRYPT_MEMORY = 1 << 30, /* 128 × n × r; wallets use 256 MiB */
};

/* The file's parts, as bytes. */
struct keystore {
    uint8_t salt[MAX_SALT];
    size_t salt_size;
    uint8_t iv[BLOCK_SIZE];
    uint8_t ciphertext[SCB_KEY_SIZE];
    uint8_t mac[SCB_KECCAK256_SIZE];
    const json_t *parameters; /* of the key derivation */
};

static enum scb_status refuse(const char *what, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "keystore: %s", what);
    (void)scb_error_hint(error, "give a Web3 Secret Storage file of version 3 (geth account new "
                                "makes one)");
    return SCB_ERROR_VALIDATION;
}

/* The bytes of a hex member, at most size of them; 0 where there are none. */
static size_t read_hex(const json_t *object, const char *name, uint8_t *ret_data, size_t size)
{
    const char *digits = json_string_value(json_object_get(object, name));
    if (digits == NULL)
        return 0;
    if (strncmp(digits, "0x", 2) == 0)
        digits += 2;
    size_t length = strlen(digits);
    bool fits = length % 2 == 0 && length / 2 <= size;
    return fits && scb_text_unhex(digits, length / 2, ret_data) ? length / 2 : 0;
}

static bool is_text(const json_t *object, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strcmp(text, wanted) == 0;
}

/* A whole number of 1 to max, else 0. */
static uint64_t read_number(const json_t *object, const char *name, uint64_t max)
{
    const json_t *number = json_object_get(object, name);
    json_int_t value = json_is_integer(number) ? json_integer_value(number) : 0;
    return value > 0 && (uint64_t)value <= max ? (uint64_t)value : 0;
}

static enum scb_status read_parts(const json_t *crypto, struct keystore *keystore,
                                  struct scb_error *error)
{
    if (!is_text(crypto, "cipher", "aes-128-ctr"))
        return refuse("its cipher is not aes-128-ctr", error);
    const json_t *cipher = json_object_get(crypto, "cipherparams");
    uint8_t iv[BLOCK_SIZE];
    size_t iv_size = read_hex(cipher, "iv", iv, sizeof(iv));
    if (iv_size == 0)
        return refuse("it has no iv of up to 16 bytes", error);
    /* Some writers left zeros in front out. */
    memset(keystore->iv, 0, sizeof(keystore->iv));
    memcpy(keystore->iv + BLOCK_SIZE - iv_size, iv, iv_size);
    if (read_hex(crypto, "ciphertext", keystore->ciphertext, SCB_KEY_SIZE) != SCB_KEY_SIZE)
        return refuse("its ciphertext is not 32 bytes", error);
    if (read_hex(crypto, "mac", keystore->mac, sizeof(keystore->mac)) != sizeof(keystore->mac))
        return refuse("its mac is not 32 bytes", error);
    keystore->parameters = json_object_get(crypto, "kdfparams");
    keystore->salt_size = read_hex(keystore->parameters, "salt", keystore->salt, MAX_SALT);
    if (keystore->salt_size == 0)
        return refuse("it has no salt of up to 256 bytes", error);
    if (read_number(keystore->parameters, "dklen", DERIVED_SIZE) != DERIVED_SIZE)
        return refuse("its dklen is not 32", error);
    return SCB_OK;
}

static enum scb_status derive_scrypt(const struct keystore *keystore, struct scb_bytes password,
                                     uint8_t derived[DERIVED_SIZE], struct scb_error *error)
{
    uint64_t n = read_number(keystore->parameters, "n", MAX_SCRYPT_WORK);
    uint64_t r = read_number(keystore->parameters, "r", MAX_SCRYPT_WORK);
    uint64_t p = read_number(keystore->parameters, "p", MAX_SCRYPT_WORK);
    if (n < 2 || (n & (n - 1)) != 0 || r == 0 || p == 0)
        return refuse("its scrypt numbers n, r and p are wrong or too large", error);
    uint64_t memory = 128 * n * r; /* below 2^56 by the limits above */
    if (memory > MAX_SCRYPT_MEMORY || 128 * r * p > MAX_SCRYPT_MEMORY ||
        n * r > MAX_SCRYPT_WORK / p)
        return refuse("its scrypt numbers n, r and p ask for more memory or work than any "
                      "wallet does",
                      error);
    struct scb_bytes salt = {keystore->salt, keystore->salt_size};
    return scb_scrypt(password, salt, &(struct scb_scrypt_cost){n, r, p}, derived, DERIVED_SIZE,
                      error);
}

static enum scb_status derive_pbkdf2(const struct keystore *keystore, struct scb_bytes password,
                                     uint8_t derived[DERIVED_SIZE], struct scb_error *error)
{
    uint64_t iterations = read_number(keystore->parameters, "c", MAX_ITERATIONS);
    if (iterations == 0)
        return refuse("its iterations c are not 1 to 10,000,000", error);
    if (!is_text(keystore->parameters, "prf", "hmac-sha256"))
        return refuse("its prf is not hmac-sha256", error);
    if (PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, keystore->salt,
                          (int)keystore->salt_size, (int)iterations, EVP_sha256(), DERIVED_SIZE,
                          derived) != 1)
        return scb_error_set(error, SCB_ERROR_INTERNAL, "keystore: PBKDF2 failed");
    return SCB_OK;
}

/* The mac is over the derived key's second half and the ciphertext. */
static enum scb_status check_mac(const struct keystore *keystore,
                                 const uint8_t derived[DERIVED_SIZE], struct scb_error *error)
{
    uint8_t text[DERIVED_SIZE / 2 + SCB_KEY_SIZE], mac[SCB_KECCAK256_SIZE];
    memcpy(text, derived + DERIVED_SIZE / 2, DERIVED_SIZE / 2);
    memcpy(text + DERIVED_SIZE / 2, keystore->ciphertext, SCB_KEY_SIZE);
    scb_keccak256(text, sizeof(text), mac);
    scb_wipe(text, sizeof(text));
    if (CRYPTO_memcmp(mac, keystore->mac, sizeof(mac)) == 0)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_ACCESS, "keystore: the password is wrong");
    (void)scb_error_hint(error, "check --password-file: its first line is the password, blanks "
                                "count");
    return SCB_ERROR_ACCESS;
}

static enum scb_status decrypt(const struct keystore *keystore, const uint8_t *derived,
                               uint8_t key[SCB_KEY_SIZE], struct scb_error *error)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0;
    bool done = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_128_ctr(), NULL, derived, keystore->iv) == 1 &&
                EVP_DecryptUpdate(context, key, &size, keystore->ciphertext, SCB_KEY_SIZE) == 1 &&
                size == SCB_KEY_SIZE;
    EVP_CIPHER_CTX_free(context);
    return done ? SCB_OK : scb_error_set(error, SCB_ERROR_INTERNAL, "keystore: decryption failed");
}

static enum scb_status unlock(const json_t *crypto, struct scb_bytes password,
                              uint8_t key[SCB_KEY_SIZE], struct scb_error *error)
{
    struct keystore keystore;
    uint8_t derived[DERIVED_SIZE];
    enum scb_status status = read_parts(crypto, &keystore, error);
    if (status != SCB_OK)
        return status;
    if (is_text(crypto, "kdf", "scrypt"))
        status = derive_scrypt(&keystore, password, derived, error);
    else if (is_text(crypto, "kdf", "pbkdf2"))
        status = derive_pbkdf2(&keystore, password, derived, error);
    else
        status = refuse("its kdf is neither scrypt nor pbkdf2", error);
    if (status == SCB_OK)
        status = check_mac(&keystore, derived, error);
    if (status == SCB_OK)
        status = decrypt(&keystore, derived, key, error);
    scb_wipe(derived, sizeof(derived));
    return status;
}

/* Many files name the account that they are of, without a 0x. */
static enum scb_status check_address(const json_t *root, const struct scb_signer *signer,
                                     struct scb_error *error)
{
    uint8_t named[sizeof(struct scb_address)];
    size_t size = read_hex(root, "address", named, sizeof(named));
    if (size == 0 || (size == sizeof(named) &&
                      memcmp(named, scb_signer_address(signer)->bytes, sizeof(named)) == 0))
        return SCB_OK;
    return refuse("the address that it names is not its key's", error);
}

enum scb_status scb_keystore_open(struct scb_bytes document, struct scb_bytes password,
                                  struct scb_signer **ret_signer, struct scb_error *error)
{
    json_auto_t *root = NULL;
    if (document.size <= SCB_KEYSTORE_MAX_SIZE)
        root = json_loadb((const char *)document.data, document.size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        return refuse("this is no JSON object", error);
    if (json_integer_value(json_object_get(root, "version")) != 3)
        return refuse("its version is not 3", error);
    const json_t *crypto = json_object_get(root, "crypto");
    if (crypto == NULL)
        crypto = json_object_get(root, "Crypto");
    uint8_t key[SCB_KEY_SIZE] = {0};
    struct scb_signer *signer = NULL;
    enum scb_status status = unlock(crypto, password, key, error);
    if (status == SCB_OK)
        status = scb_signer_new(key, &signer, error);
    scb_wipe(key, sizeof(key));
    if (status == SCB_OK)
        status = check_address(root, signer, error);
    if (status != SCB_OK) {
        scb_signer_free(signer);
        return status;
    }
    *ret_signer = signer;
    return SCB_OK;
}
