/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/digest: published vectors, pieces of any size, reuse of one object, the sink.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "../format/streams.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"

static void assert_hex(const uint8_t sha256[SCB_SHA256_SIZE], const char *expected)
{
    char hex[2 * SCB_SHA256_SIZE + 1];
    scb_text_hex(sha256, SCB_SHA256_SIZE, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-2, appendix B, and the empty string. */
static const struct {
    const char *text;
    const char *sha256;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void published_vectors(void **state)
{
    (void)state;
    SCB_AUTO(digest) struct scb_digest digest = {0};
    for (size_t i = 0; i < SCB_LENGTH(vectors); i++) {
        struct scb_error error = {0};
        uint8_t sha256[SCB_SHA256_SIZE];
        struct scb_bytes data = {(const uint8_t *)vectors[i].text, strlen(vectors[i].text)};
        assert_int_equal(scb_digest_sha256(&digest, data, sha256, &error), SCB_OK);
        assert_hex(sha256, vectors[i].sha256);
    }
}

static void a_million_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 63, 64, 65, 4096, 1000000};
    static uint8_t data[1000000];
    memset(data, 'a', sizeof(data));
    SCB_AUTO(digest) struct scb_digest digest = {0};
    for (size_t i = 0; i < SCB_LENGTH(pieces); i++) {
        struct scb_error error = {0};
        uint8_t sha256[SCB_SHA256_SIZE];
        assert_int_equal(scb_digest_begin(&digest, &error), SCB_OK);
        struct scb_sink sink = scb_digest_sink(&digest);
        for (size_t done = 0; done < sizeof(data); done += pieces[i]) {
            size_t left = sizeof(data) - done;
            size_t size = left < pieces[i] ? left : pieces[i];
            assert_int_equal(sink.write(sink.state, data + done, size, &error), SCB_OK);
        }
        assert_int_equal(scb_digest_end(&digest, sha256, &error), SCB_OK);
        assert_hex(sha256, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

static void all_of_an_input(void **state)
{
    (void)state;
    static uint8_t data[1000000];
    memset(data, 'a', sizeof(data));
    static const size_t steps[] = {999, 65536, sizeof(data)};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        struct memory_input memory = {.data = {data, sizeof(data)}, .step = steps[i]};
        assert_int_equal(scb_digest_input(&digest, memory_input(&memory), sha256, NULL), SCB_OK);
        assert_hex(sha256, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    struct memory_input memory = {.data = {data, sizeof(data)}, .step = 999, .fail_at = 5000};
    assert_int_equal(scb_digest_input(&digest, memory_input(&memory), sha256, NULL),
                     SCB_ERROR_FILE);
}

static void begin_forgets_what_was_unfinished(void **state)
{
    (void)state;
    struct scb_error error = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    assert_int_equal(scb_digest_begin(&digest, &error), SCB_OK);
    assert_int_equal(scb_digest_update(&digest, "xyz", 3, &error), SCB_OK);
    assert_int_equal(scb_digest_begin(&digest, &error), SCB_OK);
    assert_int_equal(scb_digest_update(&digest, "abc", 3, &error), SCB_OK);
    assert_int_equal(scb_digest_end(&digest, sha256, &error), SCB_OK);
    assert_hex(sha256, vectors[1].sha256);
}

static void free_leaves_it_ready(void **state)
{
    (void)state;
    struct scb_error error = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    struct scb_digest digest = {0};
    scb_digest_free(&digest);
    assert_int_equal(scb_digest_begin(&digest, &error), SCB_OK);
    scb_digest_free(&digest);
    assert_null(digest.context);
    struct scb_bytes data = {(const uint8_t *)"abc", 3};
    assert_int_equal(scb_digest_sha256(&digest, data, sha256, &error), SCB_OK);
    assert_hex(sha256, vectors[1].sha256);
    scb_digest_free(&digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),    cmocka_unit_test(a_million_in_pieces_of_any_size),
        cmocka_unit_test(all_of_an_input),      cmocka_unit_test(begin_forgets_what_was_unfinished),
        cmocka_unit_test(free_leaves_it_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
