/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/manifest: the exact document, what the writer checks of its caller, reading it back
 * in any read sizes, and that nothing but the exact document is read.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/manifest.h"
#include "streams.h"

enum { MAX = 8 * 1024 * 1024 };

/* printf 'page 0' | sha256sum, and so on; pages_sha256 is that of the two lines joined. */
#define SHA256_0   "98b8816d5a9f858675fcf86e0a700481b105e3ff7b700934c731b8ab667b1308"
#define SHA256_1   "0621a1c111cfd4554a172d9ecd490a9a8d6e4e66e0f444491b716fb1d00ab1b9"
#define SHA256_ALL "bbeb73897c630557b1f5e516ae2e5dff1ca46457d15f2ac9bce0d356542492d5"
#define ADDRESS    "5fbdb2315678afecb367f032d93f642f64180aa3"
#define BLOCK_HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char document[] =
    "{\n"
    "  \"format_version\": 1,\n"
    "  \"backup_date\": \"2024-01-15\",\n"
    "  \"chain_id\": 31337,\n"
    "  \"contract_address\": \"0x" ADDRESS "\",\n"
    "  \"block_number\": 12,\n"
    "  \"block_hash\": \"0x" BLOCK_HASH "\",\n"
    "  \"block_time\": \"2024-01-15T08:30:00Z\",\n"
    "  \"total_keys\": 101,\n"
    "  \"total_pages\": 2,\n"
    "  \"page_size\": 100,\n"
    "  \"warnings\": {\"empty_key\": 1, \"empty_version\": 2, \"duplicate_key\": 3},\n"
    "  \"pages_sha256\": \"" SHA256_ALL "\",\n"
    "  \"program\": \"satellite 0.1.0\",\n"
    "  \"pages\": [\n"
    "    {\"number\": 0, \"file\": \"page_0.json\", \"keys\": 100, \"sha256\": \"" SHA256_0
    "\", \"size\": 18231},\n"
    "    {\"number\": 1, \"file\": \"page_1.json\", \"keys\": 1, \"sha256\": \"" SHA256_1
    "\", \"size\": 93}\n"
    "  ]\n"
    "}\n";

static void sample(struct scb_manifest *manifest, struct scb_manifest_page pages[2])
{
    *manifest = (struct scb_manifest){
        .backup_date = "2024-01-15",
        .chain_id = 31337,
        .block_number = 12,
        .block_time = 1705307400,
        .total_keys = 101,
        .total_pages = 2,
        .page_size = 100,
        .warnings = {1, 2, 3},
        .program = "satellite 0.1.0",
    };
    assert_true(scb_text_unhex(ADDRESS, 20, manifest->contract));
    assert_true(scb_text_unhex(BLOCK_HASH, 32, manifest->block_hash));
    assert_true(scb_text_unhex(SHA256_ALL, 32, manifest->pages_sha256));
    pages[0] = (struct scb_manifest_page){.number = 0, .keys = 100, .size = 18231};
    pages[1] = (struct scb_manifest_page){.number = 1, .keys = 1, .size = 93};
    assert_true(scb_text_unhex(SHA256_0, 32, pages[0].sha256));
    assert_true(scb_text_unhex(SHA256_1, 32, pages[1].sha256));
}

static enum scb_status next_of(void *state, struct scb_manifest_page *ret_page,
                               struct scb_error *error)
{
    struct scb_manifest_page **next = state;
    (void)error;
    *ret_page = *(*next)++;
    return SCB_OK;
}

static enum scb_status write_pages(const struct scb_manifest *manifest,
                                   struct scb_manifest_page *pages, struct scb_buffer *out,
                                   struct scb_error *error)
{
    return scb_manifest_write(manifest, next_of, &pages, buffer_sink(out), error);
}

static void the_exact_document(void **state)
{
    (void)state;
    struct scb_manifest manifest;
    struct scb_manifest_page pages[2];
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    sample(&manifest, pages);
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_OK);
    assert_int_equal(out.size, strlen(document));
    assert_memory_equal(out.data, document, out.size);
    json_t *json = json_loadb(document, strlen(document), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
}

static void the_writer_checks_its_caller(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "manifest: page 1 stands where page 0 belongs",
        "manifest: page 0 with 101 keys, page_size is 100",
        "manifest: its pages have 100 keys, total_keys is 101",
        "manifest: pages_sha256 is not that of its pages' checksums",
    };
    for (size_t i = 0; i < SCB_LENGTH(messages); i++) {
        struct scb_manifest manifest;
        struct scb_manifest_page pages[2];
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
        sample(&manifest, pages);
        pages[0].number += i == 0;
        pages[0].keys += i == 1;
        pages[1].keys -= i == 2;
        pages[1].sha256[31] ^= i == 3;
        assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_ERROR_INTERNAL);
        assert_string_equal(error.message, messages[i]);
    }
}

static void a_time_past_the_form(void **state)
{
    (void)state;
    struct scb_manifest manifest;
    struct scb_manifest_page pages[2];
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    sample(&manifest, pages);
    manifest.block_time = 253402300799;
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_OK);
    assert_non_null(memmem(out.data, out.size, "\"9999-12-31T23:59:59Z\"", 22));
    manifest.block_time++;
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_ERROR_VALIDATION);
}

static void failing_callees_are_reported(void **state)
{
    (void)state;
    struct scb_manifest manifest;
    struct scb_manifest_page pages[2];
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer small = {.max = 100};
    sample(&manifest, pages);
    assert_int_equal(write_pages(&manifest, pages, &small, &error), SCB_ERROR_RESOURCE);
}

/* Reads a whole document and writes what was read. */
static enum scb_status copy_manifest(struct memory_input input, struct scb_buffer *out,
                                     struct scb_error *error)
{
    struct scb_manifest manifest;
    struct scb_manifest_reader *reader = NULL;
    enum scb_status status =
        scb_manifest_reader_new(memory_input(&input), &manifest, &reader, error);
    struct scb_manifest_page pages[401];
    bool more = true;
    for (size_t i = 0; status == SCB_OK && more; i++) {
        assert_true(i < SCB_LENGTH(pages));
        status = scb_manifest_reader_next(reader, &more, &pages[i], error);
    }
    if (status == SCB_OK)
        assert_int_equal(scb_manifest_reader_next(reader, &more, &pages[0], error), SCB_OK);
    scb_manifest_reader_free(reader);
    return status == SCB_OK ? write_pages(&manifest, pages, out, error) : status;
}

static enum scb_status copy_text(const char *text, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
    struct memory_input input = {.data = text_bytes(text), .step = SIZE_MAX};
    enum scb_status status = copy_manifest(input, &again, error);
    if (status == SCB_OK) {
        assert_int_equal(again.size, strlen(text));
        assert_memory_equal(again.data, text, again.size);
    }
    return status;
}

static void it_comes_back(void **state)
{
    (void)state;
    struct scb_manifest manifest, expected;
    struct scb_manifest_page page, pages[2];
    struct scb_manifest_reader *reader = NULL;
    struct scb_error error = {0};
    bool more = false;
    sample(&expected, pages);
    struct memory_input input = {.data = text_bytes(document), .step = 1};
    assert_int_equal(scb_manifest_reader_new(memory_input(&input), &manifest, &reader, &error),
                     SCB_OK);
    assert_string_equal(manifest.backup_date, expected.backup_date);
    assert_int_equal(manifest.chain_id, expected.chain_id);
    assert_memory_equal(manifest.contract, expected.contract, sizeof(manifest.contract));
    assert_int_equal(manifest.block_number, expected.block_number);
    assert_memory_equal(manifest.block_hash, expected.block_hash, sizeof(manifest.block_hash));
    assert_int_equal(manifest.block_time, expected.block_time);
    assert_int_equal(manifest.total_keys, expected.total_keys);
    assert_int_equal(manifest.total_pages, expected.total_pages);
    assert_int_equal(manifest.page_size, expected.page_size);
    assert_int_equal(manifest.warnings.empty_keys, 1);
    assert_int_equal(manifest.warnings.empty_versions, 2);
    assert_int_equal(manifest.warnings.duplicate_keys, 3);
    assert_string_equal(manifest.program, expected.program);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(scb_manifest_reader_next(reader, &more, &page, &error), SCB_OK);
        assert_true(more);
        assert_int_equal(page.number, i);
        assert_int_equal(page.keys, pages[i].keys);
        assert_int_equal(page.size, pages[i].size);
        assert_memory_equal(page.sha256, pages[i].sha256, SCB_SHA256_SIZE);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(scb_manifest_reader_next(reader, &more, &page, &error), SCB_OK);
        assert_false(more);
    }
    scb_manifest_reader_free(reader);
}

/* More pages than a window holds, with numbers of any length. */
static void many_pages_in_reads_of_any_size(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 100, 4096, SIZE_MAX};
    struct scb_manifest manifest;
    struct scb_manifest_page pages[400] = {0};
    struct scb_error error = {0};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    sample(&manifest, pages);
    manifest.page_size = UINT64_MAX;
    manifest.total_keys = UINT64_MAX;
    manifest.total_pages = SCB_LENGTH(pages);
    assert_int_equal(scb_digest_begin(&digest, &error), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(pages); i++) {
        pages[i].number = i;
        pages[i].keys = i == 150 ? UINT64_MAX : 0;
        pages[i].size = i == 160 ? UINT64_MAX : i;
        assert_int_equal(scb_manifest_digest_page(&digest, pages[i].sha256, &error), SCB_OK);
    }
    assert_int_equal(scb_digest_end(&digest, manifest.pages_sha256, &error), SCB_OK);
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct memory_input input = {.data = scb_buffer_bytes(&out), .step = steps[i]};
        assert_int_equal(copy_manifest(input, &again, &error), SCB_OK);
        assert_int_equal(again.size, out.size);
        assert_memory_equal(again.data, out.data, out.size);
    }
}

/* One edit of the document each: what is replaced by what, and what the reader says. */
static const struct {
    const char *from;
    const char *to;
    const char *message;
} edits[] = {
#define ODD(line) "manifest: line " #line " is not in the form that satellite writes"
    {"{\n", "{ \n", ODD(1)},
    {"{\n", "\xef\xbb\xbf{\n", ODD(1)},
    {"version\": 1", "version\": 2", "manifest: format version 2, this program knows 1"},
    {"version\": 1", "version\": 01", ODD(2)},
    {"version\": 1,", "version\": 1,\r", ODD(2)},
    {"2024-01-15\"", "2024-02-30\"", ODD(3)},
    {"2024-01-15\"", "../../etc/x\"", ODD(3)},
    {"2024-01-15\"", "2024-01-15-and-much-more-than-fits\"", ODD(3)},
    {"31337", "-1", ODD(4)},
    {"31337", "1e3", ODD(4)},
    {"31337", "\"31337\"", ODD(4)},
    {"31337", "18446744073709551616", ODD(4)},
    {"31337", "031337", ODD(4)},
    {"0x5fbdb", "0x5FbdB", ODD(5)},
    {"0x5fbdb", "5fbdb", ODD(5)},
    {"0x5fbdb", "0x5fbd", ODD(5)},
    {"0x0011", "0x00112", ODD(7)},
    {"08:30:00Z", "08:30:00.000Z", ODD(8)},
    {"08:30:00Z", "08:60:00Z", ODD(8)},
    {"2024-01-15T", "1969-01-15T", ODD(8)},
    {"keys\": 101", "keys\": 102", "manifest: its pages have 101 keys, total_keys is 102"},
    {"keys\": 101", "keys\": ", ODD(9)},
    {"pages\": 2", "pages\": 1", ODD(16)},
    {"pages\": 2", "pages\": 3", ODD(17)},
    {"pages\": 2", "pages\": 0", ODD(10)},
    {"size\": 100", "size\": 99", "manifest: page 0 with 100 keys, page_size is 99"},
    {"\"empty_key\": 1", "\"empty_key\":1", ODD(12)},
    {SHA256_ALL, SHA256_0, "manifest: pages_sha256 is not that of its pages' checksums"},
    {"satellite 0.1.0", "sat\\u0065llite", ODD(14)},
    {"satellite 0.1.0", "s\"", ODD(14)},
    {"\"program\"", "\"future\": 1,\n  \"program\"", ODD(14)},
    {"\"chain_id\": 31337", "\"chain_id\": 31337,\n  \"chain_id\": 31337", ODD(5)},
    {"\"pages\": [\n", "\"pages\": [", ODD(1)},
    {"{\"number\": 1", "{\"number\": 0", ODD(17)},
    {"{\"number\": 1, \"file\": \"page_1", "{\"number\": 2, \"file\": \"page_2",
     "manifest: page 2 stands where page 1 belongs"},
    {"page_1.json", "../page_1.json", ODD(17)},
    {"keys\": 1,", "keys\": 2,", "manifest: its pages have 102 keys, total_keys is 101"},
    {"size\": 93}", "size\": 93},", ODD(17)},
    {"size\": 18231},", "size\": 18231}", ODD(16)},
    {"93}\n", "93}", ODD(17)},
    {"  ]\n}\n", "  ]\n}", ODD(18)},
    {"  ]\n}\n", "  ]\n}\n\n", ODD(20)},
    {"  ]\n}\n", "  ],\n  \"more\": 1\n}\n", ODD(18)},
    {"  ]\n}\n", "", ODD(18)},
};

static void every_edit_is_refused(void **state)
{
    (void)state;
    struct scb_error error = {0};
    assert_int_equal(copy_text(document, &error), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(edits); i++) {
        const char *at = strstr(document, edits[i].from);
        assert_non_null(at);
        SCB_AUTO(string)
        char *edited = scb_format(&error, "%.*s%s%s", (int)(at - document), document, edits[i].to,
                                  at + strlen(edits[i].from));
        assert_non_null(edited);
        enum scb_status status = copy_text(edited, &error);
        if (status != SCB_ERROR_INTEGRITY || strcmp(error.message, edits[i].message) != 0)
            fail_msg("'%s' for '%s': status %d, %s", edits[i].to, edits[i].from, (int)status,
                     error.message);
    }
}

/* --- encrypted backups --- */

#define KEY_0        "age183mm77eznh68c38kcphzgjd8727x58nlwhfh5hrc2pfx34r8pscsq0ahaj"
#define KEY_1        "age1hzdwsvywfd5ja3a4syj4ac30lud44c7x87exlv20l39ls9me3veqefx8c0"
#define FORMAT(text) "  \"encryption\": {\"format\": \"age-encryption.org/v1\", " text "},\n"
#define BOTH         "\"recipients\": [\"" KEY_0 "\", \"" KEY_1 "\"]"
#define ENCRYPTED    FORMAT(BOTH)

/* The document with a text before pages_sha256 and page files of these names. */
static char *encrypted_document(const char *text, const char *page_0, const char *page_1)
{
    const char *sha256 = strstr(document, "  \"pages_sha256\"");
    const char *first = strstr(document, "page_0.json"), *second = strstr(document, "page_1.json");
    int name = (int)strlen("page_0.json");
    char *made = scb_format(NULL, "%.*s%s%.*s%s%.*s%s%s", (int)(sha256 - document), document, text,
                            (int)(first - sha256), sha256, page_0, (int)(second - first) - name,
                            first + name, page_1, second + name);
    assert_non_null(made);
    return made;
}

static void an_encrypted_one_names_its_recipients(void **state)
{
    (void)state;
    struct scb_manifest manifest;
    struct scb_manifest_page pages[2];
    struct scb_error error = {0};
    static const char *const recipients[] = {KEY_1, KEY_0, NULL};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    SCB_AUTO(string)
    char *expected = encrypted_document(ENCRYPTED, "page_0.json.gz.age", "page_1.json.gz.age");
    sample(&manifest, pages);
    assert_int_equal(scb_age_recipients_parse(recipients, &manifest.recipients, NULL), SCB_OK);
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_OK);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
    assert_int_equal(copy_text(expected, &error), SCB_OK);
    json_t *json = json_loadb(expected, strlen(expected), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
}

static bool no_random;

/* Stands before the C library's. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    return no_random ? -1 : syscall(SYS_getrandom, buffer, size, flags);
}

/* What the kernel or OpenSSL cannot give is no damage of a manifest. */
static void recipients_are_read_without_keys_being_made(void **state)
{
    (void)state;
    struct scb_error error = {0};
    SCB_AUTO(string)
    char *text = encrypted_document(ENCRYPTED, "page_0.json.gz.age", "page_1.json.gz.age");
    no_random = true;
    enum scb_status status = copy_text(text, &error);
    no_random = false;
    if (status != SCB_OK)
        fail_msg("%s", error.message);
}

static void as_many_recipients_as_there_may_be(void **state)
{
    (void)state;
    struct scb_manifest manifest;
    struct scb_manifest_page pages[2];
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    sample(&manifest, pages);
    manifest.recipients.count = SCB_AGE_MAX_RECIPIENTS;
    for (size_t i = 0; i < SCB_AGE_MAX_RECIPIENTS; i++) {
        struct scb_age_recipient *item = &manifest.recipients.items[i];
        assert_true(scb_text_unhex(SHA256_0, sizeof(item->public), item->public));
        item->public[0] = (uint8_t)i;
    }
    assert_int_equal(write_pages(&manifest, pages, &out, &error), SCB_OK);
    assert_int_equal(scb_buffer_append(&out, "", 1, NULL), SCB_OK);
    assert_int_equal(copy_text((const char *)out.data, &error), SCB_OK);
    /* One more is refused, however it got there. */
    const char *text = (const char *)out.data, *last = strstr(text, "\"]}");
    assert_non_null(last);
    SCB_AUTO(string)
    char *more = scb_format(NULL, "%.*s\", \"" KEY_1 "%s", (int)(last - text), text, last);
    assert_non_null(more);
    assert_int_equal(copy_text(more, &error), SCB_ERROR_INTEGRITY);
}

static void other_forms_of_encryption_are_refused(void **state)
{
    (void)state;
    static const char age_0[] = "page_0.json.gz.age", age_1[] = "page_1.json.gz.age";
    static const struct {
        const char *text, *page_0, *page_1, *message;
    } table[] = {
        {ENCRYPTED, "page_0.json", "page_1.json", ODD(17)},
        {ENCRYPTED, age_0, "page_1.json", ODD(18)},
        {"", age_0, age_1, ODD(16)},
        {ENCRYPTED ENCRYPTED, age_0, age_1, ODD(14)},
        {"  \"encryption\": {\"format\": \"age-encryption.org/v2\", " BOTH "},\n", age_0, age_1,
         ODD(13)},
        {FORMAT("\"recipients\": []"), age_0, age_1, ODD(13)},
        {FORMAT("\"recipients\": [\"" KEY_1 "\", \"" KEY_0 "\"]"), age_0, age_1, ODD(13)},
        {FORMAT("\"recipients\": [\"" KEY_0 "\", \"" KEY_0 "\"]"), age_0, age_1, ODD(13)},
        {FORMAT("\"recipients\": [\"" KEY_0 "\" \"" KEY_1 "\"]"), age_0, age_1, ODD(13)},
        {FORMAT("\"recipients\": [\"age1\"]"), age_0, age_1, ODD(13)},
        {"  \"encryption\": null,\n", age_0, age_1, ODD(13)},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        SCB_AUTO(string)
        char *text = encrypted_document(table[i].text, table[i].page_0, table[i].page_1);
        enum scb_status status = copy_text(text, &error);
        if (status != SCB_ERROR_INTEGRITY || strcmp(error.message, table[i].message) != 0)
            fail_msg("%zu: status %d, %s", i, (int)status, error.message);
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(document); size++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = {(const uint8_t *)document, size}, .step = SIZE_MAX};
        assert_int_equal(copy_manifest(input, &again, &error), SCB_ERROR_INTEGRITY);
    }
}

/* Whatever one byte is changed to: it is refused, or it comes back as it is. */
static void every_changed_byte(void **state)
{
    (void)state;
    struct scb_error error = {0};
    size_t kept = 0;
    for (size_t i = 0; i < strlen(document) * 255; i++) {
        char changed[sizeof(document)];
        memcpy(changed, document, sizeof(document));
        changed[i / 255] = (char)(i % 255 + 1);
        kept += copy_text(changed, &error) == SCB_OK;
    }
    assert_true(kept >= strlen(document));
}

static void a_line_without_end_is_bounded(void **state)
{
    (void)state;
    static char endless[1024 * 1024];
    static const char *const starts[] = {"", "{\n  \"format_version\": 1,\n", document};
    for (size_t i = 0; i < SCB_LENGTH(starts); i++) {
        size_t size = i < 2 ? strlen(starts[i]) : (size_t)(strstr(document, "18231") - document);
        memset(endless, '1', sizeof(endless));
        memcpy(endless, starts[i], size);
        struct memory_input input = {.data = {(const uint8_t *)endless, sizeof(endless)},
                                     .step = 512};
        struct scb_manifest manifest;
        struct scb_manifest_page page;
        struct scb_manifest_reader *reader = NULL;
        struct scb_error error = {0};
        bool more = false;
        enum scb_status status =
            scb_manifest_reader_new(memory_input(&input), &manifest, &reader, &error);
        if (status == SCB_OK)
            status = scb_manifest_reader_next(reader, &more, &page, &error);
        assert_int_equal(status, SCB_ERROR_INTEGRITY);
        assert_true(input.at < 16 * 1024);
        scb_manifest_reader_free(reader);
    }
}

static void a_failed_read_is_passed_on(void **state)
{
    (void)state;
    for (size_t at = 1; at <= strlen(document); at++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = text_bytes(document), .step = 1, .fail_at = at};
        assert_int_equal(copy_manifest(input, &again, &error), SCB_ERROR_FILE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_document),
        cmocka_unit_test(the_writer_checks_its_caller),
        cmocka_unit_test(a_time_past_the_form),
        cmocka_unit_test(failing_callees_are_reported),
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(many_pages_in_reads_of_any_size),
        cmocka_unit_test(every_edit_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(an_encrypted_one_names_its_recipients),
        cmocka_unit_test(recipients_are_read_without_keys_being_made),
        cmocka_unit_test(as_many_recipients_as_there_may_be),
        cmocka_unit_test(other_forms_of_encryption_are_refused),
        cmocka_unit_test(every_changed_byte),
        cmocka_unit_test(a_line_without_end_is_bounded),
        cmocka_unit_test(a_failed_read_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
