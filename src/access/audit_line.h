/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the audit log (docs/access.md has its form): a JSON object whose last member is the
 * SHA-256 of the bytes before that member, and whose "prev" is the hash of the line before. Pure
 * functions over bytes; where lines are kept is audit_file.h's.
 */
#ifndef SCB_ACCESS_AUDIT_LINE_H
#define SCB_ACCESS_AUDIT_LINE_H

#include <jansson.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "scb/error.h"

enum {
    SCB_AUDIT_MAX_LINE = 64 * 1024,     /* bytes, newline included; a signed head's are the most */
    SCB_AUDIT_MAX_ARGUMENT = 512,       /* bytes kept of one argument */
    SCB_AUDIT_MAX_ARGUMENTS = 8 * 1024, /* bytes kept of all */
};

/* Where the chain stands: the last line's number and hash; {0} is before the first one. */
struct scb_audit_link {
    uint64_t seq;
    uint8_t hash[SCB_SHA256_SIZE];
};

/* What is told of an operation. Texts are borrowed and hold no secret any more. */
struct scb_audit_record {
    const char *caller;
    const char *login;     /* who had logged in, where that is another; NULL or "" */
    const char *role;      /* that the caller has */
    const char *operation; /* its name in the table */
    const char *const *arguments;
    size_t argument_count;
    const char *result;  /* "started", or the name of a status */
    uint64_t started;    /* the number of the line that says so; 0 for none */
    int64_t duration_ms; /* -1 where there is none */
};

/* Appends the record's members to an object that is open: a line without its chain. */
struct scb_json;
void scb_audit_record_members(struct scb_json *json, const struct scb_audit_record *record);

/* Appends the line of a record, its newline included, and moves link on to it. */
SCB_MUST_CHECK enum scb_status scb_audit_line_make(const struct scb_audit_record *record,
                                                   int64_t now_ms, struct scb_audit_link *link,
                                                   struct scb_buffer *out, struct scb_error *error);
/* The same of a head: a signature over where the chain stands. Not signed where identity is NULL.
 */
SCB_MUST_CHECK enum scb_status scb_audit_head_make(const struct scb_identity *identity,
                                                   int64_t now_ms, struct scb_audit_link *link,
                                                   struct scb_buffer *out, struct scb_error *error);

/* A line that was read. */
struct scb_audit_line {
    json_t *json; /* owned */
    uint64_t seq;
    uint8_t prev[SCB_SHA256_SIZE];
    uint8_t hash[SCB_SHA256_SIZE]; /* as it says */
    bool intact;                   /* that is the hash of its bytes */
    bool is_head;
};

/*
 * Takes a line apart, without its newline. *ret_is_line is false, and nothing to be freed, for what
 * has not the form of one.
 */
SCB_MUST_CHECK enum scb_status scb_audit_line_read(struct scb_bytes text, bool *ret_is_line,
                                                   struct scb_audit_line *ret_line,
                                                   struct scb_error *error);
void scb_audit_line_cleanup(struct scb_audit_line *line);

/* What a head's signature is worth. */
enum scb_audit_head_state { SCB_AUDIT_HEAD_UNSIGNED, SCB_AUDIT_HEAD_SIGNED, SCB_AUDIT_HEAD_WRONG };

/* Checks a head's signature against the line itself; *ret_signer is set where it is signed. */
SCB_MUST_CHECK enum scb_status scb_audit_head_check(const struct scb_audit_line *line,
                                                    enum scb_audit_head_state *ret_state,
                                                    struct scb_node_id *ret_signer,
                                                    struct scb_error *error);

#endif
