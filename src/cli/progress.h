/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress for people (SPEC 2): on a terminal one line, redrawn; elsewhere a log line now and then.
 */
#ifndef SCB_CLI_PROGRESS_H
#define SCB_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "cli/command.h"
#include "scb/progress.h"
#include "scb/restore.h"

struct scb_progress_line {
    struct scb_log *log;
    pthread_mutex_t lock; /* other threads log too */
    enum { SCB_PROGRESS_NONE, SCB_PROGRESS_LINE, SCB_PROGRESS_LOG } way;
    char text[512]; /* what is drawn now; "" = nothing */
    int64_t logged_ms;
};

/* Starts it as --progress and standard error say. Log lines do not tear the line from now on. */
void scb_progress_begin(struct scb_progress_line *line, const struct scb_command_context *context);
/* An scb_progress_observer; state is the line. */
void scb_progress_show(void *line, const struct scb_run_progress *progress);
/* The observer of a restore and of a drill on a chain. */
void scb_progress_show_restore(void *line, const struct scb_restore_progress *progress);
/* Takes the line off the screen, so that something can be printed; it is drawn again when shown. */
void scb_progress_clear(struct scb_progress_line *line);
/* Takes the line away. */
void scb_progress_end(struct scb_progress_line *line);

/* "[=====>    ] 412/1000 pages · 41,200 keys · 118k keys/s · eta 5s" */
void scb_progress_format(const struct scb_run_progress *progress, char *ret_text, size_t size);

#endif
