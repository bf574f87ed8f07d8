/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/notifier: what becomes at the end of notices that wait, of more than it has room
 * for, and of one that is delivered at the very end. The rest is notify.test.mjs's.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <sys/syscall.h>

#include "../net/server.h"
#include "../temp_dir.h"
#include "base/memory.h"
#include "service/notifier.h"

enum { MORE = 3, HOUR_MS = 3600000 };

static atomic_bool holds; /* poll comes back when all that it waits for is there */

#pragma GCC visibility push(default) /* or libcurl would not see it */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int ready = (int)syscall(SYS_poll, fds, count, timeout_ms);
    while (atomic_load(&holds) && ready == 1 && timeout_ms > 0)
        ready = (int)syscall(SYS_poll, fds, count, timeout_ms);
    return ready;
}
#pragma GCC visibility pop

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const struct reply replies[] = {
    {.path = "/silent"},
    {.path = "/good", .data = GOOD, .size = sizeof(GOOD) - 1},
    {0},
};

static struct server server;
static struct scb_log *file_log;
static int log_fd;

static int set_up(void **state)
{
    assert_int_equal(temp_set_up(state), 0);
    server_start(&server, replies);
    log_fd = open(temp_path("log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(log_fd >= 0);
    return scb_log_new(log_fd, SCB_LOG_WARN, SCB_LOG_JSON, scb_clock_system(), &file_log, NULL) !=
           SCB_OK;
}

static int tear_down(void **state)
{
    scb_log_free(file_log);
    (void)close(log_fd);
    server_stop(&server);
    return temp_tear_down(state);
}

static const char *logged(void)
{
    static char text[256 * 1024];
    ssize_t size = pread(log_fd, text, sizeof(text) - 1, 0);
    assert_true(size >= 0);
    text[size] = '\0';
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        found++;
    return found;
}

static struct scb_notifier *start(int64_t url_ms, int64_t drain_ms)
{
    const struct scb_notifier_settings settings = {
        .log = file_log, .ca_file = "", .url_ms = url_ms, .drain_ms = drain_ms};
    struct scb_notifier *notifier = NULL;
    assert_int_equal(scb_notifier_new(&settings, &notifier, NULL), SCB_OK);
    return notifier;
}

static void send_to(struct scb_notifier *notifier, const char *path)
{
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    scb_notifier_send(notifier, url, "", (struct scb_bytes){(const uint8_t *)"{}", 2});
}

static void wait_for_requests(int number)
{
    while (atomic_load(&server.requests) < number)
        (void)usleep(1000);
}

/* Its attempt takes as long as it may, and then the others have theirs; a command comes first. */
static void a_dead_receiver_takes_nothing_from_the_others(void **state)
{
    (void)state;
    char command[600];
    struct scb_notifier *notifier = start(1500, HOUR_MS);
    send_to(notifier, "/silent");
    wait_for_requests(1);
    send_to(notifier, "/silent");
    send_to(notifier, "/good");
    (void)snprintf(command, sizeof(command), "/usr/bin/tee %s", temp_path("told"));
    scb_notifier_send(notifier, command, "", (struct scb_bytes){(const uint8_t *)"{}", 2});
    scb_notifier_free(notifier);
    assert_non_null(strstr(server.last, "POST /good"));
    assert_int_equal(temp_stat("told").st_size, 2);
    assert_int_equal(count(logged(), "Notification not delivered"), 2);
}

static void what_is_more_than_there_is_room_for_is_dropped_and_said(void **state)
{
    (void)state;
    struct scb_notifier *notifier = start(HOUR_MS, 1);
    send_to(notifier, "/silent");
    wait_for_requests(1); /* under way, it waits no more */
    for (int i = 0; i < SCB_NOTIFIER_ROOM + MORE; i++)
        send_to(notifier, i < MORE ? "/good" : "/silent");
    assert_int_equal(count(logged(), "too many wait"), MORE);
    scb_notifier_free(notifier);
    assert_int_equal(count(logged(), "too many wait"), MORE);
}

/* The answer and the request to end come in the same moment: poll sees both. */
static void one_that_was_delivered_is_not_called_undelivered(void **state)
{
    (void)state;
    struct scb_notifier *notifier = start(HOUR_MS, 1);
    send_to(notifier, "/silent");
    wait_for_requests(1);
    atomic_store(&holds, true);
    assert_true(send(server.connections[0].fd, GOOD, sizeof(GOOD) - 1, MSG_NOSIGNAL) > 0);
    scb_notifier_free(notifier);
    atomic_store(&holds, false);
    assert_string_equal(logged(), "");
}

#define NOTIFIED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTIFIED(a_dead_receiver_takes_nothing_from_the_others),
        NOTIFIED(what_is_more_than_there_is_room_for_is_dropped_and_said),
        NOTIFIED(one_that_was_delivered_is_not_called_undelivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
