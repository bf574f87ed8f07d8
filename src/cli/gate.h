/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's way through the gate: made from the configuration, with what was given on the command
 * line as it may be audited.
 */
#ifndef SCB_CLI_GATE_H
#define SCB_CLI_GATE_H

#include "access/gate.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "scb/config.h"

struct scb_command_gate;

/* Borrows what it is given. ValidationError for access.bindings, with where they stand. */
SCB_MUST_CHECK enum scb_status scb_command_gate_new(const struct scb_config *config,
                                                    const char *config_path, struct scb_log *log,
                                                    struct scb_command_gate **ret_gate,
                                                    struct scb_error *error);
/*
 * For a configuration that cannot be read, which *error says: root and the owner of its file, which
 * is there, may mend it. Of an audit log nothing is known then: the system's own takes what is
 * done. For others *error stays. defaults describes settings.
 */
SCB_MUST_CHECK enum scb_status scb_command_gate_new_for_mending(const struct scb_config *defaults,
                                                                const char *config_path,
                                                                struct scb_log *log,
                                                                struct scb_command_gate **ret_gate,
                                                                struct scb_error *error);
void scb_command_gate_free(struct scb_command_gate *gate);

/* Whether scb_command_gate_new could make one of it: else nobody is let in any more. */
SCB_MUST_CHECK enum scb_status scb_command_gate_check(const struct scb_config *config,
                                                      struct scb_error *error);
/* Its configuration has changed (scb_config_take_over). Nobody may be passing meanwhile. */
void scb_command_gate_renew(struct scb_command_gate *gate);

/* Borrowed. */
const struct scb_gate *scb_command_gate_parts(const struct scb_command_gate *gate);
const char *scb_command_gate_state_dir(const struct scb_command_gate *gate);

/* What the line's command is, with its options. */
enum scb_operation_id scb_command_operation(const struct scb_command_line *line);

/* The caller asks for the line's command; see scb_gate_begin. */
SCB_MUST_CHECK enum scb_status scb_command_gate_begin(struct scb_command_gate *gate,
                                                      const struct scb_caller *caller,
                                                      const struct scb_command_line *line,
                                                      struct scb_passage *ret_passage,
                                                      struct scb_error *error);

#endif
