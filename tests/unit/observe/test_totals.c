/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers observe/totals: several processes' counts in one file, whatever has happened to the file.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "../temp_dir.h"
#include "base/memory.h"
#include "observe/totals.h"

/* What one process has. */
struct counter {
    struct scb_metrics *metrics;
    struct scb_totals totals;
};

static void begin(struct counter *counter)
{
    assert_int_equal(scb_metrics_new(&counter->metrics, NULL), SCB_OK);
    assert_int_equal(scb_totals_init(&counter->totals, temp_dir, counter->metrics, NULL), SCB_OK);
}

static void end(struct counter *counter)
{
    scb_totals_free(&counter->totals);
    scb_metrics_free(counter->metrics);
}

static void keep(struct counter *counter)
{
    struct scb_error error = {0}, damaged = {0};
    if (scb_totals_keep(&counter->totals, &damaged, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_string_equal(damaged.message, "");
}

static struct scb_metrics_snapshot read_of(struct counter *counter)
{
    struct scb_metrics_snapshot snapshot;
    struct scb_error damaged = {0};
    scb_totals_read(&counter->totals, &snapshot, &damaged);
    assert_string_equal(damaged.message, "");
    return snapshot;
}

static void counts_of_several_processes_add_up(void **state)
{
    (void)state;
    struct counter one, other;
    begin(&one);
    begin(&other);
    assert_false(scb_totals_changed(&one.totals));
    scb_metrics_add(one.metrics, SCB_METRIC_PAGES, SCB_PAGE_FAILED, 5);
    scb_metrics_observe(one.metrics, SCB_METRIC_PAGE_DURATION, 30);
    scb_metrics_set(one.metrics, SCB_METRIC_LAST_KEYS, 0, 11);
    assert_true(scb_totals_changed(&one.totals));
    keep(&one);
    assert_false(scb_totals_changed(&one.totals));
    keep(&one); /* nothing is there twice */
    scb_metrics_add(other.metrics, SCB_METRIC_PAGES, SCB_PAGE_FAILED, 2);
    scb_metrics_observe(other.metrics, SCB_METRIC_PAGE_DURATION, 70000);
    struct scb_metrics_snapshot now = read_of(&other); /* its own are in it before they are kept */
    assert_int_equal(now.cells[SCB_CELL_PAGES + SCB_PAGE_FAILED], 7);
    keep(&other);
    scb_metrics_add(one.metrics, SCB_METRIC_PAGES, SCB_PAGE_FAILED, 1);
    now = read_of(&one);
    assert_int_equal(now.cells[SCB_CELL_PAGES + SCB_PAGE_FAILED], 8);
    assert_int_equal(now.cells[SCB_CELL_PAGE_DURATION + 3], 1);
    assert_int_equal(now.cells[SCB_CELL_LAST_OF_PAGE_DURATION - 1], 1);
    assert_int_equal(now.cells[SCB_CELL_LAST_OF_PAGE_DURATION], 70030);
    assert_int_equal(now.cells[SCB_CELL_LAST_KEYS], 11);
    end(&one);
    end(&other);
}

static void the_last_who_sets_a_gauge_has_said_it(void **state)
{
    (void)state;
    struct counter one, other;
    begin(&one);
    begin(&other);
    scb_metrics_set(one.metrics, SCB_METRIC_LAST_KEYS, 0, 11);
    keep(&one);
    scb_metrics_set(other.metrics, SCB_METRIC_LAST_KEYS, 0, 12);
    keep(&other);
    scb_metrics_add(one.metrics, SCB_METRIC_KEYS, 0, 1);
    keep(&one); /* says nothing of it */
    assert_int_equal(read_of(&one).cells[SCB_CELL_LAST_KEYS], 12);
    scb_metrics_set(one.metrics, SCB_METRIC_LAST_KEYS, 0, 11); /* the same as before */
    keep(&one);
    assert_int_equal(read_of(&other).cells[SCB_CELL_LAST_KEYS], 11);
    end(&one);
    end(&other);
}

static void what_is_live_is_not_kept_and_endpoints_are(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://a.example", "https://\"odd\\.example"};
    struct counter one, other;
    begin(&one);
    begin(&other);
    scb_metrics_name_endpoints(one.metrics, origins, 2);
    scb_metrics_set_breaker(one.metrics, 1, 2);
    scb_metrics_set(one.metrics, SCB_METRIC_PAGES_IN_FLIGHT, 0, 9);
    keep(&one);
    assert_int_equal(read_of(&one).cells[SCB_CELL_PAGES_IN_FLIGHT], 9);
    struct scb_metrics_snapshot now = read_of(&other);
    assert_false(scb_metric_is_shown(&now, SCB_METRIC_PAGES_IN_FLIGHT, 0));
    assert_int_equal(now.endpoint_count, 2);
    assert_string_equal(now.endpoints[1], origins[1]);
    assert_int_equal(now.cells[SCB_CELL_BREAKER + 1], 2);
    end(&one);
    end(&other);
}

static void a_damaged_file_is_said_once_and_begun_anew(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"version\":1}",
        "{\"version\":2,\"values\":{},\"endpoints\":{}}",
        "{\"version\":1,\"values\":{\"keys_total\":-1},\"endpoints\":{}}",
        "{\"version\":1,\"values\":{\"keys_total\":\"1\"},\"endpoints\":{}}",
        "{\"version\":1,\"values\":{\"keys_total\":9223372036854775807},\"endpoints\":{}}",
        "{\"version\":1,\"values\":{},\"endpoints\":{\"a\":{}}}",
        "{\"version\":1,\"values\":{},\"endpoints\":[]}"};
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        struct counter one;
        struct scb_error error = {0}, damaged = {0};
        struct scb_metrics_snapshot now;
        begin(&one);
        temp_write(SCB_TOTALS_NAME, texts[i]);
        scb_metrics_add(one.metrics, SCB_METRIC_KEYS, 0, 4);
        scb_totals_read(&one.totals, &now, &damaged);
        assert_int_equal(damaged.status, SCB_ERROR_INTEGRITY);
        assert_int_equal(now.cells[SCB_CELL_KEYS], 4);
        damaged = (struct scb_error){0};
        assert_int_equal(scb_totals_keep(&one.totals, &damaged, &error), SCB_OK);
        assert_int_equal(damaged.status, SCB_ERROR_INTEGRITY);
        keep(&one);
        assert_int_equal(read_of(&one).cells[SCB_CELL_KEYS], 4);
        end(&one);
    }
}

static void a_file_that_is_too_large_is_damaged(void **state)
{
    (void)state;
    struct counter one;
    struct scb_error damaged = {0};
    begin(&one);
    int fd = openat(temp_fd, SCB_TOTALS_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, INT64_C(1) << 34), 0);
    assert_int_equal(close(fd), 0);
    scb_metrics_add(one.metrics, SCB_METRIC_KEYS, 0, 4);
    assert_int_equal(scb_totals_keep(&one.totals, &damaged, NULL), SCB_OK);
    assert_int_equal(damaged.status, SCB_ERROR_INTEGRITY);
    assert_int_equal(read_of(&one).cells[SCB_CELL_KEYS], 4);
    end(&one);
}

static void what_another_version_knows_does_no_harm(void **state)
{
    (void)state;
    struct counter one;
    begin(&one);
    temp_write(SCB_TOTALS_NAME,
               "{\"version\":1,\"values\":{\"keys_total\":7,\"of_the_future\":true}"
               ",\"endpoints\":{}}");
    assert_int_equal(read_of(&one).cells[SCB_CELL_KEYS], 7);
    end(&one);
}

static void one_who_holds_the_lock_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    struct counter one;
    struct scb_error error = {0}, damaged = {0};
    begin(&one);
    scb_metrics_add(one.metrics, SCB_METRIC_KEYS, 0, 4);
    scb_metrics_set(one.metrics, SCB_METRIC_LAST_KEYS, 0, 4);
    assert_int_equal(flock(temp_fd, LOCK_EX), 0);
    assert_int_equal(scb_totals_keep(&one.totals, &damaged, &error), SCB_ERROR_BUSY);
    assert_int_equal(flock(temp_fd, LOCK_UN), 0);
    keep(&one); /* nothing was lost */
    struct counter other;
    begin(&other);
    assert_int_equal(read_of(&other).cells[SCB_CELL_KEYS], 4);
    assert_int_equal(read_of(&other).cells[SCB_CELL_LAST_KEYS], 4);
    end(&one);
    end(&other);
}

static void where_there_is_no_directory_nothing_is_kept(void **state)
{
    (void)state;
    struct scb_metrics *metrics = NULL;
    struct scb_totals totals;
    struct scb_error error = {0}, damaged = {0};
    struct scb_metrics_snapshot now;
    assert_int_equal(scb_metrics_new(&metrics, NULL), SCB_OK);
    assert_int_equal(scb_totals_init(&totals, temp_path("not/there"), metrics, NULL), SCB_OK);
    scb_metrics_add(metrics, SCB_METRIC_KEYS, 0, 4);
    assert_int_equal(scb_totals_keep(&totals, &damaged, &error), SCB_ERROR_NOT_FOUND);
    assert_true(scb_totals_changed(&totals));
    scb_totals_read(&totals, &now, &damaged);
    assert_int_equal(damaged.status, SCB_OK);
    assert_int_equal(now.cells[SCB_CELL_KEYS], 4);
    scb_totals_free(&totals);
    scb_metrics_free(metrics);
}

enum { PROCESSES = 6, ROUNDS = 20 };

static void processes_at_once_lose_nothing(void **state)
{
    (void)state;
    pid_t children[PROCESSES];
    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        struct counter one;
        struct scb_error error = {0}, damaged = {0};
        begin(&one);
        for (size_t round = 0; round < ROUNDS; round++) {
            scb_metrics_add(one.metrics, SCB_METRIC_KEYS, 0, 1);
            enum scb_status status = SCB_ERROR_BUSY;
            while (status == SCB_ERROR_BUSY) /* a busy machine is no failure */
                status = scb_totals_keep(&one.totals, &damaged, &error);
            if (status != SCB_OK || damaged.status != SCB_OK)
                _exit(1);
        }
        _exit(0);
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct counter one;
    begin(&one);
    assert_int_equal(read_of(&one).cells[SCB_CELL_KEYS], PROCESSES * ROUNDS);
    end(&one);
}

struct keeper {
    struct counter counter;
    atomic_bool stop;
};

static void *keep_on(void *argument)
{
    struct keeper *keeper = argument;
    struct scb_error error = {0}, damaged = {0};
    while (!atomic_load(&keeper->stop))
        if (scb_totals_keep(&keeper->counter.totals, &damaged, &error) != SCB_OK)
            return argument;
    return NULL;
}

/* What is kept while somebody reads is neither missing there nor counted twice. */
static void readers_see_all_and_nothing_twice(void **state)
{
    (void)state;
    enum { READS = 300 };
    struct keeper keeper = {0};
    pthread_t thread;
    void *failed = NULL;
    begin(&keeper.counter);
    assert_int_equal(pthread_create(&thread, NULL, keep_on, &keeper), 0);
    for (uint64_t count = 1; count <= READS; count++) {
        scb_metrics_add(keeper.counter.metrics, SCB_METRIC_KEYS, 0, 1);
        assert_int_equal(read_of(&keeper.counter).cells[SCB_CELL_KEYS], count);
    }
    atomic_store(&keeper.stop, true);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    end(&keeper.counter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_set_up, temp_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_of_several_processes_add_up),
        TEST(the_last_who_sets_a_gauge_has_said_it),
        TEST(what_is_live_is_not_kept_and_endpoints_are),
        TEST(a_damaged_file_is_said_once_and_begun_anew),
        TEST(a_file_that_is_too_large_is_damaged),
        TEST(what_another_version_knows_does_no_harm),
        TEST(one_who_holds_the_lock_is_not_waited_for_for_ever),
        TEST(where_there_is_no_directory_nothing_is_kept),
        TEST(processes_at_once_lose_nothing),
        TEST(readers_see_all_and_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
