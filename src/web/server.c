/* SPDX-License-Identifier: Apache-2.0 */
#include "web/server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/memory.h"
#include "web/connections.h"
#include "web/local.h"
#include "web/reply.h"
#include "web/socket.h"

enum { STACK_SIZE = 512 * 1024 };

struct scb_web_server {
    struct scb_web_server_settings settings;
    struct MHD_Daemon *daemon, *local_daemon; /* NULL where there is none */
    struct scb_web_local *local;
    struct scb_web_connections *connections;
    pthread_mutex_t keys_lock;
    struct scb_web_keys *keys; /* NULL without TLS */
    bool is_loopback, is_tls;  /* as it started */
};

/* A request on its way in. */
struct exchange {
    char *target;
    struct scb_buffer body;
    size_t received;
    bool begun;
};

/* A connection, as long as it is open. */
struct link {
    struct scb_web_connection *deadline;
    struct scb_web_keys *keys; /* NULL without TLS */
};

/* The present ones, to be released. */
static struct scb_web_keys *hold_keys(struct scb_web_server *server)
{
    pthread_mutex_lock(&server->keys_lock);
    struct scb_web_keys *keys = scb_web_keys_hold(server->keys);
    pthread_mutex_unlock(&server->keys_lock);
    return keys;
}

static struct scb_web_connection *deadline_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *context =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct link *link = context->socket_context;
    return link == NULL ? NULL : link->deadline;
}

/* --- a request comes in --- */

static void *on_target(void *state, const char *target, struct MHD_Connection *connection)
{
    (void)state;
    (void)connection;
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        return NULL;
    exchange->body.max = SCB_WEB_MAX_BODY;
    exchange->target = strdup(target);
    return exchange;
}

static void on_completed(void *state, struct MHD_Connection *connection, void **exchange_slot,
                         enum MHD_RequestTerminationCode code)
{
    struct scb_web_server *server = state;
    struct exchange *exchange = *exchange_slot;
    (void)code;
    scb_web_connection_resume(server->connections, deadline_of(connection));
    if (exchange == NULL)
        return;
    scb_buffer_free(&exchange->body);
    free(exchange->target);
    free(exchange);
    *exchange_slot = NULL;
}

static void open_link(struct scb_web_server *server, struct MHD_Connection *connection,
                      struct link *link)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    link->deadline = scb_web_connection_open(server->connections, info->connect_fd);
    /* One user cannot keep the others out. */
    if (scb_web_connections_like(server->connections, info->connect_fd, scb_web_local_same_user) >
        SCB_WEB_MAX_PER_USER)
        (void)shutdown(info->connect_fd, SHUT_RDWR);
    link->keys = hold_keys(server);
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (link->keys != NULL && info != NULL)
        scb_web_keys_use(link->keys, info->tls_session);
}

/* One for which there is no memory has no deadline, and the certificate of the start. */
static void on_connection(void *state, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct scb_web_server *server = state;
    struct link *link = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = link = calloc(1, sizeof(*link));
        if (link != NULL)
            open_link(server, connection, link);
    } else if (link != NULL) {
        scb_web_connection_close(server->connections, link->deadline);
        scb_web_keys_release(link->keys);
        free(link);
    }
}

/* What is over the limit is let pass unseen, as far as that is not endless. */
static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t size)
{
    struct scb_error none = {0};
    exchange->received += size;
    if (exchange->received > 64 * (size_t)SCB_WEB_MAX_BODY)
        return MHD_NO;
    if (exchange->received > SCB_WEB_MAX_BODY) {
        scb_buffer_free(&exchange->body);
        return MHD_YES;
    }
    return scb_buffer_append(&exchange->body, data, size, &none) == SCB_OK ? MHD_YES : MHD_NO;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool declares_too_much(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length != NULL && strtoull(length, NULL, 10) > SCB_WEB_MAX_BODY;
}

static void take_address(struct MHD_Connection *connection, uint8_t ret_address[16])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    memset(ret_address, 0, 16);
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memset(ret_address + 10, 0xff, 2);
        memcpy(ret_address + 12, &in.sin_addr, 4);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        memcpy(ret_address, &in6.sin6_addr, 16);
    }
}

static void take_request(struct scb_web_server *server, struct MHD_Connection *connection,
                         struct scb_web_request *request)
{
    request->host = header(connection, MHD_HTTP_HEADER_HOST);
    request->origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
    request->fetch_site = header(connection, "Sec-Fetch-Site");
    request->accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
    request->authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    request->content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (scb_web_local_peer(fd->connect_fd, &request->peer, request->address))
        return;
    take_address(connection, request->address);
    struct scb_web_keys *keys = hold_keys(server);
    request->tls = keys != NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (keys != NULL && info != NULL)
        scb_web_peer_find(info->tls_session, scb_web_keys_clients(keys), &request->peer);
    scb_web_keys_release(keys);
}

/* --- it is answered --- */

static enum MHD_Result answer(struct scb_web_server *server, struct MHD_Connection *connection,
                              const struct exchange *exchange, struct scb_web_request *request)
{
    struct scb_web_connection *deadline = deadline_of(connection);
    struct scb_web_reply reply = {.body = {.max = SCB_WEB_MAX_REPLY}};
    request->target = exchange->target;
    request->body = scb_buffer_bytes(&exchange->body);
    take_request(server, connection, request);
    scb_web_connection_pause(server->connections, deadline);
    server->settings.answer(server->settings.state, request, &reply);
    scb_web_connection_resume(server->connections, deadline);
    return scb_web_reply_send(&reply, connection);
}

static enum MHD_Result on_request(void *state, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **exchange_slot)
{
    struct scb_web_server *server = state;
    struct exchange *exchange = *exchange_slot;
    struct scb_web_request request = {.method = method};
    (void)url;
    (void)version;
    if (exchange == NULL || exchange->target == NULL)
        return MHD_NO;
    if (!exchange->begun) {
        exchange->begun = true;
        request.body_too_large = declares_too_much(connection);
        return request.body_too_large ? answer(server, connection, exchange, &request) : MHD_YES;
    }
    if (*data_size > 0) {
        size_t size = *data_size;
        *data_size = 0;
        return take_body(exchange, data, size);
    }
    request.body_too_large = exchange->received > SCB_WEB_MAX_BODY;
    return answer(server, connection, exchange, &request);
}

/* --- the server --- */

/* No path of ours needs an escape: text is taken as it came. */
static size_t leave_escapes(void *state, struct MHD_Connection *connection, char *text)
{
    (void)state;
    (void)connection;
    return strlen(text);
}

SCB_PRINTF(2, 0)
static void on_message(void *state, const char *format, va_list arguments)
{
    const struct scb_web_server *server = state;
    char text[256];
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    scb_log_debug(server->settings.log, "HTTP", SCB_TEXT("note", text));
}

/* Serves what comes to fd, which is the daemon's then; keys is NULL for no TLS. */
static enum scb_status start_daemon(struct scb_web_server *server, int fd, unsigned connections,
                                    const struct scb_web_keys *keys, struct MHD_Daemon **ret_daemon,
                                    struct scb_error *error)
{
    bool tls = keys != NULL;
    const struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)scb_web_keys_cert_pem(keys)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)scb_web_keys_key_pem(keys)},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    sigset_t all, before;
    (void)sigfillset(&all); /* signals are the main thread's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    *ret_daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_message, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)SCB_WEB_MAX_PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SCB_WEB_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)SCB_WEB_MAX_HEADERS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY,
        tls ? tls_options : none, MHD_OPTION_END);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (*ret_daemon != NULL)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "HTTP server on %s not started",
                  connections == SCB_WEB_MAX_LOCAL ? server->settings.socket_path
                                                   : server->settings.listen);
    return scb_error_hint(error, "--log-level debug says more");
}

static void say_where(const struct scb_web_server *server, int fd)
{
    char url[SCB_WEB_URL_SIZE];
    scb_web_socket_url(fd, server->is_tls, url);
    scb_log_info(server->settings.log, "HTTP server started", SCB_TEXT("url", url));
    if (!scb_web_server_is_private(server))
        scb_log_warn(server->settings.log,
                     "HTTP without TLS on an address of other machines: only monitoring is served",
                     SCB_TEXT("paths", "/metrics /healthz /readyz"));
}

static enum scb_status start_tcp(struct scb_web_server *server, struct scb_error *error)
{
    const struct scb_web_server_settings *settings = &server->settings;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_web_keys_load(&settings->files, &server->keys, error);
    server->is_tls = server->keys != NULL;
    if (status == SCB_OK)
        status = scb_web_socket_open(settings->listen, &fd, &server->is_loopback, error);
    if (status == SCB_OK)
        status =
            start_daemon(server, fd, SCB_WEB_MAX_CONNECTIONS, server->keys, &server->daemon, error);
    if (status != SCB_OK)
        return status;
    say_where(server, fd);
    fd = -1; /* the daemon's now */
    return SCB_OK;
}

static enum scb_status start_local(struct scb_web_server *server, struct scb_error *error)
{
    const struct scb_web_server_settings *settings = &server->settings;
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_web_local_open(settings->socket_path, &server->local, &fd, error);
    if (status == SCB_OK)
        status = start_daemon(server, fd, SCB_WEB_MAX_LOCAL, NULL, &server->local_daemon, error);
    if (status != SCB_OK)
        return status;
    scb_log_info(settings->log, "Unix socket served", SCB_TEXT("path", settings->socket_path));
    fd = -1;
    return SCB_OK;
}

static enum scb_status start(struct scb_web_server *server, struct scb_error *error)
{
    enum scb_status status =
        scb_web_connections_new(SCB_WEB_MAX_CONNECTIONS + SCB_WEB_MAX_LOCAL, SCB_WEB_DEADLINE_MS,
                                &server->connections, error);
    if (status == SCB_OK && server->settings.listen[0] != '\0')
        status = start_tcp(server, error);
    if (status == SCB_OK && server->settings.socket_path[0] != '\0')
        status = start_local(server, error);
    return status;
}

enum scb_status scb_web_server_start(const struct scb_web_server_settings *settings,
                                     struct scb_web_server **ret_server, struct scb_error *error)
{
    struct scb_web_server *server = scb_alloc(1, sizeof(*server), error);
    if (server == NULL)
        return SCB_ERROR_RESOURCE;
    server->settings = *settings;
    pthread_mutex_init(&server->keys_lock, NULL);
    enum scb_status status = start(server, error);
    if (status != SCB_OK) {
        scb_web_server_stop(server);
        return status;
    }
    *ret_server = server;
    return SCB_OK;
}

enum scb_status scb_web_server_renew(struct scb_web_server *server,
                                     const struct scb_web_key_files *files, bool *ret_changed,
                                     struct scb_error *error)
{
    struct scb_web_keys *keys = NULL;
    *ret_changed = false;
    if (server->keys == NULL) /* it takes a restart */
        return SCB_OK;
    enum scb_status status = scb_web_keys_load(files, &keys, error);
    *ret_changed = keys != NULL && !scb_web_keys_same(keys, server->keys);
    if (*ret_changed) {
        struct scb_web_keys *old = server->keys;
        pthread_mutex_lock(&server->keys_lock);
        server->keys = keys;
        pthread_mutex_unlock(&server->keys_lock);
        keys = old;
    }
    scb_web_keys_release(keys);
    return status;
}

void scb_web_server_stop(struct scb_web_server *server)
{
    if (server == NULL)
        return;
    scb_web_local_close(server->local);
    if (server->local_daemon != NULL)
        MHD_stop_daemon(server->local_daemon);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    scb_web_connections_free(server->connections);
    scb_web_keys_release(server->keys);
    pthread_mutex_destroy(&server->keys_lock);
    free(server);
}

bool scb_web_server_has_name(struct scb_web_server *server, const char *name)
{
    struct scb_web_keys *keys = hold_keys(server);
    bool own = keys != NULL && scb_web_certs_are_for(scb_web_keys_own(keys), name);
    scb_web_keys_release(keys);
    if (own)
        return true;
    return server->is_loopback ? scb_web_host_is_loopback(name) : scb_web_host_is_address(name);
}

bool scb_web_server_is_loopback(const struct scb_web_server *server)
{
    return server->is_loopback;
}

bool scb_web_server_is_private(const struct scb_web_server *server)
{
    return server->is_loopback || server->is_tls;
}
