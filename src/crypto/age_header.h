/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an age file as text (C2SP age.md, "Header"): its grammar, read strictly, and
 * writing it. What the stanzas wrap and how is age_stanza's.
 */
#ifndef SCB_CRYPTO_AGE_HEADER_H
#define SCB_CRYPTO_AGE_HEADER_H

#include "base/buffer.h"
#include "crypto/age_primitive.h"
#include "scb/entry.h"
#include "scb/error.h"

/* More than these, in bytes and in stanzas, is refused: some 400 recipients fit. */
enum { SCB_AGE_MAX_HEADER = 64 * 1024, SCB_AGE_MAX_STANZAS = 512 };

/* "age-encryption.org/v1\n" */
extern const char scb_age_version_line[];

/* One stanza, "-> TYPE ARGUMENT ..." and a body. */
struct scb_age_stanza {
    struct scb_bytes arguments; /* the type with them, one blank between; borrowed from the text */
    size_t argument_count;      /* 1 at least */
    size_t body_at, body_size;  /* in the header's bytes */
};

/* {.bytes.max = SCB_AGE_MAX_HEADER} is ready; used again without allocating again. */
struct scb_age_header {
    struct scb_age_stanza stanzas[SCB_AGE_MAX_STANZAS];
    size_t count;
    struct scb_buffer bytes; /* the bodies, decoded */
    size_t authenticated;    /* so much of the text, from its begin, is what the MAC is over */
    uint8_t mac[SCB_AGE_KEY_SIZE];
};

/* A failure that says "age header: ...": IntegrityError. */
enum scb_status scb_age_header_refuse(struct scb_error *error, const char *why);

/*
 * Reads a whole header, which ends with the line feed after its MAC. IntegrityError for anything
 * but the grammar's header; whether the MAC is right is not looked at. text must stay.
 */
SCB_MUST_CHECK enum scb_status scb_age_header_parse(struct scb_age_header *header,
                                                    struct scb_bytes text, struct scb_error *error);
/* An argument of a stanza, the type being number 0; empty past the last. Borrowed. */
struct scb_bytes scb_age_stanza_argument(const struct scb_age_stanza *stanza, size_t index);
/* Borrowed until the next parse. */
struct scb_bytes scb_age_stanza_body(const struct scb_age_header *header,
                                     const struct scb_age_stanza *stanza);
/* True where the argument is the canonical base64 of exactly size bytes, up to 32. */
SCB_MUST_CHECK bool scb_age_argument_decode(struct scb_bytes argument, uint8_t *ret_data,
                                            size_t size);

/* Base64 without padding (RFC 4648, section 4) appended to out. */
SCB_MUST_CHECK enum scb_status scb_age_base64_append(struct scb_buffer *out, struct scb_bytes data,
                                                     struct scb_error *error);

#endif
