/* SPDX-License-Identifier: Apache-2.0 */
#include "web/access.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/token.h"
#include "base/memory.h"

enum { REMEMBERED = 64, AUDIT_AGAIN_MS = 3600000, TELL_AGAIN_MS = 10000 };

struct seen {
    char caller[128];
    enum scb_operation_id operation;
    int64_t at_ms; /* monotonic; 0: not in use */
};

struct scb_web_access {
    const struct scb_gate *gate;
    const char *state_dir;
    const struct scb_clock *clock;
    pthread_mutex_t lock;
    struct seen seen[REMEMBERED];
    uint64_t untold;
    int64_t told_ms; /* monotonic; 0: never */
};

enum scb_status scb_web_access_new(const struct scb_gate *gate, const char *state_dir,
                                   const struct scb_clock *clock,
                                   struct scb_web_access **ret_access, struct scb_error *error)
{
    struct scb_web_access *access = scb_alloc(1, sizeof(*access), error);
    if (access == NULL)
        return SCB_ERROR_RESOURCE;
    access->gate = gate;
    access->state_dir = state_dir;
    access->clock = clock;
    pthread_mutex_init(&access->lock, NULL);
    *ret_access = access;
    return SCB_OK;
}

void scb_web_access_free(struct scb_web_access *access)
{
    if (access == NULL)
        return;
    pthread_mutex_destroy(&access->lock);
    free(access);
}

static enum scb_status refuse(struct scb_web_call *call, const char *why, struct scb_error *error)
{
    call->reply->status = 401;
    call->reply->challenge = true;
    scb_error_set(error, SCB_ERROR_ACCESS, "%s", why);
    return scb_error_hint(error, "send Authorization: Bearer with a token that satellite token "
                                 "create has made");
}

static enum scb_status take_token(struct scb_web_access *access, struct scb_web_call *call,
                                  struct scb_error *error)
{
    static const char scheme[] = "Bearer ";
    const char *header = call->request->authorization;
    struct scb_error why = {0};
    if (strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
        return refuse(call, "these credentials are not a bearer token", error);
    const char *token = header + sizeof(scheme) - 1;
    token += strspn(token, " ");
    enum scb_status status = scb_access_token_check(
        access->state_dir, token, scb_clock_real_ms(access->clock), &call->caller, &why);
    if (status == SCB_ERROR_ACCESS)
        return refuse(call, why.message, error);
    if (status != SCB_OK)
        *error = why;
    call->is_known = status == SCB_OK;
    return status;
}

/* The user whom the kernel names; credentials that are sent make no difference there. */
static enum scb_status take_user(struct scb_web_call *call, struct scb_error *error)
{
    if (call->request->peer.kind != SCB_WEB_PEER_USER) {
        call->reply->status = 403;
        scb_error_set(error, SCB_ERROR_ACCESS, "the kernel does not say which user asks");
        return scb_error_hint(error, "give the service no user namespace of its own, which has not "
                                     "this user (PrivateUsers=no)");
    }
    scb_caller_user(call->request->peer.uid, &call->caller);
    call->is_known = true;
    return SCB_OK;
}

enum scb_status scb_web_access_identify(struct scb_web_access *access, struct scb_web_call *call,
                                        bool may_look, struct scb_error *error)
{
    const struct scb_web_request *request = call->request;
    enum scb_status status = SCB_OK;
    call->role = may_look ? SCB_ROLE_VIEWER : SCB_ROLE_NONE;
    if (request->authorization == NULL && request->peer.kind == SCB_WEB_PEER_NONE)
        return SCB_OK;
    if (access->gate == NULL)
        return refuse(call, "this service knows nobody", error);
    if (request->peer.is_local) {
        status = take_user(call, error);
    } else if (request->authorization != NULL) {
        status = take_token(access, call, error);
    } else if (request->peer.kind == SCB_WEB_PEER_REFUSED) {
        status = refuse(call, "the client certificate is no identity that is accepted here", error);
    } else {
        status = scb_caller_node(&request->peer.node, &call->caller, error);
        call->is_known = status == SCB_OK;
    }
    if (status == SCB_OK)
        call->role = scb_bindings_role(access->gate->bindings, access->gate->owned, &call->caller);
    return status;
}

void scb_web_access_note_refused(const struct scb_web_access *access,
                                 const struct scb_web_call *call)
{
    struct scb_passage none;
    struct scb_error told = {0};
    if (call->caller.text[0] != '\0' && call->route->operation != SCB_OPERATION_NONE)
        (void)!scb_gate_begin(access->gate, &call->caller, call->route->operation, NULL, 0, &none,
                              &told);
}

uint64_t scb_web_access_untold(struct scb_web_access *access)
{
    int64_t now_ms = scb_clock_monotonic_ms(access->clock);
    uint64_t count = 0;
    pthread_mutex_lock(&access->lock);
    access->untold++;
    if (access->told_ms == 0 || now_ms - access->told_ms >= TELL_AGAIN_MS) {
        count = access->untold;
        access->untold = 0;
        access->told_ms = now_ms;
    }
    pthread_mutex_unlock(&access->lock);
    return count;
}

/* Whether this has not been audited for a while; it is taken to be from here on. */
static bool is_news(struct scb_web_access *access, const struct scb_web_call *call)
{
    int64_t now_ms = scb_clock_monotonic_ms(access->clock);
    enum scb_operation_id operation = call->route->operation;
    struct seen *place = &access->seen[0];
    bool known = false, recent = false;
    pthread_mutex_lock(&access->lock);
    for (size_t i = 0; i < REMEMBERED && !known; i++) {
        struct seen *seen = &access->seen[i];
        known = seen->at_ms != 0 && seen->operation == operation &&
                strcmp(seen->caller, call->caller.text) == 0;
        if (known || seen->at_ms < place->at_ms)
            place = seen;
    }
    recent = known && now_ms - place->at_ms < AUDIT_AGAIN_MS;
    if (!recent) {
        *place = (struct seen){.operation = operation, .at_ms = now_ms};
        (void)snprintf(place->caller, sizeof(place->caller), "%s", call->caller.text);
    }
    pthread_mutex_unlock(&access->lock);
    return !recent;
}

enum scb_status scb_web_access_check(struct scb_web_access *access, struct scb_web_call *call,
                                     struct scb_error *error)
{
    const struct scb_operation *operation = scb_operation_of(call->route->operation);
    bool may = call->role >= operation->role, acts = strcmp(call->route->method, "POST") == 0;
    if (!call->is_known && (acts || !may)) /* looking is all that goes without credentials */
        return refuse(call, "this takes credentials", error);
    if (may && (acts || !call->is_known || !is_news(access, call)))
        return SCB_OK;
    struct scb_passage passage;
    enum scb_status status = scb_gate_begin(access->gate, &call->caller, call->route->operation,
                                            NULL, 0, &passage, error);
    if (status == SCB_OK)
        scb_gate_end(access->gate, &passage, SCB_OK);
    return status;
}

void scb_web_passage_argument(struct scb_web_passage *passage, const char *format, ...)
{
    if (passage->count == SCB_LENGTH(passage->texts))
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = passage->texts[passage->count];
    (void)vsnprintf(text, sizeof(passage->texts[0]), format, arguments);
    va_end(arguments);
    passage->arguments[passage->count++] = text;
}

enum scb_status scb_web_access_begin(struct scb_web_access *access, const struct scb_web_call *call,
                                     struct scb_web_passage *passage, struct scb_error *error)
{
    passage->gate = access->gate;
    return scb_gate_begin(access->gate, &call->caller, call->route->operation, passage->arguments,
                          passage->count, &passage->passage, error);
}

void scb_web_access_end(void *state, enum scb_status status)
{
    struct scb_web_passage *passage = state;
    scb_gate_end(passage->gate, &passage->passage, status);
    free(passage);
}
