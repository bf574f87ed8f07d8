/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/page_seal and what job/page_work does with it: encrypted pages from one answer and
 * from many, at every border of size; that no plain one is on the disk; what an earlier run left;
 * the checksum of what is in them; files that cannot be written.
 */
#include "fixture.h"

#include "crypto/age_reader.h"

enum { PIECE = 64 * 1024, MOST = 2 * SCB_WHOLE_PAGE_SIZE };

#define NAME "page_7.json.gz.age"

static struct scb_age_identities *identities;
static struct scb_age_reader *reader;
static uint8_t *noise; /* does not deflate */

static int make_identity(void **state)
{
    (void)state;
    char text[SCB_AGE_IDENTITY_TEXT_SIZE];
    uint32_t seed = 1;
    page_recipients.count = 1;
    assert_int_equal(scb_age_identity_generate(text, page_recipients.items, NULL), SCB_OK);
    assert_int_equal(scb_age_identities_parse(bytes_of(text), &identities, NULL), SCB_OK);
    assert_int_equal(scb_age_reader_new(identities, &reader, NULL), SCB_OK);
    noise = malloc(MOST);
    assert_non_null(noise);
    for (size_t i = 0; i < MOST; i++) {
        seed = seed * 1103515245 + 12345;
        noise[i] = (uint8_t)(' ' + (seed >> 16) % 95);
    }
    return 0;
}

static int forget_identity(void **state)
{
    (void)state;
    scb_age_reader_free(reader);
    scb_age_identities_free(identities);
    free(noise);
    return 0;
}

static int set_up_encrypted(void **state)
{
    int failed = set_up(state);
    page_recipients.count = 1;
    scb_page_tools_free(&tools);
    assert_int_equal(scb_page_tools_init(&tools, &page_recipients, NULL), SCB_OK);
    return failed;
}

static struct scb_entry entries[4];

/* Entries of a page of so many bytes, more or less. */
static void make_entries(size_t size, bool noisy)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3"};
    static uint8_t plain[MOST];
    const size_t values[] = {size / 2, 3, 0, size - size / 2 - 3};
    memset(plain, 'x', sizeof(plain));
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        entries[i] = (struct scb_entry){
            bytes_of(keys[i]), {noisy ? noise : plain, values[i]}, bytes_of("v")};
}

static const size_t ways[][5] = {{4}, {1, 3}, {3, 1}, {1, 1, 1, 1}};

static enum scb_status add_by(const size_t way[5], struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0, done = 0; way[i] > 0 && status == SCB_OK; done += way[i++])
        status = add_answer(entries + done, way[i], error);
    return status;
}

static void make_page_by(const size_t way[5])
{
    struct scb_error error = {0};
    begin_page(7, 4);
    if (add_by(way, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(page.done, 4);
}

/* gunzip(age -d) of the page's file. */
static void open_file(struct scb_buffer *out)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    SCB_AUTO(buffer) struct scb_buffer gzip = {.max = MAX_ANSWER};
    size_t got = 0;
    read_file(NAME, &file);
    assert_int_equal(scb_age_reader_decrypt(reader, scb_buffer_bytes(&file), &gzip, NULL), SCB_OK);
    assert_int_equal(scb_buffer_reserve(out, 2 * MOST, NULL), SCB_OK);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    assert_non_null(inflater);
    enum libdeflate_result result =
        libdeflate_gzip_decompress(inflater, gzip.data, gzip.size, out->data, out->capacity, &got);
    libdeflate_free_decompressor(inflater);
    assert_int_equal(result, LIBDEFLATE_SUCCESS);
    out->size = got;
}

/* The file is the page, and what is said of it is so. */
static void assert_sealed(const struct scb_buffer *expected)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    SCB_AUTO(buffer) struct scb_buffer opened = {.max = MAX_ANSWER};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    read_file(NAME, &file);
    assert_int_equal(page.size, file.size);
    assert_int_equal(page.crc32, libdeflate_crc32(0, file.data, file.size));
    assert_int_equal(scb_digest_sha256(&digest, scb_buffer_bytes(&file), sha256, NULL), SCB_OK);
    assert_memory_equal(page.sha256, sha256, sizeof(sha256));
    assert_int_equal(page.packed.size > 0, page.whole);
    if (page.whole)
        assert_bytes(scb_buffer_bytes(&page.packed), scb_buffer_bytes(&file));
    open_file(&opened);
    assert_bytes(scb_buffer_bytes(&opened), scb_buffer_bytes(expected));
    assert_string_equal(temp_list(FOLDER), NAME);
}

/* The plain page of the entries. */
static void make_plain(struct scb_buffer *out)
{
    struct scb_page_writer writer;
    scb_page_writer_begin(&writer, out, (struct scb_sink){0});
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        assert_int_equal(scb_page_writer_append(&writer, &entries[i], NULL), SCB_OK);
    assert_int_equal(scb_page_writer_end(&writer, NULL), SCB_OK);
}

static const size_t sizes[] = {400, PIECE, 3 * PIECE, SCB_WHOLE_PAGE_SIZE - 1000,
                               SCB_WHOLE_PAGE_SIZE + PIECE};

static void a_page_opens_to_the_plain_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * SCB_LENGTH(sizes); i++) {
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = MAX_ANSWER};
        make_entries(sizes[i / 2], i % 2 == 0);
        make_plain(&plain);
        for (size_t way = 0; way < SCB_LENGTH(ways); way++) {
            make_page_by(ways[way]);
            assert_sealed(&plain);
        }
    }
    assert_int_equal(temp_mode(FOLDER NAME), 0600);
}

static void no_two_files_are_the_same(void **state)
{
    (void)state;
    uint8_t sha256[SCB_SHA256_SIZE];
    make_entries(400, false);
    make_page_by(ways[0]);
    memcpy(sha256, page.sha256, sizeof(sha256));
    make_page_by(ways[0]);
    assert_memory_not_equal(sha256, page.sha256, sizeof(sha256));
}

static void what_is_in_it_is_hashed_where_that_is_asked_for(void **state)
{
    (void)state;
    SCB_AUTO(digest) struct scb_digest digest = {0};
    page_settings.compared = true;
    for (size_t i = 0; i < SCB_LENGTH(sizes) * SCB_LENGTH(ways); i++) {
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = MAX_ANSWER};
        const size_t *way = ways[i % SCB_LENGTH(ways)];
        uint8_t sha256[SCB_SHA256_SIZE], of_file[SCB_SHA256_SIZE];
        struct scb_error error = {0};
        make_entries(sizes[i / SCB_LENGTH(ways)], false);
        make_plain(&plain);
        assert_int_equal(scb_digest_sha256(&digest, scb_buffer_bytes(&plain), sha256, NULL),
                         SCB_OK);
        make_page_by(way);
        assert_memory_equal(page.content_sha256, sha256, sizeof(sha256));
        memcpy(of_file, page.sha256, sizeof(of_file));
        memset(page.content_sha256, 0, sizeof(page.content_sha256));
        /* Another endpoint's answers, in other pieces: the file stays as it is. */
        assert_int_equal(scb_page_work_restart(&page, true, &error), SCB_OK);
        assert_int_equal(add_by(ways[(i + 1) % SCB_LENGTH(ways)], &error), SCB_OK);
        assert_memory_equal(page.content_sha256, sha256, sizeof(sha256));
        assert_memory_equal(page.sha256, of_file, sizeof(of_file));
        assert_sealed(&plain);
    }
}

/* --- what an earlier run left --- */

static bool reuse(const uint8_t sha256[SCB_SHA256_SIZE])
{
    struct scb_error error = {0};
    bool good = false;
    begin_page(7, 4);
    if (scb_page_work_reuse(&page, &tools, sha256, &good, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return good;
}

/* By whom cannot read it: there is no identity in page_work. */
static void a_good_file_is_taken_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * SCB_LENGTH(sizes); i++) {
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = MAX_ANSWER};
        uint8_t sha256[SCB_SHA256_SIZE];
        make_entries(sizes[i / 2], i % 2 == 0);
        make_plain(&plain);
        make_page_by(ways[1]);
        memcpy(sha256, page.sha256, sizeof(sha256));
        uint32_t crc32 = page.crc32;
        scb_page_work_free(&page);
        page = (struct scb_page_work){0};
        assert_true(reuse(sha256));
        assert_int_equal(page.crc32, crc32);
        assert_int_equal(page.whole, page.size <= SCB_WHOLE_PAGE_SIZE);
        assert_sealed(&plain);
    }
}

static void a_damaged_file_is_made_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(sizes) * SCB_LENGTH(ways); i++) {
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = MAX_ANSWER};
        uint8_t sha256[SCB_SHA256_SIZE];
        struct scb_error error = {0};
        make_entries(sizes[i / SCB_LENGTH(ways)], true);
        make_plain(&plain);
        make_page_by(ways[0]);
        memcpy(sha256, page.sha256, sizeof(sha256));
        int fd = open(temp_path(FOLDER NAME), O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "\xff\0", 2, 300), 2);
        (void)close(fd);
        assert_false(reuse(sha256));
        assert_int_equal(add_by(ways[i % SCB_LENGTH(ways)], &error), SCB_OK);
        assert_sealed(&plain);
    }
}

/* --- what goes wrong --- */

static void files_that_cannot_be_written_fail_the_page(void **state)
{
    (void)state;
    static const struct {
        size_t size, way;
        enum call call;
        int at;
    } table[] = {{400, 0, CALL_WRITE, 1},
                 {400, 0, CALL_CLOSE, 1},
                 {3 * PIECE, 1, CALL_WRITE, 1}, /* the header */
                 {3 * PIECE, 1, CALL_WRITE, 2},
                 {3 * PIECE, 3, CALL_CLOSE, 1},
                 {SCB_WHOLE_PAGE_SIZE + PIECE, 0, CALL_WRITE, 1},
                 {SCB_WHOLE_PAGE_SIZE + PIECE, 0, CALL_WRITE, 5}};
    SCB_AUTO(buffer) struct scb_buffer plain = {.max = MAX_ANSWER};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        make_entries(table[i].size, true);
        begin_page(7, 4);
        calls_fail(table[i].call, table[i].at, EIO);
        enum scb_status status = add_by(ways[table[i].way], &error);
        calls_reset();
        assert_int_equal(status, SCB_ERROR_FILE);
        assert_non_null(strstr(error.message, NAME));
    }
    make_plain(&plain);
    make_page_by(ways[1]);
    assert_sealed(&plain);
}

static void a_page_given_up_leaves_nothing_open(void **state)
{
    (void)state;
    make_entries(3 * PIECE, true);
    for (int i = 0; i < 3; i++) {
        begin_page(7, 4);
        assert_int_equal(add_answer(entries, 1, NULL), SCB_OK);
        assert_true(page.fd >= 0 && page.seal != NULL);
    }
    assert_int_equal(scb_page_work_restart(&page, false, NULL), SCB_OK);
    assert_null(page.seal);
} /* tear_down counts; what is not freed the sanitizer sees */

#define ENCRYPTED(test_) cmocka_unit_test_setup_teardown(test_, set_up_encrypted, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENCRYPTED(a_page_opens_to_the_plain_one),
        ENCRYPTED(no_two_files_are_the_same),
        ENCRYPTED(what_is_in_it_is_hashed_where_that_is_asked_for),
        ENCRYPTED(a_good_file_is_taken_over),
        ENCRYPTED(a_damaged_file_is_made_again),
        ENCRYPTED(files_that_cannot_be_written_fail_the_page),
        ENCRYPTED(a_page_given_up_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, make_identity, forget_identity);
}
