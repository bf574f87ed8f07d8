/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/failure.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/output.h"

static void write_to(struct scb_log *log, const struct scb_error *failure)
{
    scb_log_error(log, "Command failed", SCB_TEXT("error_type", scb_status_name(failure->status)),
                  SCB_TEXT("error", failure->message), SCB_TEXT("hint", failure->hint),
                  SCB_FLAG("retryable", failure->retryable));
}

/* False where there is no memory for it. */
static bool show_fields(const struct scb_error *failure, const char *run_id)
{
    struct scb_log *screen = NULL;
    if (scb_log_new(STDERR_FILENO, SCB_LOG_ERROR, SCB_LOG_JSON, scb_clock_system(), &screen,
                    NULL) != SCB_OK)
        return false;
    scb_log_set_own_run(screen, run_id);
    write_to(screen, failure);
    scb_log_free(screen);
    return true;
}

static void show_line(const struct scb_error *failure)
{
    char message[sizeof(failure->message) + 256], hint[sizeof(failure->hint) + 64];
    const uint8_t *text = (const uint8_t *)failure->message;
    scb_text_printable((struct scb_bytes){text, strlen(failure->message)}, message,
                       sizeof(message));
    text = (const uint8_t *)failure->hint;
    scb_text_printable((struct scb_bytes){text, strlen(failure->hint)}, hint, sizeof(hint));
    bool color = scb_output_has_color(STDERR_FILENO);
    (void)fprintf(stderr, "satellite: %s%s%s: %s%s%s\n", color ? "\033[31m" : "",
                  scb_status_name(failure->status), color ? "\033[0m" : "", message,
                  hint[0] == '\0' ? "" : "; ", hint);
}

void scb_failure_show(const struct scb_error *failure, bool as_json, const char *run_id,
                      struct scb_log *log)
{
    if (!as_json || !show_fields(failure, run_id))
        show_line(failure);
    if (log != NULL)
        write_to(log, failure);
}
