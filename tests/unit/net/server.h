/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server of a test's own on 127.0.0.1: one thread, one canned reply a path, kept-alive
 * connections unless the reply is to be followed by a hang-up.
 */
#ifndef SCB_TESTS_SERVER_H
#define SCB_TESTS_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct reply {
    const char *path;
    const void *data; /* NULL: never answered */
    size_t size;
    bool hang_up; /* after it */
};

enum { SERVER_CONNECTIONS = 32, SERVER_REQUEST = 4096 };

struct connection {
    int fd; /* -1: free */
    char request[SERVER_REQUEST];
    size_t size;
};

struct server {
    const struct reply *replies; /* ended by one without a path */
    int listen_fd, stop_fd;
    int port;
    pthread_t thread;
    struct connection connections[SERVER_CONNECTIONS];
    atomic_int accepted, requests;
    char last[SERVER_REQUEST]; /* the last request; read it when it has been answered */
    size_t last_size;
};

/* The size of the request that is there whole, or 0. */
static inline size_t server_request_size(const struct connection *connection)
{
    const char *end = memmem(connection->request, connection->size, "\r\n\r\n", 4);
    const char *length = strcasestr(connection->request, "\r\nContent-Length: ");
    if (end == NULL || length == NULL)
        return 0;
    size_t size = (size_t)(end + 4 - connection->request) + (size_t)atol(length + 18);
    return connection->size >= size ? size : 0;
}

static inline void server_answer(struct server *server, struct connection *connection)
{
    size_t size = server_request_size(connection);
    if (size == 0)
        return;
    memcpy(server->last, connection->request, size);
    server->last_size = size;
    connection->size = 0;
    atomic_fetch_add(&server->requests, 1);
    const struct reply *reply = server->replies;
    char start[64];
    for (; reply->path != NULL; reply++) {
        (void)snprintf(start, sizeof(start), "POST %s HTTP/1.1\r\n", reply->path);
        if (strncmp(connection->request, start, strlen(start)) == 0)
            break;
    }
    if (reply->data != NULL)
        (void)send(connection->fd, reply->data, reply->size, MSG_NOSIGNAL);
    if (reply->path == NULL || reply->hang_up) {
        (void)close(connection->fd);
        connection->fd = -1;
    }
}

static inline void server_receive(struct server *server, struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->request + connection->size,
                       SERVER_REQUEST - 1 - connection->size, 0);
    if (got <= 0) {
        (void)close(connection->fd);
        connection->fd = -1;
        return;
    }
    connection->size += (size_t)got;
    connection->request[connection->size] = '\0';
    server_answer(server, connection);
}

static inline void server_accept(struct server *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; i < SERVER_CONNECTIONS && fd >= 0; i++) {
        if (server->connections[i].fd < 0) {
            server->connections[i] = (struct connection){.fd = fd};
            atomic_fetch_add(&server->accepted, 1);
            return;
        }
    }
    (void)close(fd);
}

static inline void *server_run(void *argument)
{
    struct server *server = argument;
    for (;;) {
        struct pollfd fds[SERVER_CONNECTIONS + 2];
        for (size_t i = 0; i < SERVER_CONNECTIONS; i++)
            fds[i] = (struct pollfd){.fd = server->connections[i].fd, .events = POLLIN};
        fds[SERVER_CONNECTIONS] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
        fds[SERVER_CONNECTIONS + 1] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
        (void)poll(fds, SERVER_CONNECTIONS + 2, -1);
        if (fds[SERVER_CONNECTIONS + 1].revents != 0)
            return NULL;
        for (size_t i = 0; i < SERVER_CONNECTIONS; i++)
            if (fds[i].fd >= 0 && fds[i].revents != 0)
                server_receive(server, &server->connections[i]);
        if (fds[SERVER_CONNECTIONS].revents != 0)
            server_accept(server);
    }
}

static inline void server_start(struct server *server, const struct reply *replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->replies = replies;
    for (size_t i = 0; i < SERVER_CONNECTIONS; i++)
        server->connections[i].fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->stop_fd >= 0 && server->listen_fd >= 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listen_fd, SERVER_CONNECTIONS), 0);
    assert_int_equal(getsockname(server->listen_fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static inline void server_stop(struct server *server)
{
    assert_int_equal(eventfd_write(server->stop_fd, 1), 0);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    for (size_t i = 0; i < SERVER_CONNECTIONS; i++)
        if (server->connections[i].fd >= 0)
            (void)close(server->connections[i].fd);
    (void)close(server->listen_fd);
    (void)close(server->stop_fd);
}

#endif
