/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/kept: one answer for all who ask within a second, a new one after that; those who wait
 * while it is made are content with it; what was refused is not kept.
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

#include "base/memory.h"
#include "base/thread.h"
#include "web/kept.h"

static _Atomic int64_t now_ms;
static atomic_int made;
static atomic_bool refuses;
static atomic_int asking, wanted_asking; /* make waits for so many */

static int64_t look_at_clock(void *state)
{
    (void)state;
    return atomic_load(&now_ms);
}

static const struct scb_clock clock_of_test = {look_at_clock, look_at_clock, NULL};
static const struct scb_desk desk = {.clock = &clock_of_test};

static enum scb_status make(struct scb_web_call *call, struct scb_error *error)
{
    if (atomic_load(&refuses))
        return scb_error_set(error, SCB_ERROR_DATABASE, "refused");
    while (atomic_load(&asking) < atomic_load(&wanted_asking))
        (void)sched_yield();
    call->reply->status = 503;
    call->reply->content_type = "text/plain";
    return scb_buffer_printf(&call->reply->body, error, "answer %d", atomic_fetch_add(&made, 1));
}

static enum scb_status ask(struct scb_web_kept *kept, struct scb_web_reply *ret_reply)
{
    struct scb_error error = {0};
    *ret_reply = (struct scb_web_reply){.body = {.max = SCB_WEB_MAX_REPLY}};
    struct scb_web_call call = {.desk = &desk, .reply = ret_reply};
    return scb_web_kept_answer(kept, &call, make, &error);
}

static void assert_answer(struct scb_web_kept *kept, const char *text)
{
    struct scb_web_reply reply;
    assert_int_equal(ask(kept, &reply), SCB_OK);
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply.content_type, "text/plain");
    assert_int_equal(reply.body.size, strlen(text));
    assert_memory_equal(reply.body.data, text, strlen(text));
    scb_buffer_free(&reply.body);
}

static int set_up(void **state)
{
    static struct scb_web_kept kept;
    scb_web_kept_init(&kept);
    atomic_store(&now_ms, 5000);
    atomic_store(&made, 0);
    atomic_store(&refuses, false);
    atomic_store(&asking, 0);
    atomic_store(&wanted_asking, 0);
    *state = &kept;
    return 0;
}

static int tear_down(void **state)
{
    scb_web_kept_free(*state);
    return 0;
}

static void is_made_once_a_second(void **state)
{
    assert_answer(*state, "answer 0");
    atomic_store(&now_ms, 5999);
    assert_answer(*state, "answer 0");
    atomic_store(&now_ms, 6000);
    assert_answer(*state, "answer 1");
    atomic_store(&now_ms, 6500);
    assert_answer(*state, "answer 1");
}

static void what_is_refused_is_not_kept(void **state)
{
    struct scb_web_reply reply;
    atomic_store(&refuses, true);
    assert_int_equal(ask(*state, &reply), SCB_ERROR_DATABASE);
    atomic_store(&refuses, false);
    assert_answer(*state, "answer 0");
    atomic_store(&refuses, true);
    assert_answer(*state, "answer 0");
    atomic_store(&now_ms, 6000);
    assert_int_equal(ask(*state, &reply), SCB_ERROR_DATABASE);
    assert_int_equal(ask(*state, &reply), SCB_ERROR_DATABASE); /* nor is the one before it given */
}

static void *ask_on_a_thread(void *state)
{
    struct scb_web_reply reply;
    atomic_fetch_add(&asking, 1);
    enum scb_status status = ask(state, &reply);
    bool right = status == SCB_OK && reply.body.size == strlen("answer 0") &&
                 memcmp(reply.body.data, "answer 0", reply.body.size) == 0;
    scb_buffer_free(&reply.body);
    return right ? state : NULL;
}

static void who_waits_is_content_with_what_is_made(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    atomic_store(&wanted_asking, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(scb_thread_start(&threads[i], "asks", ask_on_a_thread, *state, NULL),
                         SCB_OK);
    for (size_t i = 0; i < THREADS; i++) {
        void *right = NULL;
        assert_int_equal(pthread_join(threads[i], &right), 0);
        assert_non_null(right);
    }
    assert_int_equal(atomic_load(&made), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(is_made_once_a_second),
                                       TEST(what_is_refused_is_not_kept),
                                       TEST(who_waits_is_content_with_what_is_made)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
