/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/manifest_signature: what is signed verifies, by whom, trust, every changed bit,
 * other forms, and that openssl says the same with the lines of docs/formats.md.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "../temp_dir.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/manifest_signature.h"

static struct scb_identity *identities[2];
static const uint8_t manifest_sha256[SCB_SHA256_SIZE] = {1, 2, 3};

static int make_identities(void **state)
{
    static const char *const names[] = {"one", "other"};
    (void)temp_set_up(state);
    for (size_t i = 0; i < SCB_LENGTH(names); i++)
        if (scb_identity_create(temp_path(names[i]), 0, NULL, &identities[i], NULL) != SCB_OK)
            return -1;
    return temp_tear_down(state);
}

static int free_identities(void **state)
{
    (void)state;
    scb_identity_free(identities[0]);
    scb_identity_free(identities[1]);
    return 0;
}

static void sign(struct scb_buffer *out)
{
    struct scb_error error = {0};
    if (scb_manifest_sign(identities[0], manifest_sha256, out, &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static void what_is_signed_verifies(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    sign(&text);
    struct scb_node_id ids[2] = {*scb_identity_node_id(identities[1]),
                                 *scb_identity_node_id(identities[0])};
    struct scb_node_ids both = {ids, 2}, other = {ids, 1}, nobody = {NULL, 0};
    const struct scb_node_ids *fine[] = {&both, NULL}, *others[] = {&other, &nobody};
    for (size_t i = 0; i < SCB_LENGTH(fine); i++) {
        struct scb_node_id signer = {{0}};
        assert_int_equal(
            scb_manifest_verify(scb_buffer_bytes(&text), manifest_sha256, fine[i], &signer, NULL),
            SCB_OK);
        assert_true(scb_node_id_equal(&signer, &ids[1]));
    }
    for (size_t i = 0; i < SCB_LENGTH(others); i++) {
        struct scb_node_id signer = {{0}};
        struct scb_error error = {0};
        char name[SCB_NODE_ID_TEXT_SIZE];
        assert_int_equal(scb_manifest_verify(scb_buffer_bytes(&text), manifest_sha256, others[i],
                                             &signer, &error),
                         SCB_ERROR_INTEGRITY);
        assert_int_equal(scb_node_id_format(&ids[1], name, NULL), SCB_OK);
        assert_non_null(strstr(error.message, name));
        assert_non_null(strstr(error.message, "not trusted"));
        assert_non_null(strstr(error.hint, "identity.trusted"));
        assert_int_equal(signer.bytes[0] | signer.bytes[1], 0);
    }
}

static void another_manifest_is_not_signed(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    sign(&text);
    uint8_t sha256[SCB_SHA256_SIZE];
    struct scb_node_id signer;
    struct scb_error error = {0};
    memcpy(sha256, manifest_sha256, sizeof(sha256));
    sha256[31] ^= 0x80;
    assert_int_equal(scb_manifest_verify(scb_buffer_bytes(&text), sha256, NULL, &signer, &error),
                     SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message, "manifest.sig: the signature is wrong");
}

static void the_form_is_always_the_same(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    SCB_AUTO(buffer) struct scb_buffer again = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    struct scb_manifest_signature read;
    sign(&text);
    static const char head[] = "{\n  \"format_version\": 1,\n"
                               "  \"algorithm\": \"ecdsa-p256-sha256\",\n  \"node_id\": \"1";
    assert_memory_equal(text.data, head, strlen(head));
    assert_int_equal(scb_manifest_signature_read(scb_buffer_bytes(&text), &read, NULL), SCB_OK);
    assert_int_equal(scb_manifest_signature_write(read.identity, &read.signature, &again, NULL),
                     SCB_OK);
    assert_int_equal(again.size, text.size);
    assert_memory_equal(again.data, text.data, text.size);
    scb_manifest_signature_free(&read);
    scb_manifest_signature_free(&read);
}

/* One bit of each byte. */
static void a_changed_bit_anywhere_is_found(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    sign(&text);
    struct scb_node_ids trusted = {scb_identity_node_id(identities[0]), 1};
    struct scb_node_id signer;
    for (size_t i = 0; i < text.size; i++) {
        size_t bit = 8 * i + i % 8;
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (scb_manifest_verify(scb_buffer_bytes(&text), manifest_sha256, &trusted, &signer,
                                NULL) != SCB_ERROR_INTEGRITY)
            fail_msg("bit %zu", bit);
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < text.size; size += 7)
        assert_int_equal(scb_manifest_verify((struct scb_bytes){text.data, size}, manifest_sha256,
                                             &trusted, &signer, NULL),
                         SCB_ERROR_INTEGRITY);
}

/* The document with one text in it replaced. */
static void alter(const char *text, const char *from, const char *to, struct scb_buffer *out)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    assert_int_equal(
        scb_buffer_printf(out, NULL, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)),
        SCB_OK);
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *because;
    } table[] = {
        {"{\n", "[{\n", "not what satellite writes"},
        {"{\n  \"format", "{\n \"format", "not what satellite writes"},
        {"\"\n}\n", "\"\n}", "not what satellite writes"},
        {"\"\n}\n", "\",\n  \"more\": 1\n}\n", "not what satellite writes"},
        {"\"\n}\n", "\"\n}\n\n", "not what satellite writes"},
        {"\"format_version\": 1", "\"format_version\": \"1\"", "not what satellite writes"},
        {"\"format_version\": 1", "\"format_version\": 2", "format version 2, this program knows"},
        {"ecdsa-p256-sha256", "none", "not what satellite writes"},
        {"\"node_id\": \"1", "\"node_id\": \"2", "not what satellite writes"},
        {"\"signature\": \"M", "\"signature\": \"*", "signature: bad base64"},
        {"\"signature\"", "\"signature\": \"\",\n  \"other\"", "size that none has"},
        {"\"signature\"", "\"signature\": 12,\n  \"other\"", "size that none has"},
        {"\"signature\": \"",
         "\"signature\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         "size that none has"},
        {"\"certificates\"", "\"certificates\": \"\",\n  \"other\"", "0 certificates"},
        {"CERTIFICATE-----\\n\"", "CERTIFICATE-----\\n \"", "not what satellite writes"},
        {"-----BEGIN", "----BEGIN", "1 certificates"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
        SCB_AUTO(buffer) struct scb_buffer other = {.max = SCB_MANIFEST_SIGNATURE_MAX};
        struct scb_manifest_signature read;
        struct scb_error error = {0};
        sign(&text);
        assert_int_equal(scb_buffer_append(&text, "", 1, NULL), SCB_OK);
        alter((const char *)text.data, table[i].from, table[i].to, &other);
        if (scb_manifest_signature_read(scb_buffer_bytes(&other), &read, &error) !=
                SCB_ERROR_INTEGRITY ||
            strstr(error.message, table[i].because) == NULL)
            fail_msg("%s: %s", table[i].to, error.message);
    }
}

/* Appends the n-th block of shell lines after a heading of docs/formats.md. */
static void documented(const char *heading, int n, char *lines, size_t size)
{
    static char text[256 * 1024];
    FILE *file = fopen(SCB_SOURCE_ROOT "/docs/formats.md", "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    const char *at = strstr(text, heading);
    assert_non_null(at);
    for (int i = 0; i < n; i++) {
        at = strstr(at, "```sh\n");
        assert_non_null(at);
        at += strlen("```sh\n");
    }
    const char *end = strstr(at, "```");
    assert_non_null(end);
    size_t used = strlen(lines);
    assert_true(used + (size_t)(end - at) < size);
    memcpy(lines + used, at, (size_t)(end - at));
    lines[used + (size_t)(end - at)] = '\0';
}

/* What the lines print when they are run in the test's directory. */
static const char *printed_by(const char *lines)
{
    static char text[4096];
    char whole[8192];
    (void)snprintf(whole, sizeof(whole), "cd %s && exec 2>&1\n%s", temp_dir, lines);
    FILE *shell = popen(whole, "re");
    assert_non_null(shell);
    text[fread(text, 1, sizeof(text) - 1, shell)] = '\0';
    (void)pclose(shell);
    return text;
}

static void openssl_says_the_same(void **state)
{
    (void)state;
    if (system("command -v openssl jq awk >/dev/null") != 0)
        skip();
    static const char manifest[] = "{\n  \"format_version\": 1,\n";
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    char lines[4096] = "", hex[2 * SCB_NODE_ID_SIZE + 1];
    assert_int_equal(
        scb_digest_sha256(&digest, (struct scb_bytes){(const uint8_t *)manifest, strlen(manifest)},
                          sha256, NULL),
        SCB_OK);
    assert_int_equal(scb_manifest_sign(identities[0], sha256, &text, NULL), SCB_OK);
    assert_int_equal(scb_buffer_append(&text, "", 1, NULL), SCB_OK);
    temp_write("manifest.json", manifest);
    temp_write("manifest.sig", (const char *)text.data);
    documented("## Signature", 1, lines, sizeof(lines));
    documented("## Signature", 2, lines, sizeof(lines));
    const char *printed = printed_by(lines);
    scb_text_hex(scb_identity_node_id(identities[0])->bytes, SCB_NODE_ID_SIZE, hex);
    hex[2 * SCB_NODE_ID_SIZE - 2] = '\0'; /* the last byte is the version's */
    if (strncmp(printed, "Verified OK\n", 12) != 0 || strstr(printed, "/chain.pem: OK\n") == NULL ||
        strstr(printed, hex) == NULL)
        fail_msg("%s\n%s", hex, printed);
    temp_write("manifest.json", "another");
    assert_non_null(strstr(printed_by(lines), "Verification failure"));
}

static void a_large_one_is_refused(void **state)
{
    (void)state;
    static uint8_t blanks[SCB_MANIFEST_SIGNATURE_MAX + 1];
    struct scb_manifest_signature read;
    struct scb_error error = {0};
    memset(blanks, ' ', sizeof(blanks));
    assert_int_equal(
        scb_manifest_signature_read((struct scb_bytes){blanks, sizeof(blanks)}, &read, &error),
        SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message, "manifest.sig: it is too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(another_manifest_is_not_signed),
        cmocka_unit_test(the_form_is_always_the_same),
        cmocka_unit_test(a_changed_bit_anywhere_is_found),
        cmocka_unit_test(other_forms_are_refused),
        IN_TEMP(openssl_says_the_same),
        cmocka_unit_test(a_large_one_is_refused),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
