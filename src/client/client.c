/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/socket_place.h"
#include "client/records.h"
#include "net/http.h"

enum {
    MAX_ANSWER = 16 * 1024 * 1024,
    TIMEOUT_MS = 120000, /* a slow disk's plan of a cleanup, say */
    TOO_MANY = 429,
    MOST_WAITS = 100, /* for a service that is asked too much */
};

struct scb_client {
    struct scb_socket_place place;
    char *path;
    const struct scb_cancel *cancel;
    struct scb_http *http;
};

void scb_json_cleanup(json_t **value)
{
    json_decref(*value);
}

static enum scb_status not_reached(const char *path, int errnum, struct scb_error *error)
{
    enum scb_status status = SCB_ERROR_FILE;
    if (errnum == ENOENT || errnum == ECONNREFUSED || errnum == ENOTDIR || errnum == ENOTSOCK)
        status = SCB_ERROR_NOT_FOUND;
    if (errnum == EACCES || errnum == EPERM)
        status = SCB_ERROR_ACCESS;
    return scb_error_set_errno(error, status, errnum, "the service's socket %s", path);
}

/* Whether anybody is there shows now, not in the middle of what is asked. */
static enum scb_status probe(const struct scb_client *client, struct scb_error *error)
{
    const struct sockaddr_un *address = &client->place.address;
    SCB_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno, "no socket");
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return SCB_OK;
    return not_reached(client->path, errno, error);
}

enum scb_status scb_client_open(const char *path, const struct scb_cancel *cancel,
                                struct scb_client **ret_client, struct scb_error *error)
{
    struct scb_client *client = scb_alloc(1, sizeof(*client), error);
    if (client == NULL)
        return SCB_ERROR_RESOURCE;
    client->place.dir_fd = -1;
    client->cancel = cancel;
    client->path = scb_strdup(path, error);
    enum scb_status status = client->path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    if (status == SCB_OK)
        status = scb_socket_place_open(path, false, &client->place, error);
    if (status == SCB_OK)
        status = probe(client, error);
    if (status == SCB_OK)
        status = scb_http_new(1, NULL, &client->http, error);
    if (status == SCB_OK)
        status = scb_http_use_socket(client->http, client->place.address.sun_path, error);
    if (status != SCB_OK) {
        scb_client_free(client);
        return status;
    }
    *ret_client = client;
    return SCB_OK;
}

void scb_client_free(struct scb_client *client)
{
    if (client == NULL)
        return;
    scb_http_free(client->http);
    scb_socket_place_close(&client->place);
    free(client->path);
    free(client);
}

/* --- one request --- */

struct exchange {
    struct scb_http_request request; /* first: it is found by it */
    struct scb_http_result result;
    struct scb_buffer body;
    bool ended;
};

static bool take_body(struct scb_http_request *request, const void *data, size_t size)
{
    struct exchange *exchange = (struct exchange *)(void *)request;
    return scb_buffer_append(&exchange->body, data, size, NULL) == SCB_OK;
}

static void note_end(struct scb_http_request *request, const struct scb_http_result *result)
{
    struct exchange *exchange = (struct exchange *)(void *)request;
    exchange->result = *result;
    exchange->ended = true;
}

static enum scb_status canceled(struct scb_error *error)
{
    return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
}

static enum scb_status exchange_once(struct scb_client *client, struct exchange *exchange,
                                     struct scb_error *error)
{
    enum scb_status status = scb_http_start(client->http, &exchange->request, error);
    if (status != SCB_OK)
        return status;
    while (!exchange->ended) {
        status = scb_http_run(client->http, 1000, scb_cancel_fd(client->cancel), error);
        if (status == SCB_OK && !exchange->ended && scb_cancel_requested(client->cancel))
            status = canceled(error);
        if (status != SCB_OK && !exchange->ended)
            scb_http_abort(client->http, &exchange->request);
    }
    if (status != SCB_OK || exchange->result.answered)
        return status;
    (void)scb_error_set(error, SCB_ERROR_FILE, "the service at %s has not answered: %s",
                        client->path, exchange->result.failure);
    return scb_error_hint(error, "its log may say why");
}

static enum scb_status read_answer(const struct scb_client *client, const struct exchange *exchange,
                                   json_t **ret_answer, struct scb_error *error)
{
    SCB_AUTO(json) json_t *answer = NULL;
    enum scb_status status = scb_json_load(scb_buffer_bytes(&exchange->body), &answer, error);
    if (status != SCB_OK)
        return status;
    if (!json_is_object(answer))
        return scb_error_set(error, SCB_ERROR_INTEGRITY,
                             "what answers at %s (HTTP %ld) is no service of satellite",
                             client->path, exchange->result.status);
    bool is_problem = json_is_string(json_object_get(answer, "detail")); /* /readyz's 503 is none */
    if (exchange->result.status >= 300 && is_problem)
        return scb_client_problem(answer, error);
    *ret_answer = SCB_TAKE(answer);
    return SCB_OK;
}

enum scb_status scb_client_ask(struct scb_client *client, const char *target, const char *body,
                               json_t **ret_answer, struct scb_error *error)
{
    SCB_AUTO(string) char *url = scb_format(error, "http://localhost%s", target);
    if (url == NULL)
        return SCB_ERROR_RESOURCE;
    for (int waits = 0;; waits++) {
        struct exchange exchange = {.request = {.url = url,
                                                .body = body,
                                                .body_size = body == NULL ? 0 : strlen(body),
                                                .timeout_ms = TIMEOUT_MS,
                                                .take_body = take_body,
                                                .finished = note_end},
                                    .body = {.max = MAX_ANSWER}};
        enum scb_status status = exchange_once(client, &exchange, error);
        bool again = status == SCB_OK && exchange.result.status == TOO_MANY && waits < MOST_WAITS;
        if (status == SCB_OK && !again)
            status = read_answer(client, &exchange, ret_answer, error);
        int64_t wait_ms = exchange.result.retry_after_ms;
        scb_buffer_free(&exchange.body);
        if (again)
            status = scb_client_wait(client, wait_ms < 1000 ? 1000 : wait_ms, error);
        if (!again || status != SCB_OK)
            return status;
    }
}

enum scb_status scb_client_wait(const struct scb_client *client, int64_t ms,
                                struct scb_error *error)
{
    return scb_cancel_sleep(client->cancel, ms) ? canceled(error) : SCB_OK;
}
