/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers source/rpc_client: how its calls end where the HTTP client breaks, and where they are
 * cancelled. What it does with a node's answers, tests/integration/node.test.mjs covers.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <sys/syscall.h>

#include "../net/server.h"
#include "base/memory.h"
#include "source/rpc_client.h"

static atomic_bool poll_fails;

/* Stands before the C library's, so that libcurl calls it. */
#pragma GCC visibility push(default) /* or libcurl would not see them */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    bool fails = atomic_load(&poll_fails);
    int ready = (int)syscall(SYS_poll, fds, count, timeout_ms);
    if (fails)
        errno = EINVAL;
    return fails ? -1 : ready;
}
#pragma GCC visibility pop

static const struct reply replies[] = {{.path = "/silent"}, {0}};
static struct server server;
static struct scb_rpc_client *client;

static int set_up(void **state)
{
    (void)state;
    char url[64];
    server_start(&server, replies);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/silent", server.port);
    const char *const urls[] = {url, NULL};
    const struct scb_rpc_client_settings settings = {
        .urls = urls,
        .max_in_flight = 1,
        .retry = {.attempts = 3, .delay_ms = 1, .max_delay_ms = 1},
        .timeout_ms = 5000,
        .clock = scb_clock_system()};
    assert_int_equal(scb_rpc_client_new(&settings, &client, NULL), SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_rpc_client_free(client);
    atomic_store(&poll_fails, false);
    server_stop(&server);
    return 0;
}

struct waited {
    struct scb_rpc_call call; /* first */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int submit_again; /* so many times, when it has ended and everything has been cancelled */
};

static bool prepare(struct scb_rpc_call *call, size_t endpoint, struct scb_buffer *params)
{
    (void)call;
    (void)endpoint;
    return scb_buffer_append(params, "[]", sizeof("[]"), NULL) == SCB_OK;
}

static void done(struct scb_rpc_call *call)
{
    struct waited *waited = call->owner;
    if (waited->submit_again-- > 0) {
        scb_rpc_client_cancel(client);
        scb_rpc_client_submit_again(client, call);
        return;
    }
    pthread_mutex_lock(&waited->lock);
    waited->done = true;
    pthread_cond_signal(&waited->changed);
    pthread_mutex_unlock(&waited->lock);
}

static void submit(struct waited *waited)
{
    waited->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    waited->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    waited->call = (struct scb_rpc_call){.method = "eth_blockNumber",
                                         .endpoint = SCB_ANY_ENDPOINT,
                                         .deadline_ms = scb_rpc_client_patience(client),
                                         .owner = waited,
                                         .prepare = prepare,
                                         .done = done};
    scb_rpc_client_submit(client, &waited->call);
}

static void wait_for(struct waited *waited)
{
    pthread_mutex_lock(&waited->lock);
    while (!waited->done)
        pthread_cond_wait(&waited->changed, &waited->lock);
    pthread_mutex_unlock(&waited->lock);
}

static void wait_until_asked(void)
{
    while (atomic_load(&server.requests) == 0)
        (void)usleep(100);
}

static void a_broken_http_client_is_no_interruption(void **state)
{
    (void)state;
    struct waited sent = {0}, waiting = {0}, later = {0};
    submit(&sent);
    wait_until_asked();
    submit(&waiting); /* its turn does not come */
    atomic_store(&poll_fails, true);
    scb_rpc_client_wake(client);
    wait_for(&sent);
    wait_for(&waiting);
    submit(&later);
    wait_for(&later);
    struct waited *const all[] = {&sent, &waiting, &later};
    for (size_t i = 0; i < SCB_LENGTH(all); i++) {
        assert_int_equal(all[i]->call.status, SCB_ERROR_RESOURCE);
        assert_string_equal(all[i]->call.error.message,
                            "the HTTP client cannot go on: Invalid argument");
        assert_true(all[i]->call.error.retryable);
        scb_rpc_call_free(&all[i]->call);
    }
}

static void a_cancelled_call_is_interrupted(void **state)
{
    (void)state;
    struct waited sent = {0}, waiting = {0};
    submit(&sent);
    wait_until_asked();
    submit(&waiting);
    scb_rpc_client_cancel(client);
    wait_for(&sent);
    wait_for(&waiting);
    assert_int_equal(sent.call.status, SCB_ERROR_CANCELED);
    assert_int_equal(waiting.call.status, SCB_ERROR_CANCELED);
    assert_string_equal(sent.call.error.message, "interrupted");
    scb_rpc_call_free(&sent.call);
    scb_rpc_call_free(&waiting.call);
}

/* A page too heavy that is to be asked for in halves, say: the cancel came while it ended. */
static void a_call_that_goes_on_is_as_old_as_it_was(void **state)
{
    (void)state;
    struct waited ended = {.submit_again = 1}, later = {0};
    submit(&ended);
    wait_until_asked();
    atomic_store(&server.requests, 0);
    scb_rpc_client_cancel(client);
    wait_for(&ended);
    assert_int_equal(ended.call.status, SCB_ERROR_CANCELED);
    assert_int_equal(atomic_load(&server.requests), 0);
    submit(&later); /* is served */
    wait_until_asked();
    scb_rpc_client_cancel(client);
    wait_for(&later);
    scb_rpc_call_free(&ended.call);
    scb_rpc_call_free(&later.call);
}

#define SERVED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_broken_http_client_is_no_interruption),
        SERVED(a_cancelled_call_is_interrupted),
        SERVED(a_call_that_goes_on_is_as_old_as_it_was),
    };
    (void)setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
