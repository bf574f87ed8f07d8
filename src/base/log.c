/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_LINE = 64 * 1024 };

struct scb_log {
    pthread_mutex_t lock;
    int fd;
    enum scb_log_level level;
    enum scb_log_format format;
    const struct scb_clock *clock;
    struct scb_buffer line;
    void (*around_line)(void *state, bool before);
    void *around_state;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

enum scb_status scb_log_new(int fd, enum scb_log_level level, enum scb_log_format format,
                            const struct scb_clock *clock, struct scb_log **ret_log,
                            struct scb_error *error)
{
    struct scb_log *log = scb_alloc(1, sizeof(*log), error);
    if (log == NULL)
        return SCB_ERROR_RESOURCE;
    *log = (struct scb_log){
        .fd = fd, .level = level, .format = format, .clock = clock, .line = {.max = MAX_LINE}};
    pthread_mutex_init(&log->lock, NULL);
    *ret_log = log;
    return SCB_OK;
}

void scb_log_free(struct scb_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    scb_buffer_free(&log->line);
    free(log);
}

void scb_log_cleanup(struct scb_log **log)
{
    scb_log_free(*log);
}

void scb_log_set_hook(struct scb_log *log, void (*around_line)(void *state, bool before),
                      void *state)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    log->around_line = around_line;
    log->around_state = state;
    pthread_mutex_unlock(&log->lock);
}

bool scb_log_enabled(const struct scb_log *log, enum scb_log_level level)
{
    return log != NULL && level <= log->level;
}

static enum scb_status format_json(struct scb_log *log, enum scb_log_level level,
                                   const char *message, const struct scb_log_field *fields,
                                   size_t count)
{
    char now[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(scb_clock_real_ms(log->clock), now);
    struct scb_json json;
    scb_json_begin(&json, &log->line);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "level", level_names[level]);
    scb_json_text(&json, "ts", now);
    scb_json_text(&json, "msg", message);
    for (size_t i = 0; i < count; i++) {
        const struct scb_log_field *field = &fields[i];
        if (field->type == SCB_LOG_TEXT)
            scb_json_text(&json, field->name, field->text);
        else if (field->type == SCB_LOG_BOOLEAN)
            scb_json_boolean(&json, field->name, field->integer != 0);
        else if (field->type == SCB_LOG_INTEGER)
            scb_json_integer(&json, field->name, field->integer);
        else
            scb_json_unsigned(&json, field->name, (uint64_t)field->integer);
    }
    scb_json_close_object(&json);
    return scb_json_finish(&json, NULL);
}

static enum scb_status append_console_text(struct scb_buffer *line, const char *text)
{
    char printable[2048];
    struct scb_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return scb_buffer_append_text(line, scb_text_printable(bytes, printable, sizeof(printable)),
                                  NULL);
}

static enum scb_status append_console_field(struct scb_buffer *line,
                                            const struct scb_log_field *field)
{
    enum scb_status status = scb_buffer_printf(line, NULL, " %s=", field->name);
    if (status != SCB_OK)
        return status;
    switch (field->type) {
    case SCB_LOG_TEXT:
        return append_console_text(line, field->text == NULL ? "-" : field->text);
    case SCB_LOG_BOOLEAN:
        return scb_buffer_append_text(line, field->integer != 0 ? "true" : "false", NULL);
    case SCB_LOG_INTEGER:
        return scb_buffer_printf(line, NULL, "%" PRId64, field->integer);
    case SCB_LOG_UNSIGNED:
        return scb_buffer_printf(line, NULL, "%" PRIu64, (uint64_t)field->integer);
    }
    return SCB_OK;
}

static enum scb_status format_console(struct scb_log *log, enum scb_log_level level,
                                      const char *message, const struct scb_log_field *fields,
                                      size_t count)
{
    char now[SCB_TIMESTAMP_SIZE];
    scb_timestamp_format(scb_clock_real_ms(log->clock), now);
    enum scb_status status =
        scb_buffer_printf(&log->line, NULL, "%.8s %-5s ", now + 11, level_names[level]);
    if (status == SCB_OK)
        status = append_console_text(&log->line, message);
    for (size_t i = 0; i < count && status == SCB_OK; i++)
        status = append_console_field(&log->line, &fields[i]);
    return status;
}

void scb_log_write(struct scb_log *log, enum scb_log_level level, const char *message,
                   const struct scb_log_field *fields, size_t count)
{
    if (!scb_log_enabled(log, level))
        return;
    pthread_mutex_lock(&log->lock);
    scb_buffer_clear(&log->line);
    enum scb_status status = log->format == SCB_LOG_JSON
                                 ? format_json(log, level, message, fields, count)
                                 : format_console(log, level, message, fields, count);
    if (status == SCB_OK)
        status = scb_buffer_append(&log->line, "\n", 1, NULL);
    if (log->around_line != NULL)
        log->around_line(log->around_state, true);
    size_t done = 0;
    while (status == SCB_OK && done < log->line.size) {
        ssize_t written = write(log->fd, log->line.data + done, log->line.size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break; /* there is nobody left to tell */
        done += (size_t)written;
    }
    if (log->around_line != NULL)
        log->around_line(log->around_state, false);
    pthread_mutex_unlock(&log->lock);
}

void scb_log_failure(struct scb_log *log, const char *message, const char *backup_date,
                     const struct scb_error *failure)
{
    scb_log_error(log, message, SCB_TEXT("backup_date", backup_date),
                  SCB_TEXT("error_type", scb_status_name(failure->status)),
                  SCB_TEXT("error", failure->message), SCB_TEXT("hint", failure->hint),
                  SCB_FLAG("retryable", failure->retryable));
}
