/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open connections of a server, and the deadline that each of them has: libmicrohttpd itself
 * only ends those on which nothing moves, and a client that sends a byte now and then would stay
 * for ever.
 */
#ifndef SCB_WEB_CONNECTIONS_H
#define SCB_WEB_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

struct scb_web_connections;
struct scb_web_connection;

/* Watches up to capacity connections, on a thread of its own. */
SCB_MUST_CHECK enum scb_status scb_web_connections_new(size_t capacity, int64_t deadline_ms,
                                                       struct scb_web_connections **ret_connections,
                                                       struct scb_error *error);
/* All must have been closed. */
void scb_web_connections_free(struct scb_web_connections *connections);

/* A connection on this socket; NULL where there are too many: it has no deadline then. */
struct scb_web_connection *scb_web_connection_open(struct scb_web_connections *connections,
                                                   int socket);
/* How many there are that are like the one on this socket, itself included where it is. */
size_t scb_web_connections_like(struct scb_web_connections *connections, int socket,
                                bool (*is_like)(int socket, int other));
/* Before the socket is closed. The rest may be called with NULL. */
void scb_web_connection_close(struct scb_web_connections *connections,
                              struct scb_web_connection *connection);
/* The server works on an answer: the client is not to blame. */
void scb_web_connection_pause(struct scb_web_connections *connections,
                              struct scb_web_connection *connection);
/* It is the client's turn, and its deadline begins again. */
void scb_web_connection_resume(struct scb_web_connections *connections,
                               struct scb_web_connection *connection);

#endif
