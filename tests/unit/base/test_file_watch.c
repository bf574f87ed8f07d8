/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/file_watch: an operation that does not come back is told of, whatever it contains.
 * Each test waits for that and hangs where it does not happen.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "base/thread.h"

/* What stuck is told, and a pipe that it writes to. */
struct told {
    sem_t posted;
    int pipe[2];
    int times;
    struct scb_error error;
};

static void stuck(void *state, const struct scb_error *error)
{
    struct told *told = state;
    told->times++;
    told->error = *error;
    assert_int_equal(write(told->pipe[1], "x", 1), 1);
    assert_int_equal(sem_post(&told->posted), 0);
}

static struct told told;
static struct scb_file_watch *watch;

static int set_up(void **state)
{
    (void)state;
    told = (struct told){0};
    assert_int_equal(pipe(told.pipe), 0);
    assert_int_equal(sem_init(&told.posted, 0, 0), 0);
    assert_int_equal(scb_file_watch_start(2, stuck, &told, &watch, NULL), SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_file_watch_stop(watch);
    (void)close(told.pipe[0]);
    (void)close(told.pipe[1]);
    return sem_destroy(&told.posted);
}

static void wait_until_told(void)
{
    assert_int_equal(sem_wait(&told.posted), 0);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.error.status, SCB_ERROR_FILE);
    assert_non_null(strstr(told.error.message, "has not come back"));
    assert_non_null(strstr(told.error.hint, "backup.file_operation_timeout"));
    assert_true(told.error.retryable);
}

static void a_read_that_hangs_is_told_of(void **state)
{
    (void)state;
    char byte = 0;
    size_t got = 0;
    SCB_FILE_WATCHED(watch);
    assert_int_equal(scb_file_read(told.pipe[0], "pipe", &byte, 1, &got, NULL), SCB_OK);
    wait_until_told();
}

static void within(void)
{
    SCB_FILE_OPERATION;
}

/* What is inside ends, and the one around it is still under way. */
static void an_operation_may_contain_others(void **state)
{
    (void)state;
    SCB_FILE_WATCHED(watch);
    SCB_FILE_OPERATION;
    within();
    within();
    wait_until_told();
}

/* Its time begins anew, and still ends. */
static void an_operation_that_waits_for_others_is_watched(void **state)
{
    (void)state;
    SCB_FILE_WATCHED(watch);
    scb_file_operation_renew(); /* there is none */
    SCB_FILE_OPERATION;
    within();
    scb_file_operation_renew();
    wait_until_told();
}

static void unwatched(void)
{
    SCB_FILE_WATCHED(NULL);
    assert_null(scb_file_watch_present());
    within();
}

/* More scopes than threads that there ever are, one in the other. */
static void nest(int levels)
{
    SCB_FILE_WATCHED(watch);
    if (levels > 0)
        nest(levels - 1);
    unwatched();
    assert_ptr_equal(scb_file_watch_present(), watch);
}

static void a_scope_ends(void **state)
{
    (void)state;
    nest(200);
    assert_null(scb_file_watch_present());
    within();
    SCB_FILE_WATCHED(watch);
    SCB_FILE_OPERATION;
    wait_until_told();
}

static void *hang(void *argument)
{
    (void)argument;
    SCB_FILE_OPERATION;
    wait_until_told();
    return NULL;
}

static void start(pthread_t *thread)
{
    SCB_FILE_WATCHED(watch);
    assert_int_equal(scb_thread_start(thread, "hangs", hang, NULL, NULL), SCB_OK);
}

static void a_thread_is_watched_like_who_started_it(void **state)
{
    (void)state;
    pthread_t thread;
    start(&thread);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void its_limit_may_change(void **state)
{
    (void)state;
    struct scb_file_watch *patient = NULL;
    assert_int_equal(scb_file_watch_start(86400000, stuck, &told, &patient, NULL), SCB_OK);
    scb_file_watch_stop(watch);
    watch = patient;
    scb_file_watch_set_timeout(watch, 2);
    SCB_FILE_WATCHED(watch);
    SCB_FILE_OPERATION;
    wait_until_told();
}

static void nobody_needs_to_watch(void **state)
{
    (void)state;
    within();
    unwatched();
    scb_file_watch_set_timeout(NULL, 1);
    scb_file_watch_stop(NULL);
}

#define WATCHED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(a_read_that_hangs_is_told_of),
        WATCHED(an_operation_may_contain_others),
        WATCHED(an_operation_that_waits_for_others_is_watched),
        WATCHED(a_scope_ends),
        WATCHED(a_thread_is_watched_like_who_started_it),
        WATCHED(its_limit_may_change),
        cmocka_unit_test(nobody_needs_to_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
