/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: what is asked passes, in this order, the checks of its form, of where it comes from, of
 * its route, of the way it came, of how often, and of who asks; whatever fails there or in the
 * handler becomes one problem document.
 */
#include "web/web.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/socket_path.h"
#include "config/state_dir.h"
#include "web/access.h"
#include "web/call.h"
#include "web/kept.h"
#include "web/limits.h"
#include "web/problem.h"

static const struct scb_web_route routes[] = {
#define SCB_ROUTE(method, path, operation, kind, type, handler)                                    \
    {#method, path, SCB_OPERATION_##operation, SCB_WEB_##kind, type, scb_web_##handler},
#include "web/routes.def"
#undef SCB_ROUTE
};

struct scb_web {
    struct scb_desk desk;
    struct scb_web_server *server;
    struct scb_web_access *access;
    struct scb_web_limits *limits;
    char *state_dir, *socket_path;
    struct scb_web_kept kept[SCB_LENGTH(routes)]; /* of those that are OPEN */
};

struct scb_web_access *scb_web_access_of(const struct scb_web_call *call)
{
    return call->web->access;
}

/* --- the checks --- */

static enum scb_status fail(struct scb_web_call *call, unsigned status, struct scb_error *error,
                            const char *what)
{
    call->reply->status = status;
    return scb_error_set(error, SCB_ERROR_VALIDATION, "%s", what);
}

/* DNS rebinding: a page whose name was made to lead here asks for its own name. */
static enum scb_status check_host(struct scb_web_call *call, struct scb_error *error)
{
    char name[SCB_WEB_MAX_HOST];
    const char *host = call->request->host;
    if (host == NULL || !scb_web_host_name(host, name))
        return fail(call, 400, error, "the Host header is missing or none");
    if (call->request->peer.is_local ? scb_web_host_is_loopback(name)
                                     : scb_web_server_has_name(call->web->server, name))
        return SCB_OK;
    return fail(call, 421, error, "the Host header is not a name of this server");
}

/* Pages of other sites have no business with the API, whatever their browser would send along. */
static enum scb_status check_origin(struct scb_web_call *call, struct scb_error *error)
{
    const struct scb_web_request *request = call->request;
    const char *site = request->fetch_site;
    bool other_site = site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    bool other_origin = request->origin != NULL &&
                        !scb_web_same_origin(request->origin, request->host, request->tls);
    bool is_api = strncmp(call->target.path, "/api/", 5) == 0;
    if (!other_origin && !(other_site && is_api))
        return SCB_OK;
    return fail(call, 403, error, "this was asked by a page from elsewhere");
}

static void allow(struct scb_web_reply *reply, const char *method)
{
    size_t used = strlen(reply->allow);
    (void)snprintf(reply->allow + used, sizeof(reply->allow) - used, "%s%s", used > 0 ? ", " : "",
                   method);
    if (strcmp(method, "GET") == 0)
        allow(reply, "HEAD");
}

static enum scb_status find_route(struct scb_web_call *call, struct scb_error *error)
{
    const char *method = call->request->method;
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    bool found = false;
    for (size_t i = 0; i < SCB_LENGTH(routes) && call->route == NULL; i++) {
        if (!scb_web_path_matches(routes[i].path, call->target.path, call->segment))
            continue;
        found = true;
        if (strcmp(routes[i].method, wanted) == 0)
            call->route = &routes[i];
        else
            allow(call->reply, routes[i].method);
    }
    if (call->route != NULL) {
        call->reply->allow[0] = '\0';
        return SCB_OK;
    }
    if (found)
        return fail(call, 405, error, "this path does not take that method");
    call->reply->status = 404;
    scb_error_set(error, SCB_ERROR_NOT_FOUND, "there is nothing at %s", call->target.path);
    return scb_error_hint(error, "/api/v1/openapi.json lists what there is");
}

/* Tokens that anybody on the way could read are not even looked at. */
static enum scb_status check_way(struct scb_web_call *call, struct scb_error *error)
{
    if (call->route->kind == SCB_WEB_OPEN || call->request->peer.is_local ||
        scb_web_server_is_private(call->web->server))
        return SCB_OK;
    call->reply->status = 403;
    scb_error_set(
        error, SCB_ERROR_ACCESS,
        "%s takes TLS: the service listens on an address of other machines without it, and "
        "serves only /metrics, /healthz and /readyz there",
        call->target.path);
    return scb_error_hint(error, "set server.tls_cert_path and server.tls_key_path, or "
                                 "server.listen to 127.0.0.1");
}

static enum scb_status check_content(struct scb_web_call *call, struct scb_error *error)
{
    static const char json[] = "application/json";
    const struct scb_web_request *request = call->request;
    if (request->body_too_large)
        return fail(call, 413, error, "the body is over 16 KiB");
    if (request->body.size > 0 && (request->content_type == NULL ||
                                   strncasecmp(request->content_type, json, sizeof(json) - 1) != 0))
        return fail(call, 415, error, "the body is not application/json");
    if (call->route->type != NULL && !scb_web_accepts(request->accept, call->route->type))
        return fail(call, 406, error, "the Accept header does not allow what there is here");
    return SCB_OK;
}

static enum scb_status check_limit(struct scb_web_call *call, enum scb_web_limit limit,
                                   struct scb_error *error)
{
    int64_t now_ms = scb_clock_monotonic_ms(call->desk->clock);
    int64_t wait_s = scb_web_limits_take(call->web->limits, call->request->address, limit, now_ms);
    if (wait_s == 0)
        return SCB_OK;
    call->reply->retry_after_s = wait_s;
    call->reply->challenge = false;
    call->reply->status = 429;
    scb_error_set(error, SCB_ERROR_RESOURCE, "too many requests from one address");
    error->retryable = true;
    return error->status;
}

static enum scb_status check_limits(struct scb_web_call *call, struct scb_error *error)
{
    enum scb_web_kind kind = call->route->kind;
    if (kind == SCB_WEB_OPEN || kind == SCB_WEB_PAGE)
        return check_limit(call, SCB_WEB_LIMIT_OPEN, error);
    enum scb_status status = check_limit(call, SCB_WEB_LIMIT_REQUEST, error);
    return status == SCB_OK && kind == SCB_WEB_ORDER ? check_limit(call, SCB_WEB_LIMIT_ORDER, error)
                                                     : status;
}

static enum scb_status check_access(struct scb_web_call *call, struct scb_error *error)
{
    bool may_look = scb_web_server_is_loopback(call->web->server);
    struct scb_error refusal = {0};
    enum scb_status status = scb_web_access_identify(call->web->access, call, may_look, &refusal);
    if (status == SCB_OK && call->route->operation != SCB_OPERATION_NONE) {
        /* What is refused is audited: not as often as somebody likes. */
        if (call->is_known && call->role < scb_operation_of(call->route->operation)->role)
            status = check_limit(call, SCB_WEB_LIMIT_REFUSED, error);
        if (status != SCB_OK)
            return status;
        status = scb_web_access_check(call->web->access, call, &refusal);
    } else if (status == SCB_ERROR_ACCESS) {
        if (check_limit(call, SCB_WEB_LIMIT_REFUSED, error) != SCB_OK)
            return error->status;
        scb_web_access_note_refused(call->web->access, call);
    }
    if (status != SCB_OK)
        *error = refusal;
    return status;
}

static enum scb_status check(struct scb_web_call *call, struct scb_error *error)
{
    const struct scb_web_request *request = call->request;
    enum scb_status status = scb_web_target_parse(request->target, &call->target, error);
    if (status != SCB_OK) {
        call->reply->status = 400;
        return status;
    }
    status = check_host(call, error);
    if (status == SCB_OK)
        status = check_origin(call, error);
    if (status == SCB_OK)
        status = find_route(call, error);
    if (status == SCB_OK)
        status = check_way(call, error);
    if (status == SCB_OK)
        status = check_content(call, error);
    if (status == SCB_OK)
        status = check_limits(call, error);
    if (status != SCB_OK || call->route->kind == SCB_WEB_OPEN) /* whoever asks */
        return status;
    return check_access(call, error);
}

/* --- the answer --- */

static enum scb_status make_answer(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_web_reply *reply = call->reply;
    scb_json_begin(&call->json, &reply->body);
    reply->content_type = call->route->type;
    enum scb_status status = call->route->handle(call, error);
    if (status == SCB_OK && reply->fixed.data == NULL && !call->is_text) {
        status = scb_json_finish(&call->json, error);
        if (status == SCB_OK)
            status = scb_buffer_append_text(&reply->body, "\n", error);
    }
    if (status == SCB_OK && reply->status == 0)
        reply->status = 200;
    return status;
}

static enum scb_status handle(struct scb_web_call *call, struct scb_error *error)
{
    if (call->route->kind != SCB_WEB_OPEN)
        return make_answer(call, error);
    return scb_web_kept_answer(&call->web->kept[call->route - routes], call, make_answer, error);
}

/* One line for all of a while: how many there are is for whoever sends them to say. */
static void tell_refused(const struct scb_web_call *call, const struct scb_error *error)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *address = call->request->address;
    bool is_v4 = memcmp(address, mapped, sizeof(mapped)) == 0;
    char text[INET6_ADDRSTRLEN] = "";
    uint64_t count = scb_web_access_untold(call->web->access);
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? address + sizeof(mapped) : address, text,
                    sizeof(text));
    if (count > 0)
        scb_log_warn(call->desk->log, "HTTP request refused", SCB_TEXT("error", error->message),
                     SCB_TEXT("address", text), SCB_NUMBER("count", count));
}

static void answer(void *state, const struct scb_web_request *request, struct scb_web_reply *reply)
{
    struct scb_web *web = state;
    SCB_FILE_WATCHED(web->desk.watch);
    struct scb_web_call call = {.web = web, .desk = &web->desk, .request = request, .reply = reply};
    struct scb_error error = {0};
    pthread_rwlock_rdlock(web->desk.config_lock);
    enum scb_status status = check(&call, &error);
    if (status == SCB_OK)
        status = handle(&call, &error);
    pthread_rwlock_unlock(web->desk.config_lock);
    if (status == SCB_OK)
        return;
    scb_web_write_problem(reply, &error);
    if (reply->status == 401)
        tell_refused(&call, &error);
    if (reply->status >= 500)
        scb_log_failure(web->desk.log, "HTTP request failed", NULL, &error);
}

/* --- what handlers share --- */

enum scb_status scb_web_number(const struct scb_web_call *call, const char *name, uint64_t least,
                               uint64_t most, uint64_t otherwise, uint64_t *ret_number,
                               struct scb_error *error)
{
    uint64_t number = otherwise;
    const char *text = scb_web_target_param(&call->target, name);
    if (text != NULL && scb_text_parse_u64(text, &number, error) != SCB_OK)
        return scb_error_wrap(error, "%s", name);
    if (number < least || number > most)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "%s: %" PRIu64 " is not from %" PRIu64 " to %" PRIu64, name, number,
                             least, most);
    *ret_number = number;
    return SCB_OK;
}

enum scb_status scb_web_only(const struct scb_web_call *call, const char *const *names,
                             struct scb_error *error)
{
    for (size_t i = 0; i < call->target.param_count; i++) {
        const char *name = call->target.params[i].name;
        size_t at = 0;
        while (names[at] != NULL && strcmp(names[at], name) != 0)
            at++;
        if (names[at] == NULL)
            return scb_error_set(error, SCB_ERROR_VALIDATION,
                                 "the query has '%s', which is unknown", name);
    }
    return SCB_OK;
}

enum scb_status scb_web_date(const struct scb_web_call *call, struct scb_error *error)
{
    if (scb_backup_date_parse(call->segment, NULL, error) == SCB_OK)
        return SCB_OK;
    error->status = SCB_ERROR_NOT_FOUND;
    return error->status;
}

/* --- start and end --- */

static struct scb_web_key_files key_files(const struct scb_config *config)
{
    return (struct scb_web_key_files){.cert_path = scb_config_text(config, "server.tls_cert_path"),
                                      .key_path = scb_config_text(config, "server.tls_key_path"),
                                      .client_ca_path =
                                          scb_config_text(config, "server.tls_client_ca_path")};
}

enum scb_status scb_web_check(const struct scb_config *config, struct scb_error *error)
{
    struct scb_web_listen listen;
    struct scb_web_keys *keys = NULL;
    const struct scb_web_key_files files = key_files(config);
    const char *address = scb_config_text(config, "server.listen");
    if (address[0] == '\0')
        return SCB_OK;
    enum scb_status status = scb_web_listen_parse(address, &listen, error);
    if (status == SCB_OK)
        status = scb_web_keys_load(&files, &keys, error);
    scb_web_keys_release(keys);
    return status;
}

static enum scb_status start(struct scb_web *web, struct scb_error *error)
{
    const struct scb_config *config = web->desk.config;
    const struct scb_web_server_settings settings = {.listen =
                                                         scb_config_text(config, "server.listen"),
                                                     .socket_path = web->socket_path,
                                                     .files = key_files(config),
                                                     .log = web->desk.log,
                                                     .answer = answer,
                                                     .state = web};
    web->state_dir = scb_config_state_dir(config, error);
    if (web->state_dir == NULL)
        return error->status;
    enum scb_status status = scb_web_limits_new(&web->limits, error);
    if (status == SCB_OK)
        status = scb_web_access_new(web->desk.gate, web->state_dir, web->desk.clock, &web->access,
                                    error);
    if (status == SCB_OK)
        status = scb_web_server_start(&settings, &web->server, error);
    return status;
}

enum scb_status scb_web_start(const struct scb_desk *desk, struct scb_web **ret_web,
                              struct scb_error *error)
{
    const struct scb_config *config = desk->config;
    SCB_AUTO(string)
    char *socket_path = scb_config_socket_path(config, getenv("RUNTIME_DIRECTORY"), error);
    if (socket_path == NULL)
        return error->status;
    if (socket_path[0] == '\0' && scb_config_text(config, "server.listen")[0] == '\0')
        return SCB_OK;
    struct scb_web *web = scb_alloc(1, sizeof(*web), error);
    if (web == NULL)
        return SCB_ERROR_RESOURCE;
    web->desk = *desk;
    web->socket_path = SCB_TAKE(socket_path);
    for (size_t i = 0; i < SCB_LENGTH(routes); i++)
        scb_web_kept_init(&web->kept[i]);
    pthread_rwlock_wrlock(desk->config_lock); /* no answer before all of web is there */
    enum scb_status status = start(web, error);
    pthread_rwlock_unlock(desk->config_lock);
    if (status != SCB_OK) {
        scb_web_stop(web);
        return status;
    }
    *ret_web = web;
    return SCB_OK;
}

void scb_web_reload(void *state)
{
    struct scb_web *web = state;
    struct scb_error error = {0};
    bool changed = false;
    if (web == NULL)
        return;
    const struct scb_web_key_files files = key_files(web->desk.config);
    if (scb_web_server_renew(web->server, &files, &changed, &error) != SCB_OK)
        scb_log_failure(web->desk.log, "TLS certificate not taken over, the old one stays", NULL,
                        &error);
    else if (changed)
        scb_log_info(web->desk.log, "TLS certificate changed", SCB_TEXT("path", files.cert_path));
}

void scb_web_stop(struct scb_web *web)
{
    if (web == NULL)
        return;
    scb_web_server_stop(web->server);
    scb_web_access_free(web->access);
    scb_web_limits_free(web->limits);
    for (size_t i = 0; i < SCB_LENGTH(routes); i++)
        scb_web_kept_free(&web->kept[i]);
    free(web->state_dir);
    free(web->socket_path);
    free(web);
}
