/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: an operation that changes something has two lines, one before it, on the disk, so that a
 * crash cannot hide it, and one after it; one that only reads has the second alone, and goes on
 * where it cannot be written. The log is made by the first one that changes something: where
 * nothing is yet, reading leaves nothing.
 */
#include "access/gate.h"

#include <stdio.h>
#include <string.h>

static struct scb_audit_record record_of(const struct scb_passage *passage, const char *result)
{
    return (struct scb_audit_record){.caller = passage->caller.text,
                                     .login = passage->caller.login,
                                     .role = scb_role_name(passage->role),
                                     .operation = passage->operation->name,
                                     .arguments = passage->arguments,
                                     .argument_count = passage->argument_count,
                                     .result = result,
                                     .duration_ms = -1};
}

/* What is not in the log is told to whom it is handed, and to the system's. */
static void spill(const struct scb_gate *gate, const struct scb_audit_record *record,
                  struct scb_error *problem)
{
    (void)scb_error_wrap(problem, "%s is not in the audit log", record->operation);
    if (gate->audit.warn != NULL)
        gate->audit.warn(gate->audit.state, problem);
    scb_audit_spill(&gate->audit, record);
}

static enum scb_status refuse(const struct scb_gate *gate, const struct scb_passage *passage,
                              struct scb_error *error)
{
    const struct scb_operation *operation = passage->operation;
    const char *who = passage->caller.text;
    struct scb_error problem = {0};
    struct scb_audit_record record = record_of(passage, scb_status_name(SCB_ERROR_ACCESS));
    enum scb_status status =
        scb_audit_append(&gate->audit, &record,
                         (struct scb_audit_options){.create = true, .sync = true}, NULL, &problem);
    if (status != SCB_OK) /* the log is mostly not the caller's to write */
        scb_audit_spill(&gate->audit, &record);
    (void)scb_error_set(error, SCB_ERROR_ACCESS, "%s takes the role %s; %s has %s%s",
                        operation->name, scb_role_name(operation->role), who,
                        passage->role == SCB_ROLE_NONE ? "no role" : "",
                        passage->role == SCB_ROLE_NONE ? "" : scb_role_name(passage->role));
    if (passage->caller.kind == SCB_CALLER_TOKEN)
        return scb_error_hint(error, "use a token made with satellite token create --role %s",
                              scb_role_name(operation->role));
    return scb_error_hint(error,
                          "let an admin add %s=%s to access.bindings%s%.100s, or run it as "
                          "the owner of the backups",
                          who, scb_role_name(operation->role),
                          gate->config_path == NULL ? "" : " in ",
                          gate->config_path == NULL ? "" : gate->config_path);
}

/* The line before an operation that changes something. Scheduled ones go on without it: a full disk
 * must not end the backups. */
static enum scb_status audit_begin(const struct scb_gate *gate, struct scb_passage *passage,
                                   struct scb_error *error)
{
    struct scb_error problem = {0};
    struct scb_audit_record record = record_of(passage, "started");
    enum scb_status status = scb_audit_append(
        &gate->audit, &record, (struct scb_audit_options){.create = true, .sync = true},
        &passage->started, &problem);
    if (status == SCB_OK)
        return SCB_OK;
    if (passage->caller.kind == SCB_CALLER_SERVICE ||
        passage->operation->effect == SCB_EFFECT_SERVES) {
        spill(gate, &record, &problem);
        return SCB_OK;
    }
    /* Memory that cannot be had is no fault of the file's. */
    (void)scb_error_set(error, status == SCB_ERROR_RESOURCE ? status : SCB_ERROR_FILE,
                        "%s is refused, for it would not be audited: %s", record.operation,
                        problem.message);
    return scb_error_hint(error, "make %s writable, with room on its disk, or set audit.path",
                          gate->audit.path);
}

enum scb_status scb_gate_begin(const struct scb_gate *gate, const struct scb_caller *caller,
                               enum scb_operation_id operation, const char *const *arguments,
                               size_t argument_count, struct scb_passage *ret_passage,
                               struct scb_error *error)
{
    struct scb_passage passage = {.operation = scb_operation_of(operation),
                                  .caller = *caller,
                                  .arguments = arguments,
                                  .argument_count = argument_count,
                                  .begun_ms = scb_clock_monotonic_ms(gate->audit.clock)};
    enum scb_status status = SCB_OK;
    if (passage.operation->role != SCB_ROLE_ANYONE) {
        passage.role = scb_bindings_role(gate->bindings, gate->owned, caller);
        if (passage.role < passage.operation->role)
            return refuse(gate, &passage, error);
        if (passage.operation->effect != SCB_EFFECT_READS)
            status = audit_begin(gate, &passage, error);
    }
    if (status == SCB_OK)
        *ret_passage = passage;
    return status;
}

void scb_gate_end(const struct scb_gate *gate, const struct scb_passage *passage,
                  enum scb_status result)
{
    struct scb_error problem = {0};
    bool changes = passage->operation->effect != SCB_EFFECT_READS;
    if (passage->operation->role == SCB_ROLE_ANYONE)
        return;
    struct scb_audit_record record = record_of(passage, scb_status_name(result));
    record.started = passage->started;
    record.duration_ms = scb_clock_monotonic_ms(gate->audit.clock) - passage->begun_ms;
    enum scb_status status = scb_audit_append(
        &gate->audit, &record, (struct scb_audit_options){.create = changes, .sync = changes}, NULL,
        &problem);
    bool nothing_there = status == SCB_ERROR_NOT_FOUND && !changes;
    if (status != SCB_OK && !nothing_there)
        spill(gate, &record, &problem);
}

/* The length of what stands at text up to the end of a URL. */
static size_t url_rest(const char *text)
{
    return strcspn(text, " \t\r\n,\"'<>");
}

static void add(char *out, size_t size, size_t *used, const char *text, size_t length)
{
    if (*used + length >= size)
        length = size - *used - 1;
    memcpy(out + *used, text, length);
    *used += length;
    out[*used] = '\0';
}

void scb_redact(const char *text, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    if (strcasestr(text, "AGE-SECRET-KEY-") != NULL) { /* pasted in the place of something else */
        add(ret_text, size, &used, "***", strlen("***"));
        return;
    }
    for (const char *mark = NULL; (mark = strstr(text, "://")) != NULL;) {
        const char *host = mark + strlen("://");
        add(ret_text, size, &used, text, (size_t)(host - text));
        size_t rest = url_rest(host), authority = strcspn(host, "/?#");
        authority = authority < rest ? authority : rest;
        text = host + rest;
        if (authority == 0) { /* a path */
            add(ret_text, size, &used, host, rest);
            continue;
        }
        const char *at = memrchr(host, '@', authority);
        const char *begin = at == NULL ? host : at + 1;
        add(ret_text, size, &used, begin, (size_t)(host + authority - begin));
        if (at != NULL || rest > authority + 1)
            add(ret_text, size, &used, "/***", strlen("/***"));
    }
    add(ret_text, size, &used, text, strlen(text));
}
