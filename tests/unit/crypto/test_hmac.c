/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/hmac: vectors of RFC 4231.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/hmac.h"

static void the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *key, *data, *mac;
    } cases[] = {
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
         "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        uint8_t mac[SCB_SHA256_SIZE];
        char hex[SCB_SHA256_TEXT_SIZE];
        struct scb_bytes key = {(const uint8_t *)cases[i].key, strlen(cases[i].key)};
        struct scb_bytes data = {(const uint8_t *)cases[i].data, strlen(cases[i].data)};
        assert_int_equal(scb_hmac_sha256(key, data, mac, NULL), SCB_OK);
        scb_text_hex(mac, sizeof(mac), hex);
        assert_string_equal(hex, cases[i].mac);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_vectors_of_the_rfc)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
