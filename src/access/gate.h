/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate: whoever calls an operation, by the command line, HTTP or the clock, is let through
 * here, and what came of it is kept in the audit log. Threads may share a gate.
 */
#ifndef SCB_ACCESS_GATE_H
#define SCB_ACCESS_GATE_H

#include "access/audit.h"
#include "access/bindings.h"
#include "access/caller.h"
#include "access/operation.h"

struct scb_gate {
    const struct scb_bindings *bindings; /* borrowed */
    const char *const *owned;            /* paths whose owners are admins; NULL ends it */
    const char *config_path;             /* where bindings are written, for hints; may be NULL */
    struct scb_audit audit;
};

/* An operation that has been let through. */
struct scb_passage {
    const struct scb_operation *operation;
    struct scb_caller caller;
    enum scb_role role;
    const char *const *arguments; /* borrowed until it ends */
    size_t argument_count;
    uint64_t started; /* the number of the audit line that says so; 0 for none */
    int64_t begun_ms; /* monotonic */
};

/*
 * Authorises and audits the begin. AccessError for a caller whose role is too low, which is audited
 * as well; FileSystemError for an operation that changes something and would not be in the audit
 * log, the service's own excepted. The arguments hold no secret (scb_redact). Call end for what was
 * let through, and only for that.
 */
SCB_MUST_CHECK enum scb_status
scb_gate_begin(const struct scb_gate *gate, const struct scb_caller *caller,
               enum scb_operation_id operation, const char *const *arguments, size_t argument_count,
               struct scb_passage *ret_passage, struct scb_error *error);
/* Audits what came of it; where that cannot be appended, it is spilled and warned of. */
void scb_gate_end(const struct scb_gate *gate, const struct scb_passage *passage,
                  enum scb_status result);

/*
 * A text as it may be logged: nothing of one that has an age identity in it; else of every URL only
 * scheme and host stay, with three asterisks in place of what follows. Paths (sqlite:///…,
 * file:///…) stay. Cut where ret_text is too small.
 */
void scb_redact(const char *text, char *ret_text, size_t size);

#endif
