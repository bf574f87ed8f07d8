/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/connections: a connection ends at its deadline however busy its client looks,
 * unless the server itself is to blame; there are only so many.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/connections.h"

static void a_connection_ends_at_its_deadline(void **state)
{
    (void)state;
    struct scb_web_connections *connections = NULL;
    struct scb_error error = {0};
    int busy[2], late[2];
    char byte;
    assert_int_equal(scb_web_connections_new(2, 20, &connections, &error), SCB_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, busy), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, late), 0);
    struct scb_web_connection *first = scb_web_connection_open(connections, busy[0]);
    scb_web_connection_pause(connections, first);
    struct scb_web_connection *second = scb_web_connection_open(connections, late[0]);
    assert_null(scb_web_connection_open(connections, 77));
    assert_int_equal(read(late[1], &byte, 1), 0); /* when it has been ended */
    assert_int_equal(recv(busy[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    scb_web_connection_resume(connections, first);
    assert_int_equal(read(busy[1], &byte, 1), 0);
    scb_web_connection_close(connections, first);
    scb_web_connection_close(connections, second);
    assert_non_null(scb_web_connection_open(connections, busy[0])); /* there is room again */
    scb_web_connections_free(connections);
    for (int i = 0; i < 2; i++) {
        (void)close(busy[i]);
        (void)close(late[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_connection_ends_at_its_deadline)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
