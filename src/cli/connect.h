/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from a command to the running service's Unix socket, and who has to take it: users who
 * may not open the backups' files themselves.
 */
#ifndef SCB_CLI_CONNECT_H
#define SCB_CLI_CONNECT_H

#include "base/thread.h"
#include "cli/command_line.h"
#include "client/client.h"
#include "scb/config.h"

/* SAME: the service of this configuration's files; ANY: the machine's, where the configuration
 * itself is not this user's to read. */
enum scb_connect_which { SCB_CONNECT_SAME, SCB_CONNECT_ANY };

/*
 * At server.socket; for auto in the state directory, then in the packaged unit's runtime directory.
 * NotFoundError where no service listens, AccessError where this user does not get there.
 */
SCB_MUST_CHECK enum scb_status scb_connect(const struct scb_config *config,
                                           enum scb_connect_which which,
                                           const struct scb_cancel *cancel,
                                           struct scb_client **ret_client, struct scb_error *error);

/* What a command asks for; all borrowed. */
struct scb_connect_question {
    const struct scb_config *config;
    const char *hidden_path; /* the configuration file that this user may not read; NULL for none */
    const struct scb_command_line *line;
    const struct scb_cancel *cancel;
};

/*
 * *ret_client where the service has to do it: this process is neither root's nor the state
 * directory's owner's, the status database is not open to it, and the service runs. It stays NULL
 * where the files are opened here. AccessError for what the service does not do for others,
 * UsageError for a flag that it would not obey, FileSystemError where nothing can be done without
 * the configuration. *ret_unreached is set (else untouched) where only the service could do it for
 * this user and does not answer: what is to be said to him, once his role has let him through.
 */
SCB_MUST_CHECK enum scb_status scb_connect_where_needed(const struct scb_connect_question *question,
                                                        struct scb_client **ret_client,
                                                        struct scb_error *ret_unreached,
                                                        struct scb_error *error);

#endif
