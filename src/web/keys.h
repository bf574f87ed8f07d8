/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server's TLS is made of: its certificate, its key, and the authorities of its clients.
 * Immutable, held by whoever uses it: renewed files make a new one, and connections that began with
 * the old one end with it.
 */
#ifndef SCB_WEB_KEYS_H
#define SCB_WEB_KEYS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "scb/error.h"
#include "web/peer.h"

struct scb_web_keys;

struct scb_web_key_files {
    const char *cert_path, *key_path; /* PEM; both or, for no TLS, none ("") */
    const char *client_ca_path;       /* PEM; "" for no client certificates */
};

/*
 * *ret_keys, which is the caller's to release, is NULL where there is no TLS. ValidationError for
 * files that are none, that do not go together, and for a key that is open to others.
 */
SCB_MUST_CHECK enum scb_status scb_web_keys_load(const struct scb_web_key_files *files,
                                                 struct scb_web_keys **ret_keys,
                                                 struct scb_error *error);
/* The same keys, to be released once more. NULL stays NULL in all of these. */
struct scb_web_keys *scb_web_keys_hold(struct scb_web_keys *keys);
void scb_web_keys_release(struct scb_web_keys *keys);
bool scb_web_keys_same(const struct scb_web_keys *a, const struct scb_web_keys *b);

/* A session that has not begun is the keys'; they are held until it has ended. */
void scb_web_keys_use(const struct scb_web_keys *keys, gnutls_session_t session);

/* Borrowed: the server's certificate, its authorities behind it, and the clients'; NULL for none.
 */
const struct scb_web_certs *scb_web_keys_own(const struct scb_web_keys *keys);
const struct scb_web_certs *scb_web_keys_clients(const struct scb_web_keys *keys);
/* The files' texts. */
const char *scb_web_keys_cert_pem(const struct scb_web_keys *keys);
const char *scb_web_keys_key_pem(const struct scb_web_keys *keys);

#endif
