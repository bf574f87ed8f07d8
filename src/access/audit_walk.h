/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes over all lines of an audit log, those of its older files first, as a stream. What stands in
 * them is not judged: that is audit_verify.h's.
 */
#ifndef SCB_ACCESS_AUDIT_WALK_H
#define SCB_ACCESS_AUDIT_WALK_H

#include "access/audit_line.h"

/* A line as it was found; borrowed for the call. */
struct scb_audit_place {
    const char *file;      /* its name */
    uint64_t file_number;  /* 0 for the first file, rising */
    uint64_t number;       /* of the line in the file, from 1 */
    struct scb_bytes text; /* without its newline; cut where it is too long for a line */
    bool is_whole;         /* a newline ended it */
    bool is_line;          /* it has the form of one: */
    const struct scb_audit_line *line;
};

/* Anything but SCB_OK ends the walk and is returned. */
typedef enum scb_status (*scb_audit_visitor)(void *state, const struct scb_audit_place *place,
                                             struct scb_error *error);

/*
 * As the log was when it began: what is appended meanwhile is not seen. NotFoundError where there
 * is no log. ret_head (may be NULL) gets the copy of the last head, seq 0 where there is none.
 */
SCB_MUST_CHECK enum scb_status scb_audit_walk(const char *path, scb_audit_visitor visit,
                                              void *state, struct scb_audit_link *ret_head,
                                              struct scb_error *error);

#endif
