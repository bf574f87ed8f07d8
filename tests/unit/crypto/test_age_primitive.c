/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_primitive: the RFCs' own examples, a box that is opened with something else
 * than it was sealed with, points of low order.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/age_primitive.h"

static void assert_hex(const uint8_t *data, size_t size, const char *expected)
{
    char hex[2 * 64 + 1];
    scb_text_hex(data, size, hex);
    assert_string_equal(hex, expected);
}

/* RFC 5869, appendix A.3: no salt, no info; and A.1, up to 32 bytes. */
static void hkdf_of_the_rfc(void **state)
{
    (void)state;
    uint8_t secret[22], salt[13], key[SCB_AGE_KEY_SIZE];
    struct scb_age_kit kit;
    memset(secret, 0x0b, sizeof(secret));
    assert_true(scb_text_unhex("000102030405060708090a0b0c", sizeof(salt), salt));
    assert_int_equal(scb_age_kit_open(&kit, NULL), SCB_OK);
    struct scb_age_derivation derivation = {{secret, sizeof(secret)}, {NULL, 0}, ""};
    assert_int_equal(scb_age_derive(&kit, &derivation, key, NULL), SCB_OK);
    assert_hex(key, sizeof(key),
               "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    derivation.salt = (struct scb_bytes){salt, sizeof(salt)};
    derivation.info = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9";
    assert_int_equal(scb_age_derive(&kit, &derivation, key, NULL), SCB_OK);
    assert_hex(key, sizeof(key),
               "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    scb_age_kit_close(&kit);
}

/* RFC 7914, section 12, up to 32 bytes. */
static void scrypt_of_the_rfc(void **state)
{
    (void)state;
    uint8_t key[SCB_AGE_KEY_SIZE];
    struct scb_bytes passphrase = {(const uint8_t *)"pleaseletmein", 13};
    struct scb_bytes salt = {(const uint8_t *)"SodiumChloride", 14};
    assert_int_equal(scb_age_scrypt(passphrase, salt, 14, key, NULL), SCB_OK);
    assert_hex(key, sizeof(key),
               "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

static bool refuse; /* the next contexts */

/* Stands before OpenSSL's own. */
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_pkey(OSSL_LIB_CTX *library, EVP_PKEY *key, const char *query)
{
    EVP_PKEY_CTX *(*own)(OSSL_LIB_CTX *, EVP_PKEY *, const char *) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "EVP_PKEY_CTX_new_from_pkey");
    return refuse ? NULL : own(library, key, query);
}

/* RFC 7748, section 6.1. */
static void x25519_of_the_rfc(void **state)
{
    (void)state;
    uint8_t secret[32], bob[32], alice[32], shared[32];
    EVP_PKEY *pair = NULL, *peer = NULL;
    assert_true(scb_text_unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                               32, secret));
    assert_true(scb_text_unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
                               32, alice));
    assert_int_equal(scb_age_secret_new(secret, &pair, bob, NULL), SCB_OK);
    assert_hex(bob, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_int_equal(scb_age_public_new(alice, &peer, NULL), SCB_OK);
    bool low = true;
    assert_int_equal(scb_age_x25519(pair, peer, &low, shared, NULL), SCB_OK);
    assert_false(low);
    assert_hex(shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    refuse = true; /* that is not the other side's doing */
    low = true;
    assert_int_equal(scb_age_x25519(pair, peer, &low, shared, NULL), SCB_ERROR_RESOURCE);
    assert_false(low);
    refuse = false;
    EVP_PKEY_free(pair);
    EVP_PKEY_free(peer);
}

static void a_point_of_low_order_gives_no_secret(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    };
    for (size_t i = 0; i < SCB_LENGTH(points); i++) {
        uint8_t mine[32], point[32], shared[32];
        EVP_PKEY *pair = NULL, *peer = NULL;
        assert_true(scb_text_unhex(points[i], 32, point));
        assert_int_equal(scb_age_secret_random(&pair, mine, NULL), SCB_OK);
        assert_int_equal(scb_age_public_new(point, &peer, NULL), SCB_OK);
        bool low = false;
        assert_int_equal(scb_age_x25519(pair, peer, &low, shared, NULL), SCB_OK);
        assert_true(low);
        EVP_PKEY_free(pair);
        EVP_PKEY_free(peer);
    }
}

static void a_box_opens_with_its_key_and_nonce_only(void **state)
{
    (void)state;
    struct scb_age_kit kit;
    struct scb_age_box_key key = {{1, 2, 3}, {4, 5}};
    uint8_t sealed[5 + SCB_AGE_TAG_SIZE], text[5];
    struct scb_bytes whole = {sealed, sizeof(sealed)};
    assert_int_equal(scb_age_kit_open(&kit, NULL), SCB_OK);
    assert_int_equal(
        scb_age_seal(&kit, &key, (struct scb_bytes){(const uint8_t *)"hello", 5}, sealed, NULL),
        SCB_OK);
    assert_true(scb_age_open(&kit, &key, whole, text));
    assert_memory_equal(text, "hello", 5);
    key.nonce[0]++;
    assert_false(scb_age_open(&kit, &key, whole, text));
    assert_memory_equal(text, "\0\0\0\0\0", 5);
    key.nonce[0]--;
    key.key[31] = 1;
    assert_false(scb_age_open(&kit, &key, whole, text));
    scb_age_kit_forget(&kit);
    key.key[31] = 0;
    assert_true(scb_age_open(&kit, &key, whole, text));
    scb_age_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_of_the_rfc),
        cmocka_unit_test(scrypt_of_the_rfc),
        cmocka_unit_test(x25519_of_the_rfc),
        cmocka_unit_test(a_point_of_low_order_gives_no_secret),
        cmocka_unit_test(a_box_opens_with_its_key_and_nonce_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
