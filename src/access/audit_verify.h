/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves an audit log: that no line was changed, taken out, put in or moved, and how far heads
 * vouch for its end.
 */
#ifndef SCB_ACCESS_AUDIT_VERIFY_H
#define SCB_ACCESS_AUDIT_VERIFY_H

#include "access/audit_line.h"
#include "crypto/node_id.h"

/* What was found at a line; number 0 where it is of the log as a whole. */
struct scb_audit_finding {
    const char *file;
    uint64_t number;
    bool is_broken; /* else it is worth knowing: a line that a crash tore */
    const char *what;
};

struct scb_audit_proof {
    uint64_t files, lines, torn, broken;
    uint64_t heads, signed_heads; /* signed: by who is trusted */
    uint64_t foreign_heads;       /* signed by others */
    uint64_t signed_until;        /* the number of the last signed head; 0 for none */
    uint64_t first_seq, last_seq;
    uint8_t last_hash[SCB_SHA256_SIZE];
};

/* What it is proved against. */
struct scb_audit_trust {
    struct scb_node_ids signers; /* whose heads count */
    const uint8_t *head;         /* the hash of a line that must be there; NULL for none */
};

/*
 * Tells finding of all that is broken (and of torn lines), in order. SCB_OK where nothing is,
 * IntegrityError with the first finding else. NotFoundError where there is no log.
 */
SCB_MUST_CHECK enum scb_status
scb_audit_verify(const char *path, const struct scb_audit_trust *trust,
                 void (*tell)(void *state, const struct scb_audit_finding *finding), void *state,
                 struct scb_audit_proof *ret_proof, struct scb_error *error);

#endif
