/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server as such: one listening address, with or without TLS, and a Unix socket; its
 * limits of size, time and number; HTTP itself is libmicrohttpd's. What is answered is its user's
 * (web.c).
 *
 * A thread per connection, so that one that waits for the disk or for a slow client holds nobody
 * up. Connections are few and each has a deadline, whatever the client does (connections.c).
 */
#ifndef SCB_WEB_SERVER_H
#define SCB_WEB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/log.h"
#include "web/keys.h"
#include "web/target.h"

enum {
    SCB_WEB_MAX_CONNECTIONS = 64,
    SCB_WEB_MAX_PER_ADDRESS = 48,
    SCB_WEB_MAX_LOCAL = 32, /* over the Unix socket, */
    SCB_WEB_MAX_PER_USER = 16,
    SCB_WEB_MAX_HEADERS = 16 * 1024, /* bytes, more is 431 */
    SCB_WEB_MAX_BODY = 16 * 1024,    /* bytes, more is 413 */
    SCB_WEB_MAX_REPLY = 256 * 1024,  /* of each connection: 24 MiB of all */
    SCB_WEB_IDLE_S = 15,             /* a connection on which nothing moves */
    SCB_WEB_DEADLINE_MS = 30000,     /* to receive a request, and again to send its answer */
};

/* A request that has come whole. Texts are borrowed, NULL where there is no such header. */
struct scb_web_request {
    const char *method, *target;
    const char *host, *origin, *fetch_site, *accept, *authorization, *content_type;
    struct scb_bytes body;
    bool body_too_large; /* then body is empty */
    bool tls;
    uint8_t address[16]; /* of the client; IPv4 mapped into IPv6 */
    struct scb_web_peer peer;
};

/* What is answered. Zeroed but for body.max when the user gets it. */
struct scb_web_reply {
    unsigned status;
    const char *content_type;
    struct scb_buffer body;
    struct scb_bytes fixed; /* instead of body; must stay */
    bool is_page;           /* a browser may run and show what comes from here, nothing else */
    bool challenge;         /* WWW-Authenticate: Bearer */
    char allow[32];
    char location[128];
    int64_t retry_after_s;
};

struct scb_web_server_settings {
    const char *listen;             /* server.listen; "" for none */
    const char *socket_path;        /* of the Unix socket; "" for none */
    struct scb_web_key_files files; /* read at the start only */
    struct scb_log *log;
    /* Called on the connection's thread, several at a time. */
    void (*answer)(void *state, const struct scb_web_request *request, struct scb_web_reply *reply);
    void *state;
};

struct scb_web_server;

/*
 * Serves from now on. ValidationError for an address of other machines without TLS, for a key
 * without a certificate, and for files that are none; FileSystemError where the address is taken.
 */
SCB_MUST_CHECK enum scb_status scb_web_server_start(const struct scb_web_server_settings *settings,
                                                    struct scb_web_server **ret_server,
                                                    struct scb_error *error);
/*
 * Reads the files of its TLS anew; connections that begin from here on have what is in them, where
 * that is another. Where they are none all stays, with the error. TLS is neither begun nor ended.
 */
SCB_MUST_CHECK enum scb_status scb_web_server_renew(struct scb_web_server *server,
                                                    const struct scb_web_key_files *files,
                                                    bool *ret_changed, struct scb_error *error);
/* Waits for the answers that are being made. */
void scb_web_server_stop(struct scb_web_server *server);

/* Whether a name in a Host header is this server's: no other site's page is to reach it under its
 * own name (DNS rebinding). Loopback names, on other addresses any address and what the certificate
 * is for. */
bool scb_web_server_has_name(struct scb_web_server *server, const char *name);
/* Whether only this machine reaches it. */
bool scb_web_server_is_loopback(const struct scb_web_server *server);
/* Whether nobody on the way can read along: TLS, or no way. */
bool scb_web_server_is_private(const struct scb_web_server *server);

#endif
