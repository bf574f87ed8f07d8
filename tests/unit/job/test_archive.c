/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/archive: what is in it and beside it, plain, encrypted and signed, the same bytes
 * every time, durable in the safe order, and no trace of it when it is given up or a file fails.
 */
#include <zip.h>

#include "fixture.h"

#include "base/clock.h"
#include "format/manifest_signature.h"
#include "job/archive.h"

#define ARCHIVE "backup_" DATE ".zip"

enum { MAX_PAGES = 40, LARGE = SCB_WHOLE_PAGE_SIZE + 1000 };

static struct scb_archive archive;
static struct scb_page_entry pages[MAX_PAGES];
static uint8_t sha256[SCB_SHA256_SIZE];
static uint64_t size;
static const struct scb_identity *signer; /* NULL: the manifest is not signed */

/* Page files with one entry each, large of them over what is deflated whole. */
static uint64_t count_pages, large_page;

static struct scb_bytes make_value(uint64_t number)
{
    static char value[LARGE];
    size_t length = number == large_page ? LARGE : 100 + (size_t)number;
    /* Not all alike, so that the archive is not tiny. */
    for (size_t i = 0; i < length; i++)
        value[i] = (char)('a' + (i * i + (size_t)number) % 23);
    return (struct scb_bytes){(const uint8_t *)value, length};
}

static enum scb_status add_page(uint64_t number, struct scb_error *error)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "key %d", (int)number);
    const struct scb_entry entry = {bytes_of(key), make_value(number), bytes_of("v")};
    make_page(number, &entry, 1);
    struct scb_page_entry *made = &pages[number];
    *made = (struct scb_page_entry){.size = page.size, .crc32 = page.crc32, .keys = 1};
    memcpy(made->sha256, page.sha256, sizeof(made->sha256));
    return scb_archive_add_page(&archive, number, made, scb_buffer_bytes(&page.packed), error);
}

static enum scb_status finish(struct scb_error *error)
{
    struct scb_manifest manifest = {.backup_date = DATE,
                                    .chain_id = 50,
                                    .block_number = 19000000,
                                    .block_time = 1705307400,
                                    .total_keys = count_pages,
                                    .total_pages = count_pages,
                                    .page_size = 1,
                                    .recipients = page_recipients,
                                    .program = "satellite test"};
    return scb_archive_finish(&archive, &manifest, pages, sha256, &size, error);
}

static enum scb_status open_archive(uint64_t max_size, struct scb_error *error)
{
    const struct scb_archive_settings settings = {.dir = dir,
                                                  .backup_date = DATE,
                                                  .max_size = max_size,
                                                  .encrypted = page_recipients.count > 0,
                                                  .identity = signer};
    return scb_archive_open(&archive, &settings, error);
}

static enum scb_status try_archive(uint64_t max_size, struct scb_error *error)
{
    enum scb_status status = open_archive(max_size, error);
    for (uint64_t i = 0; i < count_pages && status == SCB_OK; i++)
        status = add_page(i, error);
    if (status != SCB_OK) {
        scb_archive_abort(&archive);
        return status;
    }
    return finish(error);
}

static void make_archive(void)
{
    struct scb_error error = {0};
    if (try_archive(0, &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static int set_up_pages(void **state)
{
    count_pages = 3;
    large_page = MAX_PAGES; /* none */
    return set_up(state);
}

/* --- what is in it --- */

/* As another's program reads it. */
static void read_entry(zip_t *zip, const char *name, struct scb_buffer *out)
{
    zip_file_t *entry = zip_fopen(zip, name, 0);
    if (entry == NULL)
        fail_msg("%s: %s", name, zip_strerror(zip));
    for (zip_int64_t got = 1; got > 0;) {
        uint8_t piece[4096];
        got = zip_fread(entry, piece, sizeof(piece));
        assert_true(got >= 0);
        assert_int_equal(scb_buffer_append(out, piece, (size_t)got, NULL), SCB_OK);
    }
    assert_int_equal(zip_fclose(entry), 0);
}

/* The entry of this name is the file of this name. */
static void assert_entry_is_file(zip_t *zip, const char *name)
{
    SCB_AUTO(buffer) struct scb_buffer entry = {.max = MAX_ANSWER};
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    read_entry(zip, name, &entry);
    read_file(name, &file);
    assert_bytes(scb_buffer_bytes(&entry), scb_buffer_bytes(&file));
}

struct text_input {
    struct scb_bytes left;
};

static enum scb_status read_text(void *state, void *data, size_t room, size_t *ret_size,
                                 struct scb_error *error)
{
    (void)error;
    struct text_input *input = state;
    *ret_size = room < input->left.size ? room : input->left.size;
    memcpy(data, input->left.data, *ret_size);
    input->left = (struct scb_bytes){input->left.data + *ret_size, input->left.size - *ret_size};
    return SCB_OK;
}

/* The reader checks the pages' numbers, their sum and the checksum over their checksums. */
static void assert_manifest_lists_the_pages(void)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    read_file(SCB_MANIFEST_NAME, &file);
    struct text_input text = {scb_buffer_bytes(&file)};
    struct scb_manifest manifest;
    struct scb_manifest_reader *reader = NULL;
    struct scb_manifest_page listed;
    bool more = true;
    assert_int_equal(
        scb_manifest_reader_new((struct scb_input){read_text, &text}, &manifest, &reader, NULL),
        SCB_OK);
    assert_int_equal(manifest.total_pages, count_pages);
    for (uint64_t i = 0; i < count_pages; i++) {
        assert_int_equal(scb_manifest_reader_next(reader, &more, &listed, NULL), SCB_OK);
        assert_true(more);
        assert_int_equal(listed.size, pages[i].size);
        assert_memory_equal(listed.sha256, pages[i].sha256, sizeof(listed.sha256));
    }
    assert_int_equal(scb_manifest_reader_next(reader, &more, &listed, NULL), SCB_OK);
    assert_false(more);
    scb_manifest_reader_free(reader);
}

static void assert_archive_is_whole(void)
{
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ANSWER};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t on_disk[SCB_SHA256_SIZE];
    read_file(ARCHIVE, &file);
    assert_int_equal(file.size, size);
    assert_int_equal(scb_digest_sha256(&digest, scb_buffer_bytes(&file), on_disk, NULL), SCB_OK);
    assert_memory_equal(on_disk, sha256, sizeof(on_disk));
    zip_t *zip = zip_open(temp_path(FOLDER ARCHIVE), ZIP_RDONLY, NULL);
    assert_non_null(zip);
    for (uint64_t i = 0; i < count_pages; i++) {
        char name[SCB_PAGE_NAME_SIZE];
        scb_page_file_name(i, page_recipients.count > 0, name);
        assert_entry_is_file(zip, name);
    }
    assert_entry_is_file(zip, SCB_MANIFEST_NAME);
    if (signer != NULL)
        assert_entry_is_file(zip, SCB_MANIFEST_SIGNATURE_NAME);
    assert_int_equal(zip_get_num_entries(zip, 0), count_pages + (signer != NULL ? 2 : 1));
    zip_discard(zip);
    assert_manifest_lists_the_pages();
}

static void it_holds_the_pages_and_the_manifest(void **state)
{
    (void)state;
    static const struct {
        uint64_t count, large;
    } table[] = {{1, MAX_PAGES}, {3, MAX_PAGES}, {MAX_PAGES, MAX_PAGES}, {1, 0}, {3, 1}, {3, 2}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        count_pages = table[i].count;
        large_page = table[i].large;
        make_archive();
        assert_archive_is_whole();
        assert_int_equal(temp_mode(FOLDER ARCHIVE), 0600);
    }
}

static void it_is_the_same_every_time(void **state)
{
    (void)state;
    uint8_t first[SCB_SHA256_SIZE];
    large_page = 1;
    make_archive();
    memcpy(first, sha256, sizeof(first));
    scb_page_tools_free(&tools);
    assert_int_equal(scb_page_tools_init(&tools, &page_recipients, NULL), SCB_OK);
    make_archive();
    assert_memory_equal(first, sha256, sizeof(first));
    count_pages = 2;
    make_archive();
    assert_memory_not_equal(first, sha256, sizeof(first));
}

/* --- encrypted --- */

static int set_up_encrypted(void **state)
{
    char secret[SCB_AGE_IDENTITY_TEXT_SIZE];
    int failed = set_up_pages(state);
    page_recipients.count = 1;
    assert_int_equal(scb_age_identity_generate(secret, page_recipients.items, NULL), SCB_OK);
    scb_page_tools_free(&tools);
    assert_int_equal(scb_page_tools_init(&tools, &page_recipients, NULL), SCB_OK);
    return failed;
}

static void it_stores_encrypted_pages_as_they_are(void **state)
{
    (void)state;
    large_page = 1;
    make_archive();
    assert_archive_is_whole();
    zip_t *zip = zip_open(temp_path(FOLDER ARCHIVE), ZIP_RDONLY, NULL);
    assert_non_null(zip);
    for (uint64_t i = 0; i < count_pages + 1; i++) {
        zip_stat_t entry;
        assert_int_equal(zip_stat_index(zip, i, 0, &entry), 0);
        assert_int_equal(entry.comp_method, ZIP_CM_STORE);
    }
    zip_discard(zip);
}

/* One whose packed form was dropped, or that never had one, comes from its file. */
static void it_takes_an_encrypted_page_from_its_file(void **state)
{
    (void)state;
    struct scb_error error = {0};
    make_archive();
    count_pages = 1;
    assert_int_equal(open_archive(0, NULL), SCB_OK);
    assert_int_equal(scb_archive_add_page(&archive, 0, &pages[0], (struct scb_bytes){0}, &error),
                     SCB_OK);
    assert_int_equal(finish(&error), SCB_OK);
    assert_archive_is_whole();

    int fd = open(temp_path(FOLDER "page_0.json.gz.age"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\xff\0", 2, 200), 2);
    (void)close(fd);
    assert_int_equal(open_archive(0, NULL), SCB_OK);
    assert_int_equal(scb_archive_add_page(&archive, 0, &pages[0], (struct scb_bytes){0}, &error),
                     SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "page_0.json.gz.age has changed"));
    scb_archive_abort(&archive);
}

/* --- signed --- */

static int set_up_signed(void **state)
{
    int failed = set_up_pages(state);
    struct scb_identity *identity = NULL;
    assert_int_equal(scb_identity_create(temp_path("identity"), 0, NULL, &identity, NULL), SCB_OK);
    signer = identity;
    return failed;
}

static int tear_down_signed(void **state)
{
    struct scb_identity *identity = NULL;
    memcpy(&identity, &signer, sizeof(identity));
    scb_identity_free(identity);
    signer = NULL;
    return tear_down(state);
}

static void assert_signed(void)
{
    SCB_AUTO(buffer) struct scb_buffer manifest = {.max = MAX_ANSWER};
    SCB_AUTO(buffer) struct scb_buffer signature = {.max = MAX_ANSWER};
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint8_t of_manifest[SCB_SHA256_SIZE];
    struct scb_node_id node_id;
    read_file(SCB_MANIFEST_NAME, &manifest);
    read_file(SCB_MANIFEST_SIGNATURE_NAME, &signature);
    assert_int_equal(scb_digest_sha256(&digest, scb_buffer_bytes(&manifest), of_manifest, NULL),
                     SCB_OK);
    assert_int_equal(
        scb_manifest_verify(scb_buffer_bytes(&signature), of_manifest, NULL, &node_id, NULL),
        SCB_OK);
    assert_memory_equal(&node_id, scb_identity_node_id(signer), sizeof(node_id));
}

static void its_manifest_is_signed(void **state)
{
    (void)state;
    make_archive();
    assert_archive_is_whole();
    assert_signed();
    assert_int_equal(temp_mode(FOLDER "manifest.sig"), 0600);
    count_pages = 2; /* made again, it is signed again */
    make_archive();
    assert_archive_is_whole();
    assert_signed();
}

static void a_signature_appears_when_it_is_durable(void **state)
{
    (void)state;
    struct scb_error error = {0};
    assert_int_equal(open_archive(0, &error), SCB_OK);
    for (uint64_t i = 0; i < count_pages; i++)
        assert_int_equal(add_page(i, &error), SCB_OK);
    calls_reset();
    assert_int_equal(finish(&error), SCB_OK);
    char order[sizeof(calls_made)] = "";
    for (const char *call = calls_made; *call != '\0'; call++)
        if (*call == 's' || *call == 'r')
            order[strlen(order)] = *call;
    assert_string_equal(order, "srsrsrss"); /* the manifest, its signature, the archive */
}

static void a_signature_of_another_manifest_does_not_stay(void **state)
{
    (void)state;
    temp_write(FOLDER "manifest.sig", "of an earlier attempt");
    make_archive();
    assert_archive_is_whole();
    assert_null(strstr(temp_list(FOLDER), "manifest.sig"));
}

/* --- how it comes and goes --- */

static void it_appears_when_it_is_durable(void **state)
{
    (void)state;
    struct scb_error error = {0};
    assert_int_equal(open_archive(0, &error), SCB_OK);
    for (uint64_t i = 0; i < count_pages; i++)
        assert_int_equal(add_page(i, &error), SCB_OK);
    assert_string_equal(temp_list(FOLDER), "." ARCHIVE ".tmp page_0.json page_1.json page_2.json");
    calls_reset();
    assert_int_equal(finish(&error), SCB_OK);
    char order[sizeof(calls_made)] = "";
    for (const char *call = calls_made; *call != '\0'; call++)
        if (*call == 's' || *call == 'r')
            order[strlen(order)] = *call;
    /* The manifest, then the archive: each synced and renamed; then their directory is synced. */
    assert_string_equal(order, "srsrss");
    assert_string_equal(temp_list(FOLDER),
                        ARCHIVE " manifest.json page_0.json page_1.json page_2.json");
}

static void it_may_be_given_up_at_any_time(void **state)
{
    (void)state;
    struct scb_error error = {0};
    temp_write(FOLDER ARCHIVE, "an older one");
    for (uint64_t done = 0; done <= count_pages; done++) {
        assert_int_equal(open_archive(0, &error), SCB_OK);
        for (uint64_t i = 0; i < done; i++)
            assert_int_equal(add_page(i, &error), SCB_OK);
        scb_archive_abort(&archive);
        scb_archive_abort(&archive);
        assert_string_equal(temp_read(FOLDER ARCHIVE), "an older one");
        assert_null(strstr(temp_list(FOLDER), ".tmp"));
    }
}

static void it_has_a_largest_size(void **state)
{
    (void)state;
    make_archive();
    uint64_t exact = size;
    struct scb_error error = {0};
    assert_int_equal(try_archive(exact, &error), SCB_OK);
    assert_int_equal(size, exact);
    assert_int_equal(unlink(temp_path(FOLDER ARCHIVE)), 0);
    const uint64_t maxima[] = {exact - 1, exact / 2, 1};
    for (size_t i = 0; i < SCB_LENGTH(maxima); i++) {
        assert_int_equal(try_archive(maxima[i], &error), SCB_ERROR_RESOURCE);
        assert_non_null(strstr(error.message, "backup.max_backup_file_size ("));
        assert_non_null(strstr(error.hint, "0 for no limit"));
        assert_null(strstr(temp_list(FOLDER), ARCHIVE));
    }
}

/* The first call, the second, … of each kind fails until none is left to fail. */
static void no_failure_leaves_a_trace(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int errnum;
        enum scb_status status;
    } table[] = {{CALL_WRITE, ENOSPC, SCB_ERROR_RESOURCE},
                 {CALL_SYNC, EIO, SCB_ERROR_FILE},
                 {CALL_RENAME, EIO, SCB_ERROR_FILE}};
    large_page = 1;
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        int at = 1;
        enum scb_status status = SCB_ERROR_FILE;
        for (; status != SCB_OK; at++) {
            temp_write(FOLDER ARCHIVE, "an older one");
            assert_int_equal(open_archive(0, &error), SCB_OK);
            for (uint64_t n = 0; n < count_pages; n++)
                assert_int_equal(add_page(n, &error), SCB_OK);
            calls_fail(table[i].call, at, table[i].errnum);
            status = finish(&error);
            bool pending = failing[table[i].call].fail_at > 0;
            calls_reset();
            assert_null(strstr(temp_list(FOLDER), ".tmp"));
            if (status == SCB_OK) {
                assert_true(pending);
                continue;
            }
            assert_int_equal(status, table[i].status);
            /* Only where the last sync of the directory failed has the new one its name. */
            if (table[i].call != CALL_SYNC || at < (signer != NULL ? 4 : 3))
                assert_string_equal(temp_read(FOLDER ARCHIVE), "an older one");
        }
        assert_true(at > 2);
        assert_archive_is_whole();
    }
}

static void a_large_page_must_be_what_it_was(void **state)
{
    (void)state;
    static const struct {
        off_t size; /* of its file, when it is read again; -1: it is gone */
        const char *message;
    } table[] = {
        {-1, "'page_0.json' not opened: "},
        {LARGE - 100, "page_0.json has changed since it was written: fewer than"},
        {LARGE + 5000, "page_0.json has changed since it was written: more than"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        const struct scb_entry entry = {bytes_of("k"), bytes_of("v"), bytes_of("v")};
        make_page(0, &entry, 1);
        struct scb_page_entry recorded = {.size = LARGE, .keys = 1};
        if (table[i].size < 0)
            assert_int_equal(unlink(temp_path(FOLDER "page_0.json")), 0);
        else
            assert_int_equal(truncate(temp_path(FOLDER "page_0.json"), table[i].size), 0);
        assert_int_equal(open_archive(0, NULL), SCB_OK);
        assert_int_equal(
            scb_archive_add_page(&archive, 0, &recorded, (struct scb_bytes){0}, &error),
            SCB_ERROR_FILE); /* which is tried again: the page is fetched then */
        assert_int_equal(error.status, SCB_ERROR_FILE);
        assert_non_null(strstr(error.message, table[i].message));
        scb_archive_abort(&archive);
        assert_null(strstr(temp_list(FOLDER), ARCHIVE));
    }
}

/* Its size says nothing: each byte is hashed on its way into the archive. */
static void a_large_page_with_another_byte_is_not_taken(void **state)
{
    (void)state;
    static const off_t at[] = {100, LARGE / 2, LARGE - 100};
    large_page = 0;
    for (size_t i = 0; i < SCB_LENGTH(at); i++) {
        struct scb_error error = {0};
        assert_int_equal(open_archive(0, NULL), SCB_OK);
        assert_int_equal(add_page(0, &error), SCB_OK);
        scb_archive_abort(&archive);
        int fd = open(temp_path(FOLDER "page_0.json"), O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "Z", 1, at[i]), 1);
        (void)close(fd);
        assert_int_equal(open_archive(0, NULL), SCB_OK);
        assert_int_equal(
            scb_archive_add_page(&archive, 0, &pages[0], (struct scb_bytes){0}, &error),
            SCB_ERROR_FILE);
        assert_string_equal(error.message, "'page_0.json' is no longer what was written");
        scb_archive_abort(&archive);
    }
}

#define ARCHIVED(test_)  cmocka_unit_test_setup_teardown(test_, set_up_pages, tear_down)
#define ENCRYPTED(test_) cmocka_unit_test_setup_teardown(test_, set_up_encrypted, tear_down)
#define SIGNED(test_)    cmocka_unit_test_setup_teardown(test_, set_up_signed, tear_down_signed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVED(it_holds_the_pages_and_the_manifest),
        ARCHIVED(it_is_the_same_every_time),
        ENCRYPTED(it_holds_the_pages_and_the_manifest),
        ENCRYPTED(it_stores_encrypted_pages_as_they_are),
        ENCRYPTED(it_takes_an_encrypted_page_from_its_file),
        SIGNED(its_manifest_is_signed),
        SIGNED(a_signature_appears_when_it_is_durable),
        ARCHIVED(a_signature_of_another_manifest_does_not_stay),
        ARCHIVED(it_appears_when_it_is_durable),
        ARCHIVED(it_may_be_given_up_at_any_time),
        ARCHIVED(it_has_a_largest_size),
        ARCHIVED(no_failure_leaves_a_trace),
        SIGNED(no_failure_leaves_a_trace),
        ARCHIVED(a_large_page_must_be_what_it_was),
        ARCHIVED(a_large_page_with_another_byte_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
