/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/archive_pages: pages side by side with the manifest; an archive whose entries are not
 * the pages in their order and then the manifest, or whose manifest is of other pages, is refused.
 */
#include "archived.h"

#include "job/archive_pages.h"

#define DATE "2024-01-15"

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

/* An archive of stored entries: "[]" each, but for manifest.json, which is one of so many pages. */
static void write_archive(const char *const *names, size_t count, uint64_t pages)
{
    SCB_AUTO(buffer) struct scb_buffer manifest_text = {.max = 1 << 20};
    struct scb_manifest manifest = sample_manifest(DATE, pages);
    struct scb_backup_dir *dir = NULL;
    struct scb_zip_writer writer;
    struct scb_zip_entry entries[8];
    struct scb_durable_file file;
    /* A manifest made by the writer itself, out of an archive that is thrown away. */
    (void)make_archive("2024-01-01", sample_manifest("2024-01-01", pages));
    read_whole("backups/2024-01-01/manifest.json", &manifest_text);
    uint8_t *date = memmem(manifest_text.data, manifest_text.size, "2024-01-01", 10);
    assert_non_null(date);
    memcpy(date, manifest.backup_date, 10);
    assert_ok(scb_backup_dir_open(house.parts.store, DATE, true, &dir, &house.error));
    assert_ok(scb_backup_dir_open_durable(dir, "archive.zip", &file, &house.error));
    SCB_AUTO(buffer) struct scb_buffer text = {.max = 1 << 20};
    scb_zip_writer_begin(&writer, (struct scb_sink){append, &text});
    for (size_t i = 0; i < count; i++) {
        bool is_manifest = strcmp(names[i], "manifest.json") == 0;
        struct scb_bytes content = is_manifest ? scb_buffer_bytes(&manifest_text) : bytes_of("[]");
        entries[i] =
            (struct scb_zip_entry){.name = names[i],
                                   .size = content.size,
                                   .compressed_size = content.size,
                                   .crc32 = libdeflate_crc32(0, content.data, content.size),
                                   .stored = true};
        assert_ok(scb_zip_writer_add(&writer, &entries[i], content, &house.error));
    }
    scb_zip_writer_begin_directory(&writer);
    for (size_t i = 0; i < count; i++)
        assert_ok(scb_zip_writer_add_record(&writer, &entries[i], &house.error));
    assert_ok(scb_zip_writer_end(&writer, &house.error));
    assert_ok(scb_durable_write(&file, text.data, text.size, &house.error));
    assert_ok(scb_durable_commit(&file, &house.error));
    scb_backup_dir_close(dir);
}

/* Opens it and walks to its end; *ret_pages counts. */
static enum scb_status walk(const char *date, uint64_t *ret_pages)
{
    struct scb_archive_pages *pages = NULL;
    int fd = open(temp_path("backups/" DATE "/archive.zip"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum scb_status status =
        scb_archive_pages_open(fd, (uint64_t)temp_stat("backups/" DATE "/archive.zip").st_size,
                               date, &pages, &house.error);
    *ret_pages = 0;
    for (bool more = true; status == SCB_OK && more;) {
        struct scb_archived_page page;
        status = scb_archive_pages_next(pages, &more, &page, &house.error);
        if (status == SCB_OK && more) {
            assert_int_equal(page.page.number, *ret_pages);
            assert_int_equal(page.place.size, page.page.size);
            ++*ret_pages;
        }
    }
    scb_archive_pages_close(pages);
    assert_int_equal(syscall(SYS_close, fd), 0);
    return status;
}

static void walks_pages_and_manifest_side_by_side(void **state)
{
    (void)state;
    static const char *const names[] = {"page_0.json", "page_1.json", "manifest.json"};
    uint64_t pages = 0;
    write_archive(names, SCB_LENGTH(names), 2);
    assert_ok(walk(DATE, &pages));
    assert_int_equal(pages, 2);
    assert_int_equal(walk("2024-01-16", &pages), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " DATE));
}

static void refuses_entries_in_another_order(void **state)
{
    (void)state;
    static const struct {
        const char *names[5];
        size_t count;
        const char *message;
    } table[] = {
        {{"page_1.json", "page_0.json", "manifest.json"}, 3, "page_1.json stands where page_0"},
        {{"manifest.json", "page_0.json", "page_1.json"}, 3, "manifest.json stands where page_0"},
        {{"page_0.json", "page_1.json"}, 2, "no manifest in it"},
        {{"page_0.json", "page_1.json", "x"}, 3, "x stands where manifest.json"},
        {{"page_0.json", "page_0.json", "manifest.json"}, 3, "page_0.json stands where page_1"},
        {{"page_0.json", "page_1.json", "manifest.json", "x"}, 4, "x stands where manifest.sig"},
        {{"page_0.json", "page_1.json", "manifest.json", "manifest.json"},
         4,
         "manifest.json stands where manifest.sig"},
        {{"page_0.json", "page_1.json", "manifest.sig", "manifest.json"},
         4,
         "manifest.sig stands where page_2"},
        {{"page_0.json", "page_1.json", "manifest.json", "manifest.sig", "manifest.sig"},
         5,
         "manifest.sig stands where the end"},
        {{"page_0.json", "page_1.json.gz.age", "manifest.json"}, 3, "age stands where page_1.json"},
        {{"page_0.json.gz.age", "page_1.json", "manifest.json"},
         3,
         "page_1.json stands where page_1.json.gz.age"},
        {{"page_0.json.gz.age", "page_1.json.gz.age", "manifest.json"}, 3, "are encrypted, its"},
        {{"page_0.json", "\x1b[31m", "manifest.json"}, 3, "\\x1b[31m stands where page_1"},
        {{"manifest.json"}, 1, "no page"},
        {{"page_0.json", "manifest.json"}, 2, "1 pages in it, 2 in its manifest"},
        {{"page_0.json", "page_1.json", "page_2.json", "manifest.json"}, 4, "3 pages in it, 2"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        uint64_t pages = 0;
        write_archive(table[i].names, table[i].count, 2);
        assert_int_equal(walk(DATE, &pages), SCB_ERROR_INTEGRITY);
        if (strstr(house.error.message, table[i].message) == NULL)
            fail_msg("%s: %s", table[i].message, house.error.message);
    }
}

/* The directory changes after it was looked at; every record is still in its form. */
static void finds_a_page_that_is_gone_when_it_is_read(void **state)
{
    (void)state;
    static const char *const names[] = {"page_0.json", "page_1.json", "manifest.json"};
    static const char archive[] = "backups/" DATE "/archive.zip";
    SCB_AUTO(buffer) struct scb_buffer zip = {.max = 1 << 20};
    struct scb_archive_pages *pages = NULL;
    struct scb_archived_page page;
    bool more = false;
    write_archive(names, SCB_LENGTH(names), 2);
    int fd = open(temp_path(archive), O_RDONLY | O_CLOEXEC);
    assert_ok(scb_archive_pages_open(fd, (uint64_t)temp_stat(archive).st_size, DATE, &pages,
                                     &house.error));
    read_whole(archive, &zip);
    const uint8_t *directory = memmem(zip.data, zip.size, "PK\1\2", 4);
    assert_non_null(directory);
    size_t at = (size_t)(directory - zip.data);
    const uint8_t *name = memmem(directory, zip.size - at, "page_1", 6);
    assert_non_null(name);
    flip(archive, name - zip.data + 5, '1' ^ '7');
    assert_ok(scb_archive_pages_next(pages, &more, &page, &house.error));
    assert_int_equal(scb_archive_pages_next(pages, &more, &page, &house.error),
                     SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "page_1.json is not where it was"));
    scb_archive_pages_close(pages);
    assert_int_equal(syscall(SYS_close, fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(walks_pages_and_manifest_side_by_side),
        IN_HOUSE(refuses_entries_in_another_order),
        IN_HOUSE(finds_a_page_that_is_gone_when_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
