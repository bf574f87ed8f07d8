/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structured log: one line an event, a JSON object or a console line, with typed fields.
 * Only job/, service/ and cli/ log above debug. Thread-safe.
 */
#ifndef SCB_BASE_LOG_H
#define SCB_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "scb/error.h"

enum scb_log_level { SCB_LOG_ERROR, SCB_LOG_WARN, SCB_LOG_INFO, SCB_LOG_DEBUG };
enum scb_log_format { SCB_LOG_JSON, SCB_LOG_CONSOLE };

struct scb_log_field {
    const char *name;
    enum { SCB_LOG_TEXT, SCB_LOG_INTEGER, SCB_LOG_UNSIGNED, SCB_LOG_BOOLEAN } type;
    const char *text;
    int64_t integer;
};

#define SCB_TEXT(name_, value_)                                                                    \
    ((struct scb_log_field){.name = (name_), .type = SCB_LOG_TEXT, .text = (value_)})
#define SCB_NUMBER(name_, value_)                                                                  \
    ((struct scb_log_field){.name = (name_), .type = SCB_LOG_INTEGER, .integer = (int64_t)(value_)})
#define SCB_FLAG(name_, value_)                                                                    \
    ((struct scb_log_field){.name = (name_), .type = SCB_LOG_BOOLEAN, .integer = (value_)})

struct scb_log;

/*
 * A log that appends to fd (not closed by it). before_line, where given, is called with the lock
 * held before each line and after it: the progress line is taken away and drawn again there.
 */
SCB_MUST_CHECK enum scb_status scb_log_new(int fd, enum scb_log_level level,
                                           enum scb_log_format format,
                                           const struct scb_clock *clock, struct scb_log **ret_log,
                                           struct scb_error *error);
void scb_log_free(struct scb_log *log);
void scb_log_cleanup(struct scb_log **log);

/* Called around each line; NULL takes the hook away. */
void scb_log_set_hook(struct scb_log *log, void (*around_line)(void *state, bool before),
                      void *state);

/* From any thread. */
void scb_log_set_level(struct scb_log *log, enum scb_log_level level);

/* Whose lines they are: 16 hexadecimal digits, found again wherever the run is told of. */
enum { SCB_RUN_ID_SIZE = 17 };
void scb_run_id_new(char ret_id[SCB_RUN_ID_SIZE]);
/* Every line has this id from now on ("": none), copied; */
void scb_log_set_own_run(struct scb_log *log, const char *run_id);
/* but this one instead, until "" ends that: of one run among those of a service. */
void scb_log_set_run(struct scb_log *log, const char *run_id);

/*
 * Each line begins with "<N>", syslog's number of its level, which journald reads and takes away
 * (sd-daemon(3)).
 */
void scb_log_set_priorities(struct scb_log *log, bool on);
/* Whether fd is the stream that JOURNAL_STREAM names: journald reads what is written there. */
bool scb_log_is_journal(int fd, const char *journal_stream);

/*
 * path (borrowed) is what the log's descriptor is open on: after scb_log_reopen, which is
 * async-signal-safe, the next line goes to a new file of that name (logrotate).
 */
void scb_log_set_path(struct scb_log *log, const char *path);
void scb_log_reopen(struct scb_log *log);

bool scb_log_enabled(const struct scb_log *log, enum scb_log_level level);

/*
 * Writes one line; a NULL log writes nothing. Texts are escaped, so one event is one line. Of the
 * same line over and over some are written a minute (base/log_repeat.h), then how many more.
 */
void scb_log_write(struct scb_log *log, enum scb_log_level level, const char *message,
                   const struct scb_log_field *fields, size_t count);

#define SCB_LOG_(log_, level_, message_, ...)                                                      \
    scb_log_write((log_), (level_), (message_), (const struct scb_log_field[]){__VA_ARGS__},       \
                  sizeof((const struct scb_log_field[]){__VA_ARGS__}) /                            \
                      sizeof(struct scb_log_field))
#define scb_log_error(log_, message_, ...) SCB_LOG_(log_, SCB_LOG_ERROR, message_, __VA_ARGS__)
#define scb_log_warn(log_, message_, ...)  SCB_LOG_(log_, SCB_LOG_WARN, message_, __VA_ARGS__)
#define scb_log_info(log_, message_, ...)  SCB_LOG_(log_, SCB_LOG_INFO, message_, __VA_ARGS__)
#define scb_log_debug(log_, message_, ...) SCB_LOG_(log_, SCB_LOG_DEBUG, message_, __VA_ARGS__)

/* An error with its type, hint and whether it can be retried, at level error. */
void scb_log_failure(struct scb_log *log, const char *message, const char *backup_date,
                     const struct scb_error *failure);

#endif
