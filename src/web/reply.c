/* SPDX-License-Identifier: Apache-2.0 */
#include "web/reply.h"

#include <stdio.h>

/* What a page from here may do: show and run what comes from here, nothing else (CSP 3). */
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct scb_web_reply *reply)
{
    char seconds[24];
    add(response, "Content-Type", reply->content_type);
    add(response, "Cache-Control", "no-store");
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "Referrer-Policy", "no-referrer");
    add(response, "Cross-Origin-Resource-Policy", "same-origin");
    add(response, "Cross-Origin-Opener-Policy", "same-origin");
    add(response, "X-Frame-Options", "DENY");
    add(response, "Content-Security-Policy",
        reply->is_page ? page_policy : "default-src 'none'; frame-ancestors 'none'");
    if (reply->allow[0] != '\0')
        add(response, "Allow", reply->allow);
    if (reply->location[0] != '\0')
        add(response, "Location", reply->location);
    if (reply->challenge)
        add(response, "WWW-Authenticate", "Bearer realm=\"satellite\"");
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)reply->retry_after_s);
    if (reply->retry_after_s > 0)
        add(response, "Retry-After", seconds);
}

enum MHD_Result scb_web_reply_send(struct scb_web_reply *reply, struct MHD_Connection *connection)
{
    struct scb_bytes body = reply->fixed;
    enum MHD_ResponseMemoryMode mode = MHD_RESPMEM_PERSISTENT;
    if (body.data == NULL && reply->body.size > 0) {
        body = scb_buffer_bytes(&reply->body);
        mode = MHD_RESPMEM_MUST_FREE;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.size, (void *)(uintptr_t)(body.size == 0 ? (const uint8_t *)"" : body.data), mode);
    if (response == NULL) {
        scb_buffer_free(&reply->body);
        return MHD_NO;
    }
    if (mode != MHD_RESPMEM_MUST_FREE)
        scb_buffer_free(&reply->body);
    add_headers(response, reply);
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}
