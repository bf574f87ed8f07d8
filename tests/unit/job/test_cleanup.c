/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/cleanup: what a failure on the way leaves, and what changes between the decision and
 * the removal. Which backups go is test_retention.c's.
 */
#include "backups.h"

#include "job/rescan.h"

#define OLD     "2024-01-14"
#define OLDER   "2024-01-13"
#define NEWEST  "2024-01-15"
#define ARCHIVE "backups/" OLD "/backup_" OLD ".zip"

static const struct scb_cleanup_options all_but_newest = {.policy = {.min_backups = 1}};

/* What is done when the visitor is told of the newest backup, before the next one's turn. */
static void (*meanwhile)(void);
static struct scb_cleanup_entry entries[8];
static size_t entry_count;

static enum scb_status keep_entry(void *state, const struct scb_cleanup_entry *entry,
                                  struct scb_error *error)
{
    (void)state;
    (void)error;
    assert_true(entry_count < SCB_LENGTH(entries));
    entries[entry_count++] = *entry;
    if (entry_count == 1 && meanwhile != NULL)
        meanwhile();
    return SCB_OK;
}

static enum scb_status clean_up(const struct scb_cleanup_options *options)
{
    entry_count = 0;
    enum scb_status status = scb_cleanup_run(&house.parts, options, keep_entry, NULL, &house.error);
    meanwhile = NULL;
    return status;
}

static void make_three(void)
{
    (void)make_backup(OLDER, 2);
    (void)make_backup(OLD, 2);
    (void)make_backup(NEWEST, 2);
}

static void assert_entry(size_t i, const char *date, enum scb_cleanup_action action,
                         const char *reason)
{
    assert_true(i < entry_count);
    assert_string_equal(entries[i].backup_date, date);
    assert_int_equal(entries[i].action, action);
    assert_non_null(strstr(entries[i].reason, reason));
}

static void removes_rows_and_files(void **state)
{
    (void)state;
    make_three();
    assert_ok(clean_up(&all_but_newest));
    assert_int_equal(entry_count, 3);
    assert_entry(0, NEWEST, SCB_CLEANUP_KEPT, "the newest backup");
    assert_entry(1, OLD, SCB_CLEANUP_DELETED, "older than");
    assert_entry(2, OLDER, SCB_CLEANUP_DELETED, "older than");
    assert_true(entries[1].bytes > 0);
    assert_false(is_known(OLD) || is_known(OLDER));
    assert_string_equal(temp_list("backups"), ".locks " NEWEST);
}

/* A row never outlives its files as a completed one; what lost its row is whole. */
static void a_failure_leaves_all_of_a_backup_or_nothing(void **state)
{
    (void)state;
    struct scb_rescan_result result;
    make_three();
    calls_fail(CALL_RENAME, 1, EIO);
    assert_int_equal(clean_up(&all_but_newest), SCB_ERROR_FILE);
    assert_non_null(strstr(house.error.message, "backup " OLD));
    assert_false(is_known(OLD));
    assert_true(temp_stat(ARCHIVE).st_size > 0);
    assert_ok(scb_rescan_run(&house.parts, &result, &house.error));
    assert_int_equal(result.restored, 1);
    assert_int_equal(result.lost, 0);

    calls_fail(CALL_SYNC, 1, EIO); /* of the rows: the catalog's own */
    assert_int_not_equal(clean_up(&all_but_newest), SCB_OK);
    calls_reset();
    assert_ok(scb_rescan_run(&house.parts, &result, &house.error));
    assert_int_equal(result.lost, 0);
    assert_ok(clean_up(&all_but_newest));
    assert_string_equal(temp_list("backups"), ".locks " NEWEST);
}

static void an_older_one_survives_a_failure(void **state)
{
    (void)state;
    make_three();
    calls_fail(CALL_RENAME, 1, EIO);
    assert_int_equal(clean_up(&all_but_newest), SCB_ERROR_FILE);
    assert_true(is_known(OLDER));
    assert_ok(clean_up(&all_but_newest));
    assert_entry(2, OLD, SCB_CLEANUP_KEPT, "not in the status database"); /* it has no row now */
    assert_string_equal(temp_list("backups"), ".locks " OLD " " NEWEST);
}

static void hold_old(void)
{
    assert_ok(scb_catalog_hold(house.parts.catalog, OLD, true, NOW_MS, &house.error));
}

static void lose_newest(void)
{
    assert_ok(scb_catalog_invalidate(house.parts.catalog, NEWEST, "gone", &house.error));
}

static void lose_old(void)
{
    assert_ok(scb_catalog_invalidate(house.parts.catalog, OLD, "gone", &house.error));
}

static void delete_old(void)
{
    assert_ok(scb_catalog_delete(house.parts.catalog, OLD, &house.error));
}

/* Between the decision and the removal another process may do anything. */
static void looks_again_under_the_lock(void **state)
{
    (void)state;
    void (*const changes[])(void) = {hold_old, lose_newest, lose_old, delete_old};
    for (size_t i = 0; i < SCB_LENGTH(changes); i++) {
        make_three();
        meanwhile = changes[i];
        assert_ok(clean_up(&all_but_newest));
        assert_entry(1, OLD, SCB_CLEANUP_SKIPPED, "changed meanwhile");
        assert_entry(2, OLDER, SCB_CLEANUP_DELETED, "");
        assert_true(temp_stat(ARCHIVE).st_size > 0);
        drop_database();
    }
}

static void skips_what_others_read_or_write(void **state)
{
    (void)state;
    struct scb_store_lock *writer = NULL, *reader = NULL;
    make_three();
    assert_ok(scb_store_lock(house.parts.store, OLD, &clock_2024, &writer, &house.error));
    struct scb_store_lock *made = NULL; /* a reader shares a file that a writer has made */
    assert_ok(scb_store_lock(house.parts.store, OLDER, &clock_2024, &made, &house.error));
    scb_store_unlock(made);
    assert_ok(scb_store_lock_shared(house.parts.store, OLDER, &reader, &house.error));
    assert_ok(clean_up(&all_but_newest));
    assert_entry(1, OLD, SCB_CLEANUP_SKIPPED, "worked on by");
    assert_entry(2, OLDER, SCB_CLEANUP_SKIPPED, "being read by");
    assert_true(is_known(OLD) && is_known(OLDER));
    scb_store_unlock(writer);
    scb_store_unlock(reader);
    assert_ok(clean_up(&all_but_newest));
    assert_false(is_known(OLD) || is_known(OLDER));
}

static void a_dry_run_writes_nothing(void **state)
{
    (void)state;
    struct scb_cleanup_options options = all_but_newest;
    options.dry_run = true;
    make_three();
    temp_mkdir("backups/.trash-" OLD);
    calls_reset();
    assert_ok(clean_up(&options));
    assert_entry(1, OLD, SCB_CLEANUP_WOULD_DELETE, "older than");
    assert_entry(2, OLDER, SCB_CLEANUP_WOULD_DELETE, "older than");
    assert_string_equal(temp_list("backups"), ".trash-" OLD " " OLDER " " OLD " " NEWEST);
    assert_null(strpbrk(calls_made, "wsrl"));
}

static void stops_where_the_newest_has_shrunk(void **state)
{
    (void)state;
    struct scb_cleanup_options options = all_but_newest;
    (void)make_backup(OLDER, 1);
    (void)make_backup(OLD, 9);
    (void)make_backup(NEWEST, 4);
    assert_int_equal(clean_up(&options), SCB_ERROR_INTEGRITY);
    assert_int_equal(entry_count, 0);
    assert_true(is_known(OLDER));
    options.allow_shrunk = true;
    assert_ok(clean_up(&options));
    assert_false(is_known(OLD) || is_known(OLDER));
}

/* Were it counted, the last archive that there is could go. */
static void a_row_alone_is_no_backup(void **state)
{
    (void)state;
    make_three();
    assert_int_equal(rename(temp_path("backups/" NEWEST), temp_path("away")), 0);
    assert_int_equal(truncate(temp_path(ARCHIVE), 10), 0);
    assert_ok(clean_up(&all_but_newest));
    assert_entry(0, NEWEST, SCB_CLEANUP_KEPT, "archive is missing or damaged");
    assert_entry(1, OLD, SCB_CLEANUP_KEPT, "archive is missing or damaged");
    assert_entry(2, OLDER, SCB_CLEANUP_KEPT, "the newest backup");
}

static void spares_what_was_just_made(void **state)
{
    (void)state;
    struct scb_cleanup_options options = all_but_newest;
    options.spare = OLDER;
    make_three();
    assert_ok(clean_up(&options));
    assert_entry(1, OLD, SCB_CLEANUP_DELETED, "");
    assert_entry(2, OLDER, SCB_CLEANUP_KEPT, "just made");
    assert_true(is_known(OLDER));
}

/* --- an end on the way --- */

static struct {
    struct scb_cancel *cancel;
    int looks, end_at; /* the look at which the end is asked for; 0: never */
    struct scb_run_progress last;
    char dates[256];
} seen;

static void look_on(void *state, const struct scb_run_progress *progress)
{
    (void)state;
    size_t used = strlen(seen.dates);
    (void)snprintf(seen.dates + used, sizeof(seen.dates) - used, "%s ", progress->backup_date);
    seen.last = *progress;
    if (++seen.looks == seen.end_at)
        scb_cancel_request(seen.cancel);
}

static void watch_it(int end_at)
{
    memset(&seen, 0, sizeof(seen));
    seen.end_at = end_at;
    assert_ok(scb_cancel_new(&seen.cancel, &house.error));
    house.parts.cancel = seen.cancel;
    house.parts.observe = look_on;
}

static void shows_how_far_it_is(void **state)
{
    (void)state;
    make_three();
    watch_it(0);
    assert_ok(clean_up(&all_but_newest));
    assert_string_equal(seen.dates, OLD " " OLDER " ");
    assert_string_equal(seen.last.activity, "Cleanup");
    assert_int_equal(seen.last.pages, 2);
    assert_int_equal(seen.last.total_pages, 4);
    scb_cancel_free(seen.cancel);
}

/* Between two files; what it had begun with is trash, and the next one's to remove. */
static void ends_where_it_is_asked_to(void **state)
{
    (void)state;
    make_three();
    watch_it(1);
    assert_int_equal(clean_up(&all_but_newest), SCB_ERROR_CANCELED);
    assert_false(is_known(OLD));
    assert_true(is_known(OLDER) && is_known(NEWEST));
    assert_string_equal(temp_list("backups"), ".locks .trash-" OLD " " OLDER " " NEWEST);
    assert_int_equal(clean_up(&all_but_newest), SCB_ERROR_CANCELED); /* in the trash already */
    assert_true(is_known(OLDER));
    scb_cancel_free(seen.cancel);
    watch_it(0);
    assert_ok(clean_up(&all_but_newest));
    assert_string_equal(temp_list("backups"), ".locks " NEWEST);
    assert_string_equal(seen.dates, " " OLDER " ");
    scb_cancel_free(seen.cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(removes_rows_and_files),
        IN_HOUSE(a_failure_leaves_all_of_a_backup_or_nothing),
        IN_HOUSE(an_older_one_survives_a_failure),
        IN_HOUSE(looks_again_under_the_lock),
        IN_HOUSE(skips_what_others_read_or_write),
        IN_HOUSE(a_dry_run_writes_nothing),
        IN_HOUSE(stops_where_the_newest_has_shrunk),
        IN_HOUSE(a_row_alone_is_no_backup),
        IN_HOUSE(spares_what_was_just_made),
        IN_HOUSE(shows_how_far_it_is),
        IN_HOUSE(ends_where_it_is_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
