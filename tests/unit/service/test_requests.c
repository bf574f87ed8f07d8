/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/requests: what may be asked for beside what waits or runs, how many may wait, what
 * is told of those that are over, and that each is ended once.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "service/requests.h"

static struct scb_requests *requests;
static int ended[4]; /* by kind, the last status of each */
static int endings;
static struct scb_error error;

static void note_end(void *state, enum scb_status status)
{
    *(int *)state = (int)status;
    endings++;
}

static int begin(void **state)
{
    (void)state;
    memset(ended, -1, sizeof(ended));
    endings = 0;
    return scb_requests_new(&requests, &error) == SCB_OK ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    scb_requests_free(requests);
    return 0;
}

static enum scb_status post(enum scb_request_kind kind, const char *backup_date)
{
    struct scb_request request = {.kind = kind, .ended = note_end, .ended_state = &ended[kind]};
    (void)snprintf(request.backup_date, sizeof(request.backup_date), "%s", backup_date);
    return scb_requests_post(requests, &request, &request, &error);
}

static void one_is_done_after_the_other(void **state)
{
    (void)state;
    struct scb_request request;
    assert_false(scb_requests_take(requests, &request));
    assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_OK);
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-01-15"), SCB_OK);
    assert_true(scb_requests_take(requests, &request));
    assert_int_equal(request.kind, SCB_REQUEST_RUN);
    assert_int_equal(request.state, SCB_REQUEST_RUNNING);
    (void)snprintf(request.backup_date, sizeof(request.backup_date), "2024-01-16");
    (void)snprintf(request.result, sizeof(request.result), "completed");
    scb_requests_end(requests, &request, SCB_OK);
    assert_int_equal(ended[SCB_REQUEST_RUN], SCB_OK);

    assert_int_equal(scb_requests_get(requests, 1, &request, &error), SCB_OK);
    assert_int_equal(request.state, SCB_REQUEST_DONE);
    assert_string_equal(request.backup_date, "2024-01-16");
    assert_string_equal(request.result, "completed");
    assert_true(request.ended_at_ms >= request.started_at_ms && request.started_at_ms > 0);

    assert_true(scb_requests_take(requests, &request));
    scb_error_set(&request.error, SCB_ERROR_INTEGRITY, "page 3");
    scb_requests_end(requests, &request, SCB_ERROR_INTEGRITY);
    assert_int_equal(scb_requests_get(requests, 2, &request, &error), SCB_OK);
    assert_int_equal(request.state, SCB_REQUEST_FAILED);
    assert_string_equal(request.error.message, "page 3");
    assert_false(scb_requests_take(requests, &request));
    assert_int_equal(endings, 2);
}

static void the_same_is_not_asked_for_twice(void **state)
{
    (void)state;
    struct scb_request request;
    assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_OK);
    assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_ERROR_BUSY);
    assert_int_equal(post(SCB_REQUEST_RETRY, "2024-01-15"), SCB_ERROR_BUSY);
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-01-15"), SCB_OK);
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-01-15"), SCB_ERROR_BUSY);
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-01-16"), SCB_OK);
    assert_true(scb_requests_take(requests, &request)); /* it runs, that is no other */
    assert_int_equal(post(SCB_REQUEST_RETRY, "2024-01-15"), SCB_ERROR_BUSY);
    scb_requests_end(requests, &request, SCB_OK);
    assert_int_equal(post(SCB_REQUEST_RETRY, "2024-01-15"), SCB_OK);
    assert_int_equal(endings, 1);
}

static void only_so_many_wait(void **state)
{
    (void)state;
    char date[16];
    for (int i = 0; i < SCB_REQUESTS_MAX_WAITING; i++) {
        (void)snprintf(date, sizeof(date), "2024-01-%02d", i + 1);
        assert_int_equal(post(SCB_REQUEST_VERIFY, date), SCB_OK);
    }
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-02-01"), SCB_ERROR_RESOURCE);
    struct scb_request request;
    assert_true(scb_requests_take(requests, &request));
    assert_int_equal(post(SCB_REQUEST_VERIFY, "2024-02-01"), SCB_OK);
    scb_requests_end(requests, &request, SCB_OK);
}

static void the_last_ones_are_remembered(void **state)
{
    (void)state;
    struct scb_request request;
    for (int i = 0; i < 2 * SCB_REQUESTS_KEPT; i++) {
        assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_OK);
        assert_true(scb_requests_take(requests, &request));
        scb_requests_end(requests, &request, SCB_OK);
    }
    uint64_t newest = scb_requests_newest(requests);
    assert_int_equal(newest, 2 * SCB_REQUESTS_KEPT);
    assert_int_equal(scb_requests_get(requests, newest, &request, &error), SCB_OK);
    assert_int_equal(scb_requests_get(requests, newest - SCB_REQUESTS_KEPT + 1, &request, &error),
                     SCB_OK);
    assert_int_equal(scb_requests_get(requests, newest - SCB_REQUESTS_KEPT, &request, &error),
                     SCB_ERROR_NOT_FOUND);
    assert_int_equal(scb_requests_get(requests, newest + 1, &request, &error), SCB_ERROR_NOT_FOUND);
    assert_int_equal(scb_requests_get(requests, 0, &request, &error), SCB_ERROR_NOT_FOUND);
}

static void those_that_wait_at_the_end_are_cancelled(void **state)
{
    (void)state;
    assert_int_equal(post(SCB_REQUEST_CLEANUP, ""), SCB_OK);
    assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_OK);
    scb_requests_free(requests);
    assert_int_equal(ended[SCB_REQUEST_CLEANUP], SCB_ERROR_CANCELED);
    assert_int_equal(ended[SCB_REQUEST_RUN], SCB_ERROR_CANCELED);
    assert_int_equal(endings, 2);
    requests = NULL;
}

static void waiting_ends_when_one_comes(void **state)
{
    (void)state;
    assert_int_equal(post(SCB_REQUEST_RUN, ""), SCB_OK);
    scb_requests_wait(requests, NULL, NULL, 3600000); /* for ever, were it not for that one */
    struct scb_request request;
    assert_true(scb_requests_take(requests, &request));
    scb_requests_end(requests, &request, SCB_OK);
    assert_false(scb_requests_take(requests, &request));
    scb_requests_wait(requests, NULL, NULL, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_done_after_the_other),
        TEST(the_same_is_not_asked_for_twice),
        TEST(only_so_many_wait),
        TEST(the_last_ones_are_remembered),
        TEST(those_that_wait_at_the_end_are_cancelled),
        TEST(waiting_ends_when_one_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
