/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/supervisor: when a process is ended that does not end, or does nothing any more.
 * What the service manager is told is reload.test.mjs's, but for when a reload began. Each test
 * waits for the end and hangs where it does not come.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "service/supervisor.h"

enum { DAY_MS = 86400000 };

static sem_t ended;
static struct scb_error reason;
static struct scb_cancel *cancel;
static struct scb_supervisor *supervisor;
static int log_pipe[2];
static struct scb_log *log_to_pipe;

static void stuck(void *state, const struct scb_error *error)
{
    (void)state;
    reason = *error;
    assert_int_equal(sem_post(&ended), 0);
}

static int set_up(void **state)
{
    (void)state;
    reason = (struct scb_error){0};
    (void)unsetenv("WATCHDOG_USEC");
    assert_int_equal(sem_init(&ended, 0, 0), 0);
    assert_int_equal(pipe(log_pipe), 0);
    assert_int_equal(scb_log_new(log_pipe[1], SCB_LOG_ERROR, SCB_LOG_JSON, scb_clock_system(),
                                 &log_to_pipe, NULL),
                     SCB_OK);
    return scb_cancel_new(&cancel, NULL) != SCB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    scb_supervisor_stop(supervisor);
    scb_cancel_free(cancel);
    scb_log_free(log_to_pipe);
    (void)close(log_pipe[0]);
    (void)close(log_pipe[1]);
    return sem_destroy(&ended);
}

static void start(int64_t drain_ms)
{
    const struct scb_supervisor_settings settings = {
        .log = log_to_pipe, .cancel = cancel, .drain_ms = drain_ms, .stuck = stuck};
    assert_int_equal(scb_supervisor_start(&settings, &supervisor, NULL), SCB_OK);
}

static int64_t monotonic_us(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* systemd takes no answer to a reload that seems older than its order. */
static void a_reload_is_not_before_its_order(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(at.sun_family); /* the kernel finds a name */
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (const struct sockaddr *)&at, size), 0);
    size = sizeof(at);
    assert_int_equal(getsockname(manager, (struct sockaddr *)&at, &size), 0);
    at.sun_path[0] = '@';
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    start(DAY_MS);
    for (int i = 0; i < 20; i++) {
        char said[256] = "";
        int64_t ordered_us = monotonic_us();
        scb_supervisor_reloading(supervisor);
        assert_true(recv(manager, said, sizeof(said) - 1, 0) > 0);
        const char *at_us = strstr(said, "MONOTONIC_USEC=");
        assert_non_null(at_us);
        assert_in_range(strtoll(at_us + strlen("MONOTONIC_USEC="), NULL, 10), ordered_us,
                        monotonic_us());
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)close(manager);
}

static void one_that_does_not_end_is_ended(void **state)
{
    (void)state;
    start(5);
    scb_cancel_request(cancel);
    assert_int_equal(sem_wait(&ended), 0);
    assert_int_equal(reason.status, SCB_ERROR_CANCELED);
    assert_non_null(strstr(reason.message, "not come to its end"));
    assert_non_null(strstr(reason.hint, "what was finished is kept"));
}

static void one_that_is_silent_is_ended(void **state)
{
    (void)state;
    start(DAY_MS);
    assert_false(scb_supervisor_is_silent(supervisor));
    scb_supervisor_allow(supervisor, -1);
    assert_true(scb_supervisor_is_silent(supervisor));
    assert_int_equal(sem_wait(&ended), 0);
    assert_int_equal(reason.status, SCB_ERROR_INTERNAL);
    assert_non_null(strstr(reason.message, "no sign of life"));
    assert_false(scb_supervisor_is_silent(NULL));
}

/* Its service manager notices by itself; the end within bounds is still ours. */
static void where_somebody_waits_for_signs_it_is_only_logged(void **state)
{
    (void)state;
    char line[512] = "";
    assert_int_equal(setenv("WATCHDOG_USEC", "3000", 1), 0);
    start(5);
    scb_supervisor_allow(supervisor, -1);
    assert_true(read(log_pipe[0], line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "The service hangs"));
    scb_cancel_request(cancel);
    assert_int_equal(sem_wait(&ended), 0);
    assert_int_equal(reason.status, SCB_ERROR_CANCELED);
}

#define SUPERVISED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPERVISED(a_reload_is_not_before_its_order),
        SUPERVISED(one_that_does_not_end_is_ended),
        SUPERVISED(one_that_is_silent_is_ended),
        SUPERVISED(where_somebody_waits_for_signs_it_is_only_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
