/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls: a Unix user, a node (by its certificate), a token, or the service itself. Whether that
 * is so has been found out before; what the caller may do is bindings.h's.
 */
#ifndef SCB_ACCESS_CALLER_H
#define SCB_ACCESS_CALLER_H

#include <sys/types.h>

#include "access/operation.h"
#include "crypto/node_id.h"
#include "scb/error.h"

enum scb_caller_kind { SCB_CALLER_USER, SCB_CALLER_NODE, SCB_CALLER_TOKEN, SCB_CALLER_SERVICE };

struct scb_caller {
    enum scb_caller_kind kind;
    uid_t uid;               /* of a user */
    struct scb_node_id node; /* of a node */
    enum scb_role role;      /* that a token was made with */
    char text[128];          /* "user:alice", "uid:1001", "node:…", "token:…", "service" */
    char login[72];          /* the user who logged in, where that is another one; "" */
};

/* The user who runs this process (the real one), and who had logged in before a sudo. */
void scb_caller_process(struct scb_caller *ret_caller);
/* A user at the other end of a socket (SO_PEERCRED). */
void scb_caller_user(uid_t uid, struct scb_caller *ret_caller);
/* ResourceError where OpenSSL fails. */
SCB_MUST_CHECK enum scb_status scb_caller_node(const struct scb_node_id *node,
                                               struct scb_caller *ret_caller,
                                               struct scb_error *error);
/* What the service does by itself; it may do all. */
void scb_caller_service(struct scb_caller *ret_caller);

#endif
