/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verifying backups is asked for, and what came of it. Whether a backup is whole and whether
 * that could be found out are two questions; their answers are never mixed.
 */
#ifndef SCB_VERIFY_H
#define SCB_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/error.h"

#pragma GCC visibility push(default)

enum scb_verify_outcome {
    SCB_VERIFY_VALID,       /* nothing is wrong; of an encrypted backup see unseen too */
    SCB_VERIFY_INVALID,     /* something is not what was written; the findings say what */
    SCB_VERIFY_NOT_CHECKED, /* it could not be looked at (as a whole), and nothing wrong was seen */
};

/* "valid", "invalid", "not_checked". */
const char *scb_verify_outcome_name(enum scb_verify_outcome outcome);

struct scb_verify_options {
    const char *backup_date; /* NULL: the newest completed one */
    bool all;                /* every completed one instead */
    bool against_chain;      /* read the contract again at the recorded block */
};

/* One thing that is wrong, or just odd. */
struct scb_verify_finding {
    const char *backup_date;
    bool warning;    /* odd: the backup is valid all the same */
    char where[64];  /* the file, or "database" */
    char what[1024]; /* no content of the contract */
};

/* Who vouches for a backup (manifest.sig). */
enum scb_signature_state {
    SCB_SIGNATURE_NONE,      /* nobody has signed it */
    SCB_SIGNATURE_WRONG,     /* it is not this manifest's, or none at all */
    SCB_SIGNATURE_UNTRUSTED, /* right; but who signed is not named in identity.trusted */
    SCB_SIGNATURE_TRUSTED,
};

/* "none", "wrong", "untrusted", "trusted". */
const char *scb_signature_state_name(enum scb_signature_state state);

struct scb_verify_result {
    char backup_date[24];
    enum scb_verify_outcome outcome;
    struct scb_error error; /* why (a part of) it could not be checked; status SCB_OK for none */
    struct scb_verify_finding first_problem; /* where it is invalid */
    uint64_t problems, warnings;
    uint64_t pages, keys, bytes; /* read and checked; bytes of pages as they are stored */
    bool against_chain;          /* compared with the contract too */
    enum scb_signature_state signature;
    char signer[56]; /* the node ID; "" where none is known */
    bool encrypted;
    char unseen[512]; /* why its entries were not looked at; "" where they were */
    int64_t duration_ms;
};

/* Both are called on the caller's thread or, one call at a time, on others. */
struct scb_verify_observer {
    void (*found)(void *state, const struct scb_verify_finding *finding);
    void (*done)(void *state, const struct scb_verify_result *result);
    void *state;
};

#pragma GCC visibility pop

#endif
