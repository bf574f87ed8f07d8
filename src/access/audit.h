/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: appends what was done to the chain, signs heads of it. Any number of processes and
 * threads may append to one log. Reading is audit_walk.h's, proving audit_verify.h's.
 */
#ifndef SCB_ACCESS_AUDIT_H
#define SCB_ACCESS_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "access/audit_line.h"
#include "base/clock.h"
#include "scb/error.h"

enum {
    SCB_AUDIT_HEAD_INTERVAL = 50, /* lines */
    SCB_AUDIT_MAX_FILE = 16 * 1024 * 1024,
};

/* Where the log is and who is told of what; texts are borrowed. */
struct scb_audit {
    const char *path;                 /* NULL: there is no log, records are only spilled */
    const char *cert_path, *key_path; /* of the identity that signs heads; "" for none */
    uint64_t head_interval;           /* lines; of each so many comes a head */
    uint64_t max_file_bytes;          /* a file that is larger is put away */
    const struct scb_clock *clock;
    /* A new head, to be kept elsewhere; hash in hex. */
    void (*head)(void *state, uint64_t seq, const char *hash, bool is_signed);
    /* Something went wrong beside the appending: no signature, no rotation, a chain that is cut. */
    void (*warn)(void *state, const struct scb_error *problem);
    /* What could not be appended, as JSON without its chain. */
    void (*spill)(void *state, const char *line);
    void *state;
};

/* How a line is appended: to a log that is made where there is none; on the disk at return. */
struct scb_audit_options {
    bool create, sync;
};

/* *ret_seq (may be NULL) is the line's number. NotFoundError where there is no log. */
SCB_MUST_CHECK enum scb_status scb_audit_append(const struct scb_audit *audit,
                                                const struct scb_audit_record *record,
                                                struct scb_audit_options options, uint64_t *ret_seq,
                                                struct scb_error *error);
/* Appends a head, where the last line is not one. */
SCB_MUST_CHECK enum scb_status scb_audit_sign(const struct scb_audit *audit,
                                              struct scb_error *error);
/* Hands a record to who takes those that could not be appended. */
void scb_audit_spill(const struct scb_audit *audit, const struct scb_audit_record *record);

#endif
