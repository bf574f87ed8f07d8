/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers net/http against a server in this process: answers of every kind, what is sent, kept-alive
 * connections, requests given up by either side, waits that are ended, and that fail.
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

#include "base/memory.h"
#include "net/http.h"
#include "server.h"

/* These stand before the C library's, so that libcurl calls them. */
static _Thread_local bool no_poll, no_sockets;

#pragma GCC visibility push(default) /* or libcurl would not see them */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (no_poll)
        errno = EINVAL; /* as for more descriptors than the process may have */
    return no_poll ? -1 : (int)syscall(SYS_poll, fds, count, timeout_ms);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    if (no_sockets)
        errno = EMFILE;
    return no_sockets ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}
#pragma GCC visibility pop

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define EMPTY   "Content-Length: 0\r\n\r\n"
/* printf 'inflated' | gzip -n */
#define GZIPPED                                                                                    \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\xcc\x4b\xcb\x49\x2c\x49\x4d\x01\x00\x03\x4f\x57" \
    "\x71\x08\x00\x00\x00"

#define REPLY(path_, text_)                                                                        \
    {                                                                                              \
        .path = (path_), .data = (text_), .size = sizeof(text_) - 1                                \
    }
#define LAST_REPLY(path_, text_)                                                                   \
    {                                                                                              \
        .path = (path_), .data = (text_), .size = sizeof(text_) - 1, .hang_up = true               \
    }

static const struct {
    struct reply reply;
    bool answered;
    long status;
    int64_t retry_after_ms;
    const char *body;
} answers[] = {
    {REPLY("/plain", OK_HEAD "Content-Length: 5\r\n\r\nplain"), true, 200, 0, "plain"},
    {REPLY("/empty", OK_HEAD EMPTY), true, 200, 0, ""},
    {REPLY("/chunked",
           OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
     true, 200, 0, "abcde"},
    {REPLY("/gzip", OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIPPED), true,
     200, 0, "inflated"},
    {LAST_REPLY("/bad-gzip", OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"),
     false, 200, 0, NULL},
    {LAST_REPLY("/odd-encoding", OK_HEAD "Content-Encoding: odd\r\nContent-Length: 1\r\n\r\nx"),
     false, 200, 0, NULL},
    {REPLY("/wait", "HTTP/1.1 429 X\r\nRetry-After: 7\r\n" EMPTY), true, 429, 7000, ""},
    {REPLY("/wait-body", "HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy"), true,
     503, 1000, "busy"},
    {REPLY("/wait-past", "HTTP/1.1 429 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n" EMPTY),
     true, 429, 0, ""},
    {REPLY("/wait-far", "HTTP/1.1 429 X\r\nRetry-After: Fri, 31 Dec 2099 23:59:59 GMT\r\n" EMPTY),
     true, 429, 86400000, ""},
    {REPLY("/wait-long", "HTTP/1.1 429 X\r\nRetry-After: 99999999999\r\n" EMPTY), true, 429,
     86400000, ""},
    {REPLY("/wait-negative", "HTTP/1.1 429 X\r\nRetry-After: -5\r\n" EMPTY), true, 429, 0, ""},
    {REPLY("/wait-nonsense", "HTTP/1.1 429 X\r\nRetry-After: soon\r\n" EMPTY), true, 429, 0, ""},
    {REPLY("/elsewhere", "HTTP/1.1 307 X\r\nLocation: /plain\r\n" EMPTY), true, 307, 0, ""},
    {REPLY("/gone", "HTTP/1.1 204 X\r\n\r\n"), true, 204, 0, ""},
    {LAST_REPLY("/cut", OK_HEAD "Content-Length: 10\r\n\r\nfive!"), false, 200, 0, "five!"},
    {LAST_REPLY("/cut-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"), false, 200, 0,
     "abc"},
    {LAST_REPLY("/nothing", ""), false, 0, 0, ""},
    {LAST_REPLY("/no-http", "hello\r\n\r\n"), false, 0, 0, ""},
};

static struct reply replies[SCB_LENGTH(answers) + 2]; /* and one that never comes */

static struct server server;
static struct scb_http *http;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(answers); i++)
        replies[i] = answers[i].reply;
    replies[SCB_LENGTH(answers)] = (struct reply){.path = "/silent"};
    server_start(&server, replies);
    assert_int_equal(scb_http_new(8, NULL, &http, NULL), SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_http_free(http);
    server_stop(&server);
    return 0;
}

struct call {
    struct scb_http_request request; /* first */
    char url[128];
    char body[64];
    size_t body_size;
    size_t refuse_from; /* a body of so many bytes is refused; 0: none */
    struct scb_http_result result;
    int ended;
    struct call *next; /* started when this one has ended */
};

static bool take_body(struct scb_http_request *request, const void *data, size_t size)
{
    struct call *call = (struct call *)request;
    assert_true(call->body_size + size < sizeof(call->body));
    memcpy(call->body + call->body_size, data, size);
    call->body_size += size;
    return call->refuse_from == 0 || call->body_size < call->refuse_from;
}

static void start(struct call *call);

static void finished(struct scb_http_request *request, const struct scb_http_result *result)
{
    struct call *call = (struct call *)request;
    call->result = *result;
    call->ended++;
    if (call->next != NULL)
        start(call->next);
}

static void prepare(struct call *call, const char *path)
{
    (void)snprintf(call->url, sizeof(call->url), "http://127.0.0.1:%d%s", server.port, path);
    call->request = (struct scb_http_request){.url = call->url,
                                              .body = "{\0}",
                                              .body_size = 3,
                                              .timeout_ms = 600000,
                                              .take_body = take_body,
                                              .finished = finished};
}

static void start(struct call *call)
{
    struct scb_error error = {0};
    if (scb_http_start(http, &call->request, &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static void wait_for(const struct call *call)
{
    while (call->ended == 0)
        assert_int_equal(scb_http_run(http, 1000, -1, NULL), SCB_OK);
}

static void post(struct call *call, const char *path)
{
    prepare(call, path);
    start(call);
    wait_for(call);
    assert_int_equal(call->ended, 1);
}

static void answers_are_what_came(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(answers); i++) {
        struct call call = {0};
        int before = atomic_load(&server.requests);
        post(&call, answers[i].reply.path);
        if (call.result.answered != answers[i].answered ||
            call.result.status != answers[i].status ||
            call.result.retry_after_ms != answers[i].retry_after_ms)
            fail_msg("%s: %d, %ld, %ld ms, %s", answers[i].reply.path, call.result.answered,
                     call.result.status, (long)call.result.retry_after_ms, call.result.failure);
        assert_int_equal(call.result.failure[0] == '\0', answers[i].answered);
        assert_null(strstr(call.result.failure, "127.0.0.1"));
        assert_false(call.result.refused_by_caller);
        if (answers[i].body != NULL)
            assert_string_equal(call.body, answers[i].body);
        assert_int_equal(atomic_load(&server.requests), before + 1); /* no retry, no redirect */
    }
}

static void a_request_is_sent_as_it_is(void **state)
{
    (void)state;
    struct call call = {0};
    post(&call, "/plain");
    assert_int_equal(strncmp(server.last, "POST /plain HTTP/1.1\r\n", 22), 0);
    assert_non_null(strstr(server.last, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server.last, "\r\nAccept-Encoding: gzip\r\n"));
    assert_non_null(strstr(server.last, "\r\nUser-Agent: satellite/"));
    assert_non_null(strstr(server.last, "\r\nContent-Length: 3\r\n"));
    assert_null(strcasestr(server.last, "\r\nExpect:"));
    assert_memory_equal(server.last + server.last_size - 7, "\r\n\r\n{\0}", 7);
}

static void connections_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct call call = {0};
        post(&call, i % 2 == 0 ? "/plain" : "/wait-body");
    }
    assert_int_equal(atomic_load(&server.accepted), 1);
    for (int round = 0; round < 3; round++) {
        struct call calls[8] = {0};
        for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
            prepare(&calls[i], "/plain");
            start(&calls[i]);
        }
        for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
            wait_for(&calls[i]);
            assert_true(calls[i].result.answered);
            assert_string_equal(calls[i].body, "plain");
        }
    }
    assert_true(atomic_load(&server.accepted) <= 8);
}

static void a_request_may_start_the_next(void **state)
{
    (void)state;
    struct call calls[5] = {0};
    for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
        prepare(&calls[i], i % 2 == 0 ? "/plain" : "/nothing");
        calls[i].next = i + 1 < SCB_LENGTH(calls) ? &calls[i + 1] : NULL;
    }
    start(&calls[0]);
    wait_for(&calls[4]);
    for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
        assert_int_equal(calls[i].ended, 1);
        assert_int_equal(calls[i].result.answered, i % 2 == 0);
    }
}

static void a_caller_may_refuse_the_rest(void **state)
{
    (void)state;
    struct call call = {.refuse_from = 3}, after = {0};
    post(&call, "/plain");
    assert_false(call.result.answered);
    assert_true(call.result.refused_by_caller);
    assert_int_equal(call.result.status, 200);
    post(&after, "/plain");
    assert_true(after.result.answered);
}

static void a_caller_may_give_up(void **state)
{
    (void)state;
    struct call calls[2] = {0}, after = {0};
    for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
        prepare(&calls[i], "/silent");
        start(&calls[i]);
    }
    scb_http_abort(http, &calls[1].request); /* one before it is sent, the other after it */
    while (atomic_load(&server.requests) == 0)
        assert_int_equal(scb_http_run(http, 1, -1, NULL), SCB_OK);
    scb_http_abort(http, &calls[0].request);
    for (size_t i = 0; i < SCB_LENGTH(calls); i++) {
        assert_int_equal(calls[i].ended, 1);
        assert_false(calls[i].result.answered);
        assert_false(calls[i].result.refused_by_caller);
        assert_int_equal(calls[i].result.status, 0);
        assert_string_equal(calls[i].result.failure, "aborted");
    }
    post(&after, "/plain");
    assert_string_equal(after.body, "plain");
}

static void time_ends(void **state)
{
    (void)state;
    struct call call = {0};
    prepare(&call, "/silent");
    call.request.timeout_ms = 1;
    start(&call);
    wait_for(&call);
    assert_false(call.result.answered);
    assert_string_equal(call.result.failure, "Timeout was reached");
}

static void nobody_listens(void **state)
{
    (void)state;
    int port = server.port;
    struct call call = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, and not listening */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    server.port = ntohs(address.sin_port);
    post(&call, "/plain");
    server.port = port;
    (void)close(fd);
    assert_false(call.result.answered);
    assert_string_equal(call.result.failure, "Couldn't connect to server");
}

static void *wake(void *argument)
{
    scb_http_wake(argument);
    return NULL;
}

/* Hangs where nothing ends the wait. */
static void a_wait_is_ended(void **state)
{
    (void)state;
    enum { LONG_MS = 24 * 3600 * 1000 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake, http), 0);
    assert_int_equal(scb_http_run(http, LONG_MS, -1, NULL), SCB_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    int fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(scb_http_run(http, LONG_MS, fd, NULL), SCB_OK);
    (void)close(fd);
    assert_int_equal(scb_http_run(http, 0, -1, NULL), SCB_OK);
}

static void a_wait_that_fails_ends_it(void **state)
{
    (void)state;
    struct call call = {0};
    struct scb_error error = {0};
    prepare(&call, "/silent");
    start(&call);
    no_poll = true;
    assert_int_equal(scb_http_run(http, 0, -1, NULL), SCB_ERROR_RESOURCE);
    assert_int_equal(scb_http_run(http, 0, -1, &error), SCB_ERROR_RESOURCE);
    no_poll = false;
    assert_string_equal(error.message, "the HTTP client cannot go on: Invalid argument");
    assert_true(error.retryable && error.hint[0] != '\0');
    assert_int_equal(call.ended, 0);
    scb_http_abort(http, &call.request);
    assert_int_equal(call.ended, 1);
}

/* curl would go on, deaf to scb_http_wake. */
static void none_is_made_that_cannot_be_woken(void **state)
{
    (void)state;
    struct scb_http *deaf = NULL;
    struct scb_error error = {0};
    no_sockets = true;
    assert_int_equal(scb_http_new(1, NULL, &deaf, &error), SCB_ERROR_RESOURCE);
    no_sockets = false;
    assert_null(deaf);
    assert_non_null(strstr(error.message, "the HTTP client cannot go on: "));
}

#define SERVED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(answers_are_what_came),
        SERVED(a_request_is_sent_as_it_is),
        SERVED(connections_are_kept),
        SERVED(a_request_may_start_the_next),
        SERVED(a_caller_may_refuse_the_rest),
        SERVED(a_caller_may_give_up),
        SERVED(time_ends),
        SERVED(nobody_listens),
        SERVED(a_wait_is_ended),
        SERVED(a_wait_that_fails_ends_it),
        SERVED(none_is_made_that_cannot_be_woken),
    };
    (void)setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
