/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/page_work: the same page from one answer and from many, at every border of size; what
 * an earlier run left; answers that are wrong; files that cannot be written; pages given up.
 */
#include "fixture.h"

#include <sys/resource.h>

static int read_errnum; /* what every read of a file gives; 0: what is in it */

ssize_t read(int fd, void *data, size_t size)
{
    errno = read_errnum;
    return read_errnum != 0 ? -1 : syscall(SYS_read, fd, data, size);
}

enum { PIECE = 64 * 1024 }; /* what a page of several answers keeps in memory */

/* Four entries; each byte of their values, all x, makes the page a byte longer. */
static struct scb_entry entries[4];
static char *filler;

static int make_filler(void **state)
{
    (void)state;
    filler = malloc(4 * SCB_WHOLE_PAGE_SIZE);
    assert_non_null(filler);
    uint32_t random = 1; /* letters that deflate to more than half of them */
    for (size_t i = 0; i < 4 * SCB_WHOLE_PAGE_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        filler[i] = (char)('a' + (random >> 24) % 26);
    }
    return 0;
}

static int free_filler(void **state)
{
    (void)state;
    free(filler);
    return 0;
}

static size_t page_size_without_filler(void)
{
    size_t size = strlen("[\n") + strlen("\n]") + 3 * strlen(",\n");
    size += 4 * strlen("  {\n    \"key\": \"k0\",\n    \"value\": \"\",\n"
                       "    \"version_id\": \"v\"\n  }");
    return size;
}

/* Entries whose page file has so many bytes. */
static void make_entries(size_t size)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3"};
    size_t left = size - page_size_without_filler();
    const size_t values[] = {left / 2, 3, 0, left - left / 2 - 3};
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        entries[i] = (struct scb_entry){
            bytes_of(keys[i]), {(const uint8_t *)filler, values[i]}, bytes_of("v")};
}

/* How many entries each answer has. */
static const size_t ways[][5] = {{4}, {1, 3}, {3, 1}, {2, 2}, {1, 1, 1, 1}};

static void make_page_by(const size_t way[5])
{
    struct scb_error error = {0};
    begin_page(7, 4);
    for (size_t i = 0, done = 0; way[i] > 0; done += way[i++])
        if (add_answer(entries + done, way[i], &error) != SCB_OK)
            fail_msg("%s", error.message);
    assert_int_equal(page.done, 4);
}

static void assert_inflates_to(struct scb_bytes deflated, struct scb_bytes content)
{
    SCB_AUTO(memory) uint8_t *inflated = malloc(content.size + 1);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    size_t size = 0;
    assert_true(inflated != NULL && inflater != NULL);
    enum libdeflate_result result = libdeflate_deflate_decompress(
        inflater, deflated.data, deflated.size, inflated, content.size + 1, &size);
    libdeflate_free_decompressor(inflater);
    assert_int_equal(result, LIBDEFLATE_SUCCESS);
    assert_bytes((struct scb_bytes){inflated, size}, content);
}

/* The page is what its file says: size, checksum, and deflated where it is not too large. */
static void assert_made(const char *name)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t sha256[SCB_SHA256_SIZE];
    read_file(name, &file);
    assert_int_equal(page.size, file.size);
    assert_int_equal(scb_digest_sha256(&digest, scb_buffer_bytes(&file), sha256, NULL), SCB_OK);
    assert_memory_equal(page.sha256, sha256, sizeof(sha256));
    assert_int_equal(page.whole, file.size <= SCB_WHOLE_PAGE_SIZE);
    assert_int_equal(page.packed.size > 0, page.whole);
    if (!page.whole)
        return;
    assert_int_equal(page.crc32, libdeflate_crc32(0, file.data, file.size));
    assert_inflates_to(scb_buffer_bytes(&page.packed), scb_buffer_bytes(&file));
}

static void a_page_does_not_depend_on_its_answers(void **state)
{
    (void)state;
    static const size_t sizes[] = {400,
                                   PIECE - 1,
                                   PIECE,
                                   PIECE + 1,
                                   SCB_WHOLE_PAGE_SIZE - 1,
                                   SCB_WHOLE_PAGE_SIZE,
                                   SCB_WHOLE_PAGE_SIZE + 1,
                                   SCB_WHOLE_PAGE_SIZE + PIECE};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        SCB_AUTO(buffer) struct scb_buffer deflated = {.max = 2 * SCB_WHOLE_PAGE_SIZE};
        uint8_t sha256[SCB_SHA256_SIZE];
        make_entries(sizes[i]);
        for (size_t way = 0; way < SCB_LENGTH(ways); way++) {
            make_page_by(ways[way]);
            assert_int_equal(page.size, sizes[i]);
            assert_int_equal(page.whole, sizes[i] <= SCB_WHOLE_PAGE_SIZE);
            if (way == 0) {
                assert_made("page_7.json");
                memcpy(sha256, page.sha256, sizeof(sha256));
                struct scb_bytes bytes = scb_buffer_bytes(&page.packed);
                assert_int_equal(scb_buffer_append(&deflated, bytes.data, bytes.size, NULL),
                                 SCB_OK);
            }
            assert_memory_equal(page.sha256, sha256, sizeof(sha256));
            assert_bytes(scb_buffer_bytes(&page.packed), scb_buffer_bytes(&deflated));
        }
        assert_made("page_7.json"); /* of the last way */
    }
    assert_string_equal(temp_list(FOLDER), "page_7.json");
}

static void a_page_has_its_exact_form(void **state)
{
    (void)state;
    entries[0] = (struct scb_entry){bytes_of("user \"1\""), bytes_of("{\"name\":\"J\\D\"}\n"),
                                    bytes_of("v1.0.0")};
    entries[1] = (struct scb_entry){{(const uint8_t *)"\0", 1}, bytes_of("\xff"), bytes_of("")};
    make_page(0, entries, 2);
    assert_made("page_0.json");
    assert_string_equal(temp_read(FOLDER "page_0.json"),
                        "[\n"
                        "  {\n"
                        "    \"key\": \"user \\\"1\\\"\",\n"
                        "    \"value\": \"{\\\"name\\\":\\\"J\\\\D\\\"}\\n\",\n"
                        "    \"version_id\": \"v1.0.0\"\n"
                        "  },\n"
                        "  {\n"
                        "    \"key\": \"\\u0000\",\n"
                        "    \"value\": \"/w==\",\n"
                        "    \"version_id\": \"\",\n"
                        "    \"base64\": [\"value\"]\n"
                        "  }\n"
                        "]");
    assert_int_equal(page.check.warnings.empty_versions, 1);
    assert_int_equal(temp_mode(FOLDER "page_0.json"), 0600);
}

static void an_empty_contract_has_an_empty_page(void **state)
{
    (void)state;
    begin_page(0, 0);
    assert_int_equal(scb_page_work_add(&page, &tools, (struct scb_bytes){0}, 0, NULL), SCB_OK);
    assert_made("page_0.json");
    assert_string_equal(temp_read(FOLDER "page_0.json"), "[]");
}

static void duplicates_are_seen_across_answers(void **state)
{
    (void)state;
    make_entries(400);
    entries[3].key = entries[0].key;
    entries[2].key = bytes_of("");
    for (size_t way = 0; way < SCB_LENGTH(ways); way++) {
        make_page_by(ways[way]);
        assert_int_equal(page.check.warnings.duplicate_keys, 1);
        assert_int_equal(page.check.warnings.empty_keys, 1);
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
    assert_int_equal(page.done, good ? 4 : 0);
    return good;
}

static void a_good_file_is_taken_over(void **state)
{
    (void)state;
    static const size_t sizes[] = {400, PIECE, SCB_WHOLE_PAGE_SIZE, SCB_WHOLE_PAGE_SIZE + 1};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        SCB_AUTO(buffer) struct scb_buffer deflated = {.max = 2 * SCB_WHOLE_PAGE_SIZE};
        uint8_t sha256[SCB_SHA256_SIZE];
        make_entries(sizes[i]);
        make_page_by(ways[0]);
        memcpy(sha256, page.sha256, sizeof(sha256));
        struct scb_bytes bytes = scb_buffer_bytes(&page.packed);
        assert_int_equal(scb_buffer_append(&deflated, bytes.data, bytes.size, NULL), SCB_OK);
        scb_page_work_free(&page);
        page = (struct scb_page_work){0};
        ino_t before = temp_stat(FOLDER "page_7.json").st_ino;
        assert_true(reuse(sha256));
        assert_made("page_7.json");
        assert_bytes(scb_buffer_bytes(&page.packed), scb_buffer_bytes(&deflated));
        assert_int_equal(temp_stat(FOLDER "page_7.json").st_ino, before);
    }
}

enum damage { MISSING, EMPTY, CUT, GROWN, CHANGED, LINKED, FOLDERED, FIFO, DAMAGES };

static void damage(enum damage damage)
{
    static const char name[] = FOLDER "page_7.json";
    off_t size = temp_stat(name).st_size;
    int fd = open(temp_path(name), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    if (damage == EMPTY || damage == CUT)
        assert_int_equal(ftruncate(fd, damage == EMPTY ? 0 : size - 1), 0);
    if (damage == GROWN || damage == CHANGED)
        assert_int_equal(pwrite(fd, "y", 1, damage == GROWN ? size : size / 3), 1);
    (void)close(fd);
    if (damage == LINKED)
        assert_int_equal(rename(temp_path(name), temp_path("elsewhere")), 0);
    else if (damage == MISSING || damage == FOLDERED || damage == FIFO)
        assert_int_equal(unlink(temp_path(name)), 0);
    if (damage == LINKED)
        temp_link("../../elsewhere", name);
    if (damage == FOLDERED)
        temp_mkdir(name);
    if (damage == FIFO)
        assert_int_equal(mkfifo(temp_path(name), 0600), 0);
}

/* Whether it is seen: as none, or as one that cannot be read. */
static bool is_seen(enum damage damage, const uint8_t sha256[SCB_SHA256_SIZE])
{
    struct scb_error error = {0};
    bool good = true;
    begin_page(7, 4);
    enum scb_status expected = damage >= LINKED ? SCB_ERROR_FILE : SCB_OK;
    return scb_page_work_reuse(&page, &tools, sha256, &good, &error) == expected && !good &&
           !error.retryable;
}

static void a_damaged_file_is_fetched_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {400, SCB_WHOLE_PAGE_SIZE + 1};
    for (size_t i = 0; i < SCB_LENGTH(sizes) * DAMAGES; i++) {
        uint8_t sha256[SCB_SHA256_SIZE];
        make_entries(sizes[i / DAMAGES]);
        make_page_by(ways[0]);
        memcpy(sha256, page.sha256, sizeof(sha256));
        damage((enum damage)(i % DAMAGES));
        if (!is_seen((enum damage)(i % DAMAGES), sha256))
            fail_msg("damage %zu of %zu bytes was not seen", i % DAMAGES, sizes[i / DAMAGES]);
        if (i % DAMAGES >= LINKED)
            assert_int_equal(remove(temp_path(FOLDER "page_7.json")), 0);
        make_page_by(ways[0]);
        assert_memory_equal(page.sha256, sha256, sizeof(sha256));
        assert_made("page_7.json");
    }
}

/* What is not known of a file is not said of it: it may be good. */
static void a_file_that_is_not_read_is_not_called_damaged(void **state)
{
    (void)state;
    static const size_t sizes[] = {400, SCB_WHOLE_PAGE_SIZE + 1};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        uint8_t sha256[SCB_SHA256_SIZE];
        struct scb_error error = {0};
        bool good = true;
        make_entries(sizes[i]);
        make_page_by(ways[0]);
        memcpy(sha256, page.sha256, sizeof(sha256));

        begin_page(7, 4);
        read_errnum = EIO;
        assert_int_equal(scb_page_work_check(&page, &tools, sha256, &good, &error), SCB_ERROR_FILE);
        read_errnum = 0;
        assert_false(good || error.retryable);
        assert_non_null(strstr(error.message, "page_7.json"));

        struct rlimit before, none = {0};
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none.rlim_max = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        enum scb_status status = scb_page_work_check(&page, &tools, sha256, &good, &error);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(status, SCB_ERROR_FILE);
        assert_true(error.retryable);
        assert_true(reuse(sha256));
    }
}

/* --- what goes wrong --- */

static void wrong_answers_are_refused(void **state)
{
    (void)state;
    struct scb_error error = {0};
    SCB_AUTO(buffer) struct scb_buffer answer = {.max = MAX_ANSWER};
    make_entries(400);
    put_answer(&answer, entries, 3);
    struct scb_bytes bytes = scb_buffer_bytes(&answer);
    const struct {
        struct scb_bytes answer;
        uint64_t entries; /* that the source says are in it */
        enum scb_status status;
    } table[] = {{bytes, 2, SCB_ERROR_VALIDATION},
                 {bytes, 4, SCB_ERROR_INTERNAL},
                 {{bytes.data, bytes.size - 32}, 3, SCB_ERROR_VALIDATION},
                 {{bytes.data, 31}, 3, SCB_ERROR_VALIDATION},
                 {{NULL, 0}, 1, SCB_ERROR_VALIDATION}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        begin_page(7, 4);
        assert_int_equal(
            scb_page_work_add(&page, &tools, table[i].answer, table[i].entries, &error),
            table[i].status);
    }
    make_page_by(ways[0]); /* none of it is left */
    assert_made("page_7.json");
}

static void errors_name_the_entry_in_the_contract(void **state)
{
    (void)state;
    struct scb_error error = {0};
    make_entries(400);
    page_settings.rules.max_value_size = 2;
    begin_page(7, 4);
    entries[0].value.size = entries[1].value.size = 0;
    assert_int_equal(add_answer(entries, 2, &error), SCB_OK);
    assert_int_equal(add_answer(entries + 2, 2, &error), SCB_ERROR_RESOURCE);
    assert_int_equal(strncmp(error.message, "entry 703: its value has ", 25), 0);
    page_settings.rules.strict = true;
    entries[3] = entries[0];
    begin_page(7, 4);
    assert_int_equal(add_answer(entries, 2, &error), SCB_OK);
    assert_int_equal(add_answer(entries + 2, 2, &error), SCB_ERROR_VALIDATION);
    assert_string_equal(error.message, "entry 703: a key that its page has already");
}

static void files_that_cannot_be_written_fail_the_page(void **state)
{
    (void)state;
    static const struct {
        size_t size, way;
        enum call call;
        int at, errnum;
        enum scb_status status;
    } table[] = {{400, 0, CALL_WRITE, 1, ENOSPC, SCB_ERROR_RESOURCE},
                 {400, 0, CALL_CLOSE, 1, EIO, SCB_ERROR_FILE},
                 {3 * PIECE, 1, CALL_WRITE, 1, ENOSPC, SCB_ERROR_RESOURCE},
                 {3 * PIECE, 1, CALL_WRITE, 2, EIO, SCB_ERROR_FILE},
                 {3 * PIECE, 4, CALL_CLOSE, 1, EIO, SCB_ERROR_FILE},
                 {SCB_WHOLE_PAGE_SIZE + 1, 0, CALL_WRITE, 1, EIO, SCB_ERROR_FILE},
                 {SCB_WHOLE_PAGE_SIZE + 1, 0, CALL_WRITE, 2, ENOSPC, SCB_ERROR_RESOURCE}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        enum scb_status status = SCB_OK;
        make_entries(table[i].size);
        begin_page(7, 4);
        calls_fail(table[i].call, table[i].at, table[i].errnum);
        const size_t *way = ways[table[i].way];
        for (size_t n = 0, done = 0; way[n] > 0 && status == SCB_OK; done += way[n++])
            status = add_answer(entries + done, way[n], &error);
        calls_reset();
        assert_int_equal(status, table[i].status);
        assert_non_null(strstr(error.message, "page_7.json"));
    }
    make_page_by(ways[1]);
    assert_made("page_7.json");
}

/* One in pieces is read back to be deflated: what its file held must be in the archive. */
static void a_file_that_changes_while_it_is_written_fails_the_page(void **state)
{
    (void)state;
    static const char name[] = FOLDER "page_7.json";
    static const enum { CHANGED_BYTE, LONGER, GONE } changes[] = {CHANGED_BYTE, LONGER, GONE};
    for (size_t i = 0; i < SCB_LENGTH(changes); i++) {
        struct scb_error error = {0};
        make_entries(3 * PIECE);
        begin_page(7, 4);
        assert_int_equal(add_answer(entries, 3, NULL), SCB_OK);
        assert_true(page.fd >= 0);
        if (changes[i] == GONE)
            assert_int_equal(unlink(temp_path(name)), 0);
        else
            assert_int_equal(pwrite(page.fd, "y", 1, changes[i] == LONGER ? 4 * PIECE : 100), 1);
        assert_int_equal(add_answer(entries + 3, 1, &error), SCB_ERROR_FILE);
        assert_string_equal(error.message, "'page_7.json' is no longer what was written");
    }
    make_page_by(ways[1]);
    assert_made("page_7.json");
}

static void a_page_given_up_leaves_no_file_open(void **state)
{
    (void)state;
    make_entries(3 * PIECE);
    for (int i = 0; i < 3; i++) { /* between two answers, its file is open */
        begin_page(7, 4);
        assert_int_equal(add_answer(entries, 1, NULL), SCB_OK);
        assert_true(page.fd >= 0);
    }
    scb_page_work_free(&page);
    struct scb_page_work never_begun = {0};
    scb_page_work_free(&never_begun);
    page = (struct scb_page_work){0};
} /* tear_down counts */

static void memory_of_large_pages_is_given_back(void **state)
{
    (void)state;
    make_entries(SCB_WHOLE_PAGE_SIZE);
    make_page_by(ways[0]);
    assert_true(page.packed.capacity > 1 << 20);
    make_entries(400);
    make_page_by(ways[0]);
    assert_true(page.packed.capacity <= 256 * 1024);
    make_entries(3 * PIECE);
    make_page_by(ways[0]);
    assert_true(page.packed.capacity < 3 * PIECE); /* no room for the worst case */
    const uint8_t *kept = page.packed.data;
    make_page_by(ways[1]);
    assert_ptr_equal(page.packed.data, kept);
}

/* Of a page that waits behind a late one nothing stays but what the archive and the log need. */
static void a_slim_page_is_its_deflated_form(void **state)
{
    (void)state;
    make_entries(3 * PIECE);
    entries[2].version_id = bytes_of("");
    make_page_by(ways[1]); /* of two answers: there are pieces */
    uint8_t sha256[SCB_SHA256_SIZE];
    memcpy(sha256, page.sha256, sizeof(sha256));
    assert_true(page.pieces.capacity > 0 && page.check.hashes != NULL);
    scb_page_work_slim(&page);
    assert_int_equal(page.pieces.capacity, 0);
    assert_null(page.check.hashes);
    assert_int_equal(page.check.warnings.empty_versions, 1);
    assert_made("page_7.json");
    make_page_by(ways[1]); /* and it serves the next page */
    assert_memory_equal(page.sha256, sha256, sizeof(sha256));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BACKUP(a_page_does_not_depend_on_its_answers),
        IN_BACKUP(a_page_has_its_exact_form),
        IN_BACKUP(an_empty_contract_has_an_empty_page),
        IN_BACKUP(duplicates_are_seen_across_answers),
        IN_BACKUP(a_good_file_is_taken_over),
        IN_BACKUP(a_damaged_file_is_fetched_again),
        IN_BACKUP(a_file_that_is_not_read_is_not_called_damaged),
        IN_BACKUP(wrong_answers_are_refused),
        IN_BACKUP(errors_name_the_entry_in_the_contract),
        IN_BACKUP(files_that_cannot_be_written_fail_the_page),
        IN_BACKUP(a_file_that_changes_while_it_is_written_fails_the_page),
        IN_BACKUP(a_page_given_up_leaves_no_file_open),
        IN_BACKUP(memory_of_large_pages_is_given_back),
        IN_BACKUP(a_slim_page_is_its_deflated_form),
    };
    return cmocka_run_group_tests(tests, make_filler, free_filler);
}
