/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords and passphrases: from a file or typed at the terminal without being shown; never from
 * the arguments or the environment.
 */
#ifndef SCB_CLI_SECRET_H
#define SCB_CLI_SECRET_H

#include "cli/command.h"

enum { SCB_SECRET_MAX = 4096 };

/* Ends where its line does. Wiped by its owner. */
struct scb_secret {
    char text[SCB_SECRET_MAX];
    size_t size;
};

/* What is asked for: "Password of keystore op.json", with the flag that names a file for it. */
struct scb_secret_question {
    const char *what; /* "password" */
    const char *of;   /* "keystore" */
    const char *path; /* whose it is */
    const char *flag; /* "--password-file" */
};

/* Out of the flag's file where it is given, else from the terminal; Canceled where nothing came. */
SCB_MUST_CHECK enum scb_status scb_secret_take(const struct scb_command_context *context,
                                               const struct scb_secret_question *question,
                                               struct scb_secret *ret_secret,
                                               struct scb_error *error);

/* Reads a file of the operator's, ValidationError where it has size bytes or more. */
SCB_MUST_CHECK enum scb_status scb_secret_read_file(const char *what, const char *path, char *data,
                                                    size_t size, size_t *ret_size,
                                                    struct scb_error *error);

/* Waits until there is something to read; false where the command was interrupted first. */
bool scb_terminal_wait(int fd, const struct scb_cancel *cancel);

#endif
