/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/verify_index: an index of keys is left beside a plain backup's archive, never beside
 * an encrypted one's.
 */
#include "fixture.h"

#include "job/verify_index.h"

static void index_of(const struct scb_manifest *manifest)
{
    static const uint8_t hash[SCB_KEY_INDEX_HASH] = {1};
    struct scb_verify_index index;
    scb_verify_index_open(&index, dir, manifest, 7);
    scb_verify_index_add(&index, hash, 0);
    scb_verify_index_close(&index, true);
}

static void only_a_plain_backup_has_one(void **state)
{
    (void)state;
    struct scb_manifest manifest = {.total_keys = 1, .total_pages = 1, .page_size = 100};
    manifest.recipients.count = 1;
    index_of(&manifest);
    assert_string_equal(temp_list(FOLDER), "");
    manifest.recipients.count = 0;
    index_of(&manifest);
    assert_string_equal(temp_list(FOLDER), SCB_KEY_INDEX_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BACKUP(only_a_plain_backup_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
