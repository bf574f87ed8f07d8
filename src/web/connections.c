/* SPDX-License-Identifier: Apache-2.0 */
#include "web/connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

enum { LOOK_MS = 1000 };

struct scb_web_connection {
    int socket;       /* -1: not in use */
    int64_t since_ms; /* since when the client's turn is; 0: it is not */
};

struct scb_web_connections {
    pthread_mutex_t lock;
    pthread_t thread;
    struct scb_cancel *stop;
    int64_t deadline_ms;
    size_t capacity;
    struct scb_web_connection list[];
};

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

/* The socket stays open until its owner closes it, so that its number is not another's. */
static void end_late(struct scb_web_connections *connections)
{
    int64_t now = now_ms();
    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < connections->capacity; i++) {
        struct scb_web_connection *connection = &connections->list[i];
        if (connection->socket >= 0 && connection->since_ms != 0 &&
            now - connection->since_ms > connections->deadline_ms)
            (void)shutdown(connection->socket, SHUT_RDWR);
    }
    pthread_mutex_unlock(&connections->lock);
}

static void *watch(void *argument)
{
    struct scb_web_connections *connections = argument;
    int64_t look_ms = connections->deadline_ms < LOOK_MS ? connections->deadline_ms : LOOK_MS;
    while (!scb_cancel_sleep(connections->stop, look_ms))
        end_late(connections);
    return NULL;
}

enum scb_status scb_web_connections_new(size_t capacity, int64_t deadline_ms,
                                        struct scb_web_connections **ret_connections,
                                        struct scb_error *error)
{
    struct scb_web_connections *connections =
        scb_alloc(1, sizeof(*connections) + capacity * sizeof(struct scb_web_connection), error);
    if (connections == NULL)
        return SCB_ERROR_RESOURCE;
    connections->capacity = capacity;
    connections->deadline_ms = deadline_ms;
    for (size_t i = 0; i < capacity; i++)
        connections->list[i].socket = -1;
    pthread_mutex_init(&connections->lock, NULL);
    enum scb_status status = scb_cancel_new(&connections->stop, error);
    if (status == SCB_OK)
        status = scb_thread_start(&connections->thread, "web-deadlines", watch, connections, error);
    if (status != SCB_OK) {
        scb_cancel_free(connections->stop);
        free(connections);
        return status;
    }
    *ret_connections = connections;
    return SCB_OK;
}

void scb_web_connections_free(struct scb_web_connections *connections)
{
    if (connections == NULL)
        return;
    scb_cancel_request(connections->stop);
    (void)pthread_join(connections->thread, NULL);
    scb_cancel_free(connections->stop);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

struct scb_web_connection *scb_web_connection_open(struct scb_web_connections *connections,
                                                   int socket)
{
    struct scb_web_connection *found = NULL;
    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < connections->capacity && found == NULL; i++)
        if (connections->list[i].socket < 0)
            found = &connections->list[i];
    if (found != NULL)
        *found = (struct scb_web_connection){.socket = socket, .since_ms = now_ms()};
    pthread_mutex_unlock(&connections->lock);
    return found;
}

size_t scb_web_connections_like(struct scb_web_connections *connections, int socket,
                                bool (*is_like)(int socket, int other))
{
    size_t count = 0;
    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < connections->capacity; i++) {
        int other = connections->list[i].socket;
        count += other >= 0 && is_like(socket, other);
    }
    pthread_mutex_unlock(&connections->lock);
    return count;
}

static void set(struct scb_web_connections *connections, struct scb_web_connection *connection,
                int64_t since_ms)
{
    if (connection == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    connection->since_ms = since_ms;
    pthread_mutex_unlock(&connections->lock);
}

void scb_web_connection_close(struct scb_web_connections *connections,
                              struct scb_web_connection *connection)
{
    if (connection == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    connection->socket = -1;
    pthread_mutex_unlock(&connections->lock);
}

void scb_web_connection_pause(struct scb_web_connections *connections,
                              struct scb_web_connection *connection)
{
    set(connections, connection, 0);
}

void scb_web_connection_resume(struct scb_web_connections *connections,
                               struct scb_web_connection *connection)
{
    set(connections, connection, now_ms());
}
