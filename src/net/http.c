/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    RECEIVE_BUFFER = 128 * 1024, /* fewer system calls for pages of some 100 KB */
    MAX_HEADERS = 256 * 1024,    /* bytes of one response, 1xx and trailers too; curl keeps them */
};

struct scb_http {
    CURLM *multi;
    struct curl_slist *headers;
    CURL **idle; /* handles to use again: they keep their options */
    size_t idle_count;
    size_t max_requests;
    char *ca_file;     /* NULL: the system's */
    char *socket_path; /* NULL: the network */
};

static void initialise_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* No memory, or more descriptors than the process may have: what curl meets here is never the
 * other side's doing. */
static enum scb_status broken(CURLMcode code, struct scb_error *error)
{
    if (code == CURLM_UNRECOVERABLE_POLL)
        (void)scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno, "the HTTP client cannot go on");
    else
        (void)scb_error_set(error, SCB_ERROR_RESOURCE, "the HTTP client cannot go on: %s",
                            curl_multi_strerror(code));
    if (error != NULL)
        error->retryable = true;
    (void)scb_error_hint(error, "it needs memory and descriptors: see ulimit -n");
    return SCB_ERROR_RESOURCE;
}

/* curl would say so of every request, as if the other side were wrong. */
static enum scb_status set_ca_file(struct scb_http *http, const char *ca_file,
                                   struct scb_error *error)
{
    if (ca_file == NULL || ca_file[0] == '\0')
        return SCB_OK;
    if (access(ca_file, R_OK) != 0) {
        (void)scb_error_set_errno(error, SCB_ERROR_VALIDATION, errno,
                                  "CA certificates '%s' not opened", ca_file);
        (void)scb_error_hint(error, "check the setting ca_file and who may read that file");
        return SCB_ERROR_VALIDATION;
    }
    http->ca_file = scb_strdup(ca_file, error);
    return http->ca_file == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

enum scb_status scb_http_new(size_t max_requests, const char *ca_file, struct scb_http **ret_http,
                             struct scb_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, initialise_curl);
    struct scb_http *http = scb_alloc(1, sizeof(*http), error);
    if (http == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = set_ca_file(http, ca_file, error);
    if (status != SCB_OK) {
        scb_http_free(http);
        return status;
    }
    http->max_requests = max_requests;
    http->idle = scb_alloc(max_requests, sizeof(CURL *), error);
    http->multi = curl_multi_init();
    http->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (http->headers != NULL) /* no "Expect: 100-continue": a wasted round trip */
        (void)curl_slist_append(http->headers, "Expect:");
    if (http->idle == NULL || http->multi == NULL || http->headers == NULL) {
        scb_http_free(http);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for the HTTP client");
    }
    /* Without a descriptor for it curl goes on, but nobody could wake it. */
    CURLMcode wakes = curl_multi_wakeup(http->multi);
    if (wakes != CURLM_OK) {
        scb_http_free(http);
        return broken(wakes, error);
    }
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)max_requests + 4);
    *ret_http = http;
    return SCB_OK;
}

void scb_http_free(struct scb_http *http)
{
    if (http == NULL)
        return;
    for (size_t i = 0; http->idle != NULL && i < http->idle_count; i++)
        curl_easy_cleanup(http->idle[i]);
    if (http->multi != NULL)
        (void)curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    free(http->idle);
    free(http->ca_file);
    free(http->socket_path);
    free(http);
}

enum scb_status scb_http_use_socket(struct scb_http *http, const char *path,
                                    struct scb_error *error)
{
    http->socket_path = scb_strdup(path, error);
    return http->socket_path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

static size_t take_body(char *data, size_t size, size_t count, void *state)
{
    struct scb_http_request *request = state;
    return request->take_body(request, data, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

static size_t take_header(char *data, size_t size, size_t count, void *state)
{
    struct scb_http_request *request = state;
    (void)data;
    request->header_bytes += size * count;
    return request->header_bytes <= MAX_HEADERS ? size * count : 0;
}

static CURL *new_handle(struct scb_http *http)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (http->ca_file != NULL) { /* and none beside it */
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (http->socket_path != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "satellite/" SCB_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* Ctrl-C waits for no name server */
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    return easy;
}

/* A handle that is used again has the last request's. */
static bool set_headers(const struct scb_http *http, struct scb_http_request *request, CURL *easy)
{
    struct curl_slist *own = NULL;
    if (request->header != NULL) {
        own = curl_slist_append(NULL, request->header);
        for (const struct curl_slist *one = http->headers; own != NULL && one != NULL;
             one = one->next) {
            struct curl_slist *longer = curl_slist_append(own, one->data);
            if (longer == NULL)
                curl_slist_free_all(own);
            own = longer;
        }
        if (own == NULL)
            return false;
    }
    request->headers = own;
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, own != NULL ? own : http->headers);
    return true;
}

enum scb_status scb_http_start(struct scb_http *http, struct scb_http_request *request,
                               struct scb_error *error)
{
    CURL *easy = http->idle_count > 0 ? http->idle[--http->idle_count] : new_handle(http);
    if (easy == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for an HTTP request");
    if (!set_headers(http, request, easy)) {
        curl_easy_cleanup(easy);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for an HTTP request");
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    (void)curl_easy_setopt(easy, request->body == NULL ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    request->header_bytes = 0;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    CURLMcode added = curl_multi_add_handle(http->multi, easy);
    if (added != CURLM_OK) {
        curl_easy_cleanup(easy);
        curl_slist_free_all(request->headers);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "HTTP request not started: %s",
                             curl_multi_strerror(added));
    }
    request->easy = easy;
    return SCB_OK;
}

static void finish(struct scb_http *http, struct scb_http_request *request,
                   struct scb_http_result *result)
{
    CURL *easy = request->easy;
    request->easy = NULL;
    (void)curl_multi_remove_handle(http->multi, easy);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    if (http->idle_count < http->max_requests)
        http->idle[http->idle_count++] = easy;
    else
        curl_easy_cleanup(easy);
    request->finished(request, result);
}

void scb_http_abort(struct scb_http *http, struct scb_http_request *request)
{
    struct scb_http_result result = {.failure = "aborted"};
    finish(http, request, &result);
}

static void finish_transfer(struct scb_http *http, CURL *easy, CURLcode code)
{
    char *private = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct scb_http_request *request = (void *)private;
    struct scb_http_result result = {.answered = code == CURLE_OK,
                                     .refused_by_caller = code == CURLE_WRITE_ERROR &&
                                                          request->header_bytes <= MAX_HEADERS};
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result.status);
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    enum { LONGEST_S = 24 * 3600 };
    if (retry_after_s > 0) /* a date that is over gives less */
        result.retry_after_ms = (retry_after_s < LONGEST_S ? retry_after_s : LONGEST_S) * 1000;
    if (code != CURLE_OK)
        (void)snprintf(result.failure, sizeof(result.failure), "%s",
                       request->header_bytes > MAX_HEADERS ? "Too many headers in the response"
                                                           : curl_easy_strerror(code));
    finish(http, request, &result);
}

enum scb_status scb_http_run(struct scb_http *http, int64_t timeout_ms, int watch_fd,
                             struct scb_error *error)
{
    struct curl_waitfd watch = {.fd = watch_fd, .events = CURL_WAIT_POLLIN};
    CURLMcode code =
        curl_multi_poll(http->multi, &watch, watch_fd < 0 ? 0 : 1, (int)timeout_ms, NULL);
    int running = 0;
    if (code == CURLM_OK)
        code = curl_multi_perform(http->multi, &running);
    if (code != CURLM_OK)
        return broken(code, error);
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(http->multi, &left); message != NULL;
         message = curl_multi_info_read(http->multi, &left))
        if (message->msg == CURLMSG_DONE)
            finish_transfer(http, message->easy_handle, message->data.result);
    return SCB_OK;
}

void scb_http_wake(struct scb_http *http)
{
    (void)curl_multi_wakeup(http->multi);
}
