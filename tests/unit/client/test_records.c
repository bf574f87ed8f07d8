/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers client/records: what the service writes (view/backup_view) comes back the same; what is
 * missing, null or of another type is not known; a problem document is its error.
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
#include "client/client.h"
#include "client/records.h"
#include "view/backup_view.h"

/* What a writer has written into an object. */
static json_t *object_of(void (*write)(struct scb_json *json, const void *record),
                         const void *record)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = 65536};
    struct scb_json json;
    struct scb_error error = {0};
    json_t *object = NULL;
    scb_json_begin(&json, &text);
    scb_json_open_object(&json, NULL);
    write(&json, record);
    scb_json_close_object(&json);
    assert_int_equal(scb_json_finish(&json, &error), SCB_OK);
    object = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static void write_backup(struct scb_json *json, const void *record)
{
    const struct scb_backup_record *backup = record;
    scb_view_backup_columns(json, backup);
    scb_view_backup_progress(json, backup);
    scb_json_boolean(json, "held", backup->held);
}

static void write_page(struct scb_json *json, const void *record)
{
    scb_view_page_columns(json, record);
}

static void write_verify(struct scb_json *json, const void *record)
{
    const struct scb_verify_result *result = record;
    scb_json_text(json, "backup_date", result->backup_date);
    scb_view_verify(json, result);
}

static void a_backup_comes_back(void **state)
{
    (void)state;
    static const struct scb_backup_record records[] = {
        {.backup_date = "2024-01-15",
         .state = SCB_BACKUP_COMPLETED,
         .created_at_ms = 1705308600123,
         .completed_at_ms = 1705308601456,
         .total_pages = 3,
         .total_keys = 250,
         .backup_file_path = "2024-01-15/backup_2024-01-15.zip",
         .checksum = "ab",
         .file_size = 1048576,
         .pages_completed = 3,
         .pages_failed = 0,
         .block_number = 0,
         .block_hash = "0xcd",
         .run_id = "5c260c58d7761f03",
         .held = true},
        {.backup_date = "2024-01-15T083000Z",
         .state = SCB_BACKUP_FAILED,
         .created_at_ms = 1000,
         .completed_at_ms = -1,
         .total_pages = -1,
         .total_keys = -1,
         .error_message = "\"quoted\"\nand more",
         .file_size = -1,
         .pages_completed = -1,
         .pages_failed = -1,
         .block_number = -1}};
    for (size_t i = 0; i < SCB_LENGTH(records); i++) {
        SCB_AUTO(json) json_t *object = object_of(write_backup, &records[i]);
        struct scb_backup_record back;
        struct scb_error error = {0};
        memset(&back, 0x5a, sizeof(back));
        assert_int_equal(scb_client_backup(object, &back, &error), SCB_OK);
        assert_string_equal(back.backup_date, records[i].backup_date);
        assert_string_equal(back.error_message, records[i].error_message);
        assert_string_equal(back.backup_file_path, records[i].backup_file_path);
        assert_string_equal(back.checksum, records[i].checksum);
        assert_string_equal(back.block_hash, records[i].block_hash);
        assert_string_equal(back.run_id, records[i].run_id);
        assert_int_equal(back.state, records[i].state);
        assert_int_equal(back.held, records[i].held);
        const int64_t numbers[][2] = {{back.created_at_ms, records[i].created_at_ms},
                                      {back.completed_at_ms, records[i].completed_at_ms},
                                      {back.total_pages, records[i].total_pages},
                                      {back.total_keys, records[i].total_keys},
                                      {back.file_size, records[i].file_size},
                                      {back.pages_completed, records[i].pages_completed},
                                      {back.pages_failed, records[i].pages_failed},
                                      {back.block_number, records[i].block_number}};
        for (size_t j = 0; j < SCB_LENGTH(numbers); j++)
            assert_int_equal(numbers[j][0], numbers[j][1]);
    }
}

static void a_page_comes_back(void **state)
{
    (void)state;
    const struct scb_page_record record = {.page_number = 7,
                                           .state = SCB_BACKUP_COMPLETED,
                                           .completed_at_ms = 1705308600123,
                                           .keys_count = 100,
                                           .file_size = 4096,
                                           .sha256 = {1, 2, 3, 0xff},
                                           .file_path = "2024-01-15/page_7.json"};
    SCB_AUTO(json) json_t *object = object_of(write_page, &record);
    struct scb_page_record back;
    scb_client_page(object, &back);
    assert_memory_equal(&back, &record, sizeof(back));
}

static void a_verification_comes_back(void **state)
{
    (void)state;
    const struct scb_verify_result record = {
        .backup_date = "2024-01-15",
        .outcome = SCB_VERIFY_NOT_CHECKED,
        .error = {.status = SCB_ERROR_CONTRACT, .message = "nobody answers"},
        .problems = 0,
        .warnings = 4,
        .pages = 3,
        .keys = 250,
        .bytes = 9999,
        .against_chain = true,
        .signature = SCB_SIGNATURE_UNTRUSTED,
        .signer = "12vha9",
        .encrypted = true,
        .unseen = "no identity",
        .duration_ms = 17};
    SCB_AUTO(json) json_t *object = object_of(write_verify, &record);
    struct scb_verify_result back;
    scb_client_verify(object, &back);
    assert_memory_equal(&back, &record, sizeof(back));
}

static void what_is_no_backup_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}",
                                        "{\"backup_date\":\"2024-01-15\"}",
                                        "{\"status\":\"completed\"}",
                                        "{\"backup_date\":\"2024-01-15\",\"status\":\"odd\"}",
                                        "{\"backup_date\":\"../../etc\",\"status\":\"completed\"}",
                                        "{\"backup_date\":20240115,\"status\":\"completed\"}"};
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        SCB_AUTO(json) json_t *object = json_loads(texts[i], 0, NULL);
        struct scb_backup_record back;
        struct scb_error error = {0};
        assert_int_equal(scb_client_backup(object, &back, &error), SCB_ERROR_INTEGRITY);
    }
    struct scb_storage_backup storage;
    scb_client_storage(NULL, &storage);
    assert_false(storage.known);
    assert_int_equal(storage.total_keys, -1);
    struct scb_cleanup_entry entry;
    SCB_AUTO(json) json_t *odd = json_loads("{\"action\":7,\"reason\":null,\"size\":-3}", 0, NULL);
    scb_client_cleanup(odd, &entry);
    assert_int_equal(entry.action, SCB_CLEANUP_KEPT);
    assert_int_equal(entry.bytes, 0);
}

static void a_problem_is_its_error(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct scb_error error;
    } cases[] = {
        {"{\"detail\":\"no\",\"error_type\":\"AccessError\",\"hint\":\"ask\",\"retryable\":false}",
         {.status = SCB_ERROR_ACCESS, .message = "no", .hint = "ask"}},
        {"{\"error\":\"busy\",\"error_type\":\"BusyError\",\"hint\":null,\"retryable\":true}",
         {.status = SCB_ERROR_BUSY, .message = "busy", .retryable = true}},
        {"{}", {.status = SCB_ERROR_INTERNAL}},
        {"{\"error_type\":\"OK\",\"detail\":\"odd\"}",
         {.status = SCB_ERROR_INTERNAL, .message = "odd"}}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        SCB_AUTO(json) json_t *object = json_loads(cases[i].text, 0, NULL);
        struct scb_error error = {0};
        assert_int_equal(scb_client_problem(object, &error), cases[i].error.status);
        assert_string_equal(error.message, cases[i].error.message);
        assert_string_equal(error.hint, cases[i].error.hint);
        assert_int_equal(error.retryable, cases[i].error.retryable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_comes_back), cmocka_unit_test(a_page_comes_back),
        cmocka_unit_test(a_verification_comes_back), cmocka_unit_test(what_is_no_backup_is_none),
        cmocka_unit_test(a_problem_is_its_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
