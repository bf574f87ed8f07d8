/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a client is, as its connection proves it. Of a TLS client: the node that its certificate
 * names (crypto/identity), where one of the certificates in its chain is among those that the
 * server accepts.
 */
#ifndef SCB_WEB_PEER_H
#define SCB_WEB_PEER_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <sys/types.h>

#include "crypto/node_id.h"
#include "scb/entry.h"
#include "scb/error.h"

enum scb_web_peer_kind {
    SCB_WEB_PEER_NONE,    /* no certificate */
    SCB_WEB_PEER_NODE,    /* an identity that is accepted */
    SCB_WEB_PEER_USER,    /* of this machine, over the Unix socket (local.h) */
    SCB_WEB_PEER_REFUSED, /* a certificate, or a user, that is not */
};

struct scb_web_peer {
    enum scb_web_peer_kind kind;
    bool is_local; /* came over the Unix socket: nothing that is sent says who it is */
    struct scb_node_id node;
    uid_t uid;
};

/* Some certificates: those that vouch for clients, or the server's own. */
struct scb_web_certs;

/* The certificates in a PEM text, out of the file name. ValidationError where there is none. */
SCB_MUST_CHECK enum scb_status scb_web_certs_parse(struct scb_bytes pem, const char *name,
                                                   struct scb_web_certs **ret_list,
                                                   struct scb_error *error);
void scb_web_certs_free(struct scb_web_certs *list);
/* Whether the first one is for a host of this name (RFC 6125). */
bool scb_web_certs_are_for(const struct scb_web_certs *list, const char *name);

/* list may be NULL: nobody is accepted. That the client has the leaf's key is TLS's to see. */
void scb_web_peer_find(gnutls_session_t session, const struct scb_web_certs *list,
                       struct scb_web_peer *ret_peer);

#endif
