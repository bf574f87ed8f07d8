/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/local: whose connection it is, a socket that was left over, one that is in
 * use, what stands there that is none, a path of any length, what is left at the end.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/socket_place.h"
#include "web/local.h"

enum { PATH_SIZE = 1024 };

static void path_in(char ret_path[PATH_SIZE], const char *name)
{
    (void)snprintf(ret_path, PATH_SIZE, "%s/%s", temp_dir, name);
}

/* A connection to the socket at path, or -1. */
static int connect_to(const char *path)
{
    struct scb_socket_place place;
    struct scb_error error = {0};
    assert_int_equal(scb_socket_place_open(path, false, &place, &error), SCB_OK);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&place.address, sizeof(place.address)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    scb_socket_place_close(&place);
    return fd;
}

static void it_knows_who_is_at_the_other_end(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct scb_web_local *local = NULL;
    struct scb_error error = {0};
    struct scb_web_peer peer;
    struct stat about;
    uint8_t address[16], other[16];
    int fd = -1;
    path_in(path, "a.sock");
    assert_int_equal(scb_web_local_open(path, &local, &fd, &error), SCB_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0666);
    int client = connect_to(path), served = accept(fd, NULL, NULL);
    assert_true(scb_web_local_peer(served, &peer, address));
    assert_true(peer.is_local);
    assert_int_equal(peer.kind, SCB_WEB_PEER_USER);
    assert_int_equal(peer.uid, getuid());
    assert_int_equal(address[0], 0xff); /* nobody's IP address */
    assert_true(scb_web_local_same_user(served, served));
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_false(scb_web_local_peer(tcp, &peer, other));
    assert_false(scb_web_local_same_user(tcp, tcp));
    (void)close(tcp);
    (void)close(client);
    (void)close(served);
    (void)close(fd);
    scb_web_local_close(local);
}

/* In a process of its own, which ends without a farewell. */
static void leave_a_socket(const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct scb_web_local *local = NULL;
        struct scb_error error = {0};
        int fd = -1;
        _exit(scb_web_local_open(path, &local, &fd, &error) == SCB_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_was_left_over_is_replaced(void **state)
{
    (void)state;
    char path[PATH_SIZE], lock[PATH_SIZE];
    struct scb_web_local *local = NULL;
    struct scb_error error = {0};
    int fd = -1;
    path_in(path, "left.sock");
    path_in(lock, "left.sock.lock");
    leave_a_socket(path);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(connect_to(path), -1);
    assert_int_equal(scb_web_local_open(path, &local, &fd, &error), SCB_OK);
    int client = connect_to(path);
    assert_true(client >= 0);
    (void)close(client);
    (void)close(fd);
    scb_web_local_close(local);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(lock, F_OK), 0);
}

static void one_in_use_is_left_alone(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct scb_web_local *first = NULL, *second = NULL;
    struct scb_error error = {0};
    int fd = -1, none = -1;
    path_in(path, "used.sock");
    assert_int_equal(scb_web_local_open(path, &first, &fd, &error), SCB_OK);
    assert_int_equal(scb_web_local_open(path, &second, &none, &error), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "another service listens there"));
    int client = connect_to(path);
    assert_true(client >= 0);
    (void)close(client);
    scb_web_local_close(first);
    (void)close(fd);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct scb_web_local *local = NULL;
    struct scb_error error = {0};
    int fd = -1;
    path_in(path, "file.sock");
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(scb_web_local_open(path, &local, &fd, &error), SCB_ERROR_VALIDATION);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(fd, -1);
}

static void a_path_may_be_long(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct scb_web_local *local = NULL;
    struct scb_error error = {0};
    int fd = -1;
    (void)snprintf(path, sizeof(path), "%s/%0120d/%0120d/a.sock", temp_dir, 1, 2);
    assert_int_equal(scb_web_local_open(path, &local, &fd, &error), SCB_OK); /* and makes them */
    int client = connect_to(path);
    assert_true(client >= 0);
    (void)close(client);
    (void)close(fd);
    scb_web_local_close(local);
    static const char *const wrong[] = {"a.sock", "", "/", "/tmp/", "/tmp/..", "/tmp/."};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(scb_web_local_open(wrong[i], &local, &fd, &error), SCB_ERROR_VALIDATION);
    (void)snprintf(path, sizeof(path), "%s/%0120d", temp_dir, 3);
    assert_int_equal(scb_web_local_open(path, &local, &fd, &error), SCB_ERROR_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEMP(it_knows_who_is_at_the_other_end),
        IN_TEMP(what_was_left_over_is_replaced),
        IN_TEMP(one_in_use_is_left_alone),
        IN_TEMP(what_is_no_socket_is_left_alone),
        IN_TEMP(a_path_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
