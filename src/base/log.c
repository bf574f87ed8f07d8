/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file_watch.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log_repeat.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_LINE = 64 * 1024 };

struct scb_log {
    pthread_mutex_t lock;
    int fd;
    _Atomic enum scb_log_level level;
    enum scb_log_format format;
    const struct scb_clock *clock;
    struct scb_buffer line;
    struct scb_repeats repeats;
    char own_run_id[SCB_RUN_ID_SIZE], run_id[SCB_RUN_ID_SIZE];
    bool priorities;
    const char *path;
    atomic_bool reopen;
    void (*around_line)(void *state, bool before);
    void *around_state;
};

static void write_repeats(struct scb_log *log, bool all);

static const char *const level_names[] = {"error", "warn", "info", "debug"};

enum scb_status scb_log_new(int fd, enum scb_log_level level, enum scb_log_format format,
                            const struct scb_clock *clock, struct scb_log **ret_log,
                            struct scb_error *error)
{
    struct scb_log *log = scb_alloc(1, sizeof(*log), error);
    if (log == NULL)
        return SCB_ERROR_RESOURCE;
    log->fd = fd;
    log->level = level;
    log->format = format;
    log->clock = clock;
    log->line.max = MAX_LINE;
    pthread_mutex_init(&log->lock, NULL);
    *ret_log = log;
    return SCB_OK;
}

void scb_log_free(struct scb_log *log)
{
    if (log == NULL)
        return;
    write_repeats(log, true);
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

void scb_log_set_level(struct scb_log *log, enum scb_log_level level)
{
    if (log != NULL)
        atomic_store(&log->level, level);
}

void scb_run_id_new(char ret_id[SCB_RUN_ID_SIZE])
{
    uint8_t random[(SCB_RUN_ID_SIZE - 1) / 2];
    arc4random_buf(random, sizeof(random));
    scb_text_hex(random, sizeof(random), ret_id);
}

static void set_id(struct scb_log *log, char id[SCB_RUN_ID_SIZE], const char *run_id)
{
    pthread_mutex_lock(&log->lock);
    (void)snprintf(id, SCB_RUN_ID_SIZE, "%s", run_id);
    pthread_mutex_unlock(&log->lock);
}

void scb_log_set_own_run(struct scb_log *log, const char *run_id)
{
    if (log != NULL)
        set_id(log, log->own_run_id, run_id);
}

void scb_log_set_run(struct scb_log *log, const char *run_id)
{
    if (log != NULL)
        set_id(log, log->run_id, run_id);
}

static const char *present_run(const struct scb_log *log)
{
    return log->run_id[0] != '\0' ? log->run_id : log->own_run_id;
}

void scb_log_set_priorities(struct scb_log *log, bool on)
{
    log->priorities = on;
}

bool scb_log_is_journal(int fd, const char *journal_stream)
{
    struct stat stream;
    char name[48];
    if (journal_stream == NULL || fstat(fd, &stream) != 0)
        return false;
    (void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)stream.st_dev,
                   (uintmax_t)stream.st_ino);
    return strcmp(name, journal_stream) == 0;
}

void scb_log_set_path(struct scb_log *log, const char *path)
{
    log->path = path;
}

void scb_log_reopen(struct scb_log *log)
{
    if (log != NULL)
        atomic_store(&log->reopen, true);
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
    if (present_run(log)[0] != '\0')
        scb_json_text(&json, "run_id", present_run(log));
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
    if (status == SCB_OK && present_run(log)[0] != '\0')
        status = scb_buffer_printf(&log->line, NULL, " run_id=%s", present_run(log));
    return status;
}

static uint64_t key_of(enum scb_log_level level, const char *message,
                       const struct scb_log_field *fields, size_t count)
{
    uint64_t key = scb_hash(level, (struct scb_bytes){(const uint8_t *)message, strlen(message)});
    for (size_t i = 0; i < count; i++) {
        const char *texts[] = {fields[i].name, fields[i].text == NULL ? "" : fields[i].text};
        for (size_t j = 0; j < SCB_LENGTH(texts); j++)
            key = scb_hash(key, (struct scb_bytes){(const uint8_t *)texts[j], strlen(texts[j])});
        key = scb_hash(key, (struct scb_bytes){(const uint8_t *)&fields[i].integer,
                                               sizeof(fields[i].integer)});
    }
    return key;
}

static void write_out(const struct scb_log *log)
{
    size_t done = 0;
    while (done < log->line.size) {
        ssize_t written = write(log->fd, log->line.data + done, log->line.size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break; /* there is nobody left to tell */
        done += (size_t)written;
    }
}

static void write_file(const struct scb_log *log)
{
    SCB_FILE_OPERATION;
    write_out(log);
}

/* Under the lock. */
static void write_line(struct scb_log *log, enum scb_log_level level, const char *message,
                       const struct scb_log_field *fields, size_t count)
{
    static const int priorities[] = {3, 4, 6, 7};
    scb_buffer_clear(&log->line);
    enum scb_status status = SCB_OK;
    if (log->priorities)
        status = scb_buffer_printf(&log->line, NULL, "<%d>", priorities[level]);
    if (status == SCB_OK)
        status = log->format == SCB_LOG_JSON ? format_json(log, level, message, fields, count)
                                             : format_console(log, level, message, fields, count);
    if (status == SCB_OK)
        status = scb_buffer_append(&log->line, "\n", 1, NULL);
    if (log->around_line != NULL)
        log->around_line(log->around_state, true);
    if (status == SCB_OK && log->path != NULL)
        write_file(log);
    else if (status == SCB_OK) /* a terminal or a pipe, which may be stopped */
        write_out(log);
    if (log->around_line != NULL)
        log->around_line(log->around_state, false);
}

/* The descriptor's number stays: it is its owner's to close. */
static void reopen(struct scb_log *log)
{
    SCB_FILE_OPERATION;
    int fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) { /* the old file is better than none */
        const struct scb_log_field field = SCB_TEXT("error", strerrordesc_np(errno));
        write_line(log, SCB_LOG_ERROR, "Log file not opened again", &field, 1);
        return;
    }
    (void)dup3(fd, log->fd, O_CLOEXEC);
    (void)close(fd);
}

/* Says of what was held back how much it was. */
static void write_repeats(struct scb_log *log, bool all)
{
    struct scb_repeat repeat;
    while (scb_repeats_take(&log->repeats, all, scb_clock_monotonic_ms(log->clock), &repeat)) {
        char message[SCB_REPEAT_MESSAGE + 40];
        (void)snprintf(message, sizeof(message), "%s (repeated %" PRIu32 " times)", repeat.message,
                       repeat.held);
        const struct scb_log_field field = SCB_NUMBER("repeated", repeat.held);
        write_line(log, (enum scb_log_level)repeat.level, message, &field, 1);
    }
}

void scb_log_write(struct scb_log *log, enum scb_log_level level, const char *message,
                   const struct scb_log_field *fields, size_t count)
{
    if (!scb_log_enabled(log, level))
        return;
    uint64_t key = key_of(level, message, fields, count);
    pthread_mutex_lock(&log->lock);
    if (atomic_exchange(&log->reopen, false) && log->path != NULL)
        reopen(log);
    write_repeats(log, false);
    if (scb_repeats_admit(&log->repeats, key, (int)level, message,
                          scb_clock_monotonic_ms(log->clock)))
        write_line(log, level, message, fields, count);
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
