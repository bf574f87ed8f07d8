/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Storj node ID, the name of an identity: SHA-256 twice over the public key of its certificate
 * authority, the last byte replaced by the version. As text it is base58check of the 32 bytes with
 * the version as prefix and a zero as last byte. Source: storj/common, storj/node.go. Version 0,
 * the only one that Storj gives out, is the only one here.
 */
#ifndef SCB_CRYPTO_NODE_ID_H
#define SCB_CRYPTO_NODE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_NODE_ID_SIZE = 32, SCB_NODE_ID_TEXT_SIZE = 56, SCB_NODE_ID_VERSION = 0 };

struct scb_node_id {
    uint8_t bytes[SCB_NODE_ID_SIZE];
};

/* Of a public key, as the DER of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). */
SCB_MUST_CHECK enum scb_status scb_node_id_of_key(struct scb_bytes public_key,
                                                  struct scb_node_id *ret_id,
                                                  struct scb_error *error);

/* The whole text, no blanks. ValidationError, with a hint, for what is no node ID of version 0. */
SCB_MUST_CHECK enum scb_status scb_node_id_parse(const char *text, struct scb_node_id *ret_id,
                                                 struct scb_error *error);
/* ResourceError where OpenSSL fails. */
SCB_MUST_CHECK enum scb_status scb_node_id_format(const struct scb_node_id *id,
                                                  char ret_text[SCB_NODE_ID_TEXT_SIZE],
                                                  struct scb_error *error);

/*
 * The proof of work in it, as Storj counts it: the zero bits at the end, those of the version's
 * byte among them whatever it is, so 8 at least.
 */
unsigned scb_node_id_difficulty(const struct scb_node_id *id);

bool scb_node_id_equal(const struct scb_node_id *one, const struct scb_node_id *other);

/* Some node IDs: those whose signatures are trusted, say. Borrowed. */
struct scb_node_ids {
    const struct scb_node_id *ids;
    size_t count;
};

bool scb_node_ids_contain(const struct scb_node_ids *list, const struct scb_node_id *id);

#endif
