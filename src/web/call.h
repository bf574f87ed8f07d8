/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through dispatch, gate and handler; not for other rooms.
 */
#ifndef SCB_WEB_CALL_H
#define SCB_WEB_CALL_H

#include <jansson.h>

#include "access/caller.h"
#include "access/operation.h"
#include "base/json.h"
#include "service/desk.h"
#include "web/server.h"
#include "web/target.h"

struct scb_web_call;

/* Writes its answer's one JSON value to call->json, or sets call->reply->fixed, or call->is_text.
 * What it returns becomes a problem document (RFC 9457), with call->reply->status where it has set
 * that. */
typedef enum scb_status (*scb_web_handler)(struct scb_web_call *call, struct scb_error *error);

/* What a route is for; routes.def says which is which. */
enum scb_web_kind { SCB_WEB_OPEN, SCB_WEB_PAGE, SCB_WEB_LOOK, SCB_WEB_ORDER };

struct scb_web_route {
    const char *method, *path;
    enum scb_operation_id operation;
    enum scb_web_kind kind;
    const char *type;
    scb_web_handler handle;
};

struct scb_web_call {
    struct scb_web *web;
    const struct scb_desk *desk;
    const struct scb_web_request *request;
    const struct scb_web_route *route;
    struct scb_web_target target;
    char segment[SCB_WEB_MAX_VALUE]; /* what stood for "{…}" */
    bool is_known;                   /* somebody has proved who they are: */
    struct scb_caller caller;
    enum scb_role role; /* of who asks, known or not */
    struct scb_json json;
    bool is_text; /* the handler has written reply->body by itself */
    struct scb_web_reply *reply;
};

#define SCB_ROUTE(method, path, operation, kind, type, handler)                                    \
    enum scb_status scb_web_##handler(struct scb_web_call *call, struct scb_error *error);
#include "web/routes.def"
#undef SCB_ROUTE

struct scb_web_access;
struct scb_web_access *scb_web_access_of(const struct scb_web_call *call);

/* The number of a query's part, from least to most; otherwise where there is none. 400. */
SCB_MUST_CHECK enum scb_status scb_web_number(const struct scb_web_call *call, const char *name,
                                              uint64_t least, uint64_t most, uint64_t otherwise,
                                              uint64_t *ret_number, struct scb_error *error);
/* Refuses parts of the query that are not in names (NULL ends it). */
SCB_MUST_CHECK enum scb_status scb_web_only(const struct scb_web_call *call,
                                            const char *const *names, struct scb_error *error);
/* The route's date, checked before it is used. 404 for what is none. */
SCB_MUST_CHECK enum scb_status scb_web_date(const struct scb_web_call *call,
                                            struct scb_error *error);

#endif
