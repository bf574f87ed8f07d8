/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { BAR = 20, LOG_MS = 10000 };

/* "118k", "1.2M", "950" */
static void format_rate(double rate, char *ret_text, size_t size)
{
    if (rate >= 1e6)
        (void)snprintf(ret_text, size, "%.1fM", rate / 1e6);
    else if (rate >= 1e4)
        (void)snprintf(ret_text, size, "%.0fk", rate / 1e3);
    else
        (void)snprintf(ret_text, size, "%.0f", rate);
}

static double keys_per_second(const struct scb_run_progress *progress)
{
    return progress->elapsed_ms <= 0 ? 0
                                     : (double)progress->keys * 1000 / (double)progress->elapsed_ms;
}

void scb_progress_format(const struct scb_run_progress *progress, char *ret_text, size_t size)
{
    char bar[BAR + 1], keys[32], rate[32], eta[32] = "-";
    uint64_t total = progress->total_pages == 0 ? 1 : progress->total_pages;
    size_t filled = (size_t)(progress->pages * BAR / total);
    for (size_t i = 0; i < BAR; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[BAR] = '\0';
    double per_second = keys_per_second(progress);
    scb_text_format_count(progress->keys, keys, sizeof(keys));
    format_rate(per_second, rate, sizeof(rate));
    if (per_second > 0)
        scb_text_format_elapsed(
            (int64_t)((double)(progress->total_keys - progress->keys) / per_second) * 1000, eta,
            sizeof(eta));
    (void)snprintf(ret_text, size,
                   "[%s] %" PRIu64 "/%" PRIu64
                   " pages \u00b7 %s keys \u00b7 %s keys/s \u00b7 eta %s",
                   bar, progress->pages, progress->total_pages, keys, rate, eta);
}

static void erase(const struct scb_progress_line *line)
{
    if (line->text[0] != '\0')
        (void)fputs("\r\033[K", stderr);
}

static void draw(const struct scb_progress_line *line)
{
    if (line->text[0] != '\0')
        (void)fputs(line->text, stderr);
    (void)fflush(stderr);
}

/* Called around every log line that goes to the same terminal. */
static void around_log_line(void *state, bool before)
{
    struct scb_progress_line *line = state;
    if (before) {
        pthread_mutex_lock(&line->lock); /* until the line is drawn again */
        erase(line);
        (void)fflush(stderr);
    } else {
        draw(line);
        pthread_mutex_unlock(&line->lock);
    }
}

void scb_progress_begin(struct scb_progress_line *line, const struct scb_command_context *context)
{
    *line = (struct scb_progress_line){.log = context->log, .lock = PTHREAD_MUTEX_INITIALIZER};
    bool terminal = isatty(STDERR_FILENO) == 1;
    if (context->progress == SCB_PROGRESS_ALWAYS ||
        (context->progress == SCB_PROGRESS_AUTO && terminal))
        line->way = SCB_PROGRESS_LINE;
    else if (context->progress == SCB_PROGRESS_AUTO)
        line->way = SCB_PROGRESS_LOG;
    if (line->way == SCB_PROGRESS_LINE)
        scb_log_set_hook(line->log, around_log_line, line);
}

static void redraw(struct scb_progress_line *line, const char *text)
{
    pthread_mutex_lock(&line->lock);
    erase(line);
    (void)snprintf(line->text, sizeof(line->text), "%s", text);
    draw(line);
    pthread_mutex_unlock(&line->lock);
}

/* Whether a log line is due; it is taken to be written. */
static bool is_due(struct scb_progress_line *line, int64_t elapsed_ms)
{
    if (elapsed_ms < line->logged_ms) /* another run */
        line->logged_ms = 0;
    if (line->way != SCB_PROGRESS_LOG || elapsed_ms - line->logged_ms < LOG_MS)
        return false;
    line->logged_ms = elapsed_ms;
    return true;
}

void scb_progress_show(void *state, const struct scb_run_progress *progress)
{
    struct scb_progress_line *line = state;
    if (line->way == SCB_PROGRESS_LINE) {
        char text[sizeof(line->text)];
        scb_progress_format(progress, text, sizeof(text));
        redraw(line, text);
    } else if (is_due(line, progress->elapsed_ms)) {
        char message[64];
        (void)snprintf(message, sizeof(message), "%s progress",
                       progress->activity == NULL ? "Backup" : progress->activity);
        scb_log_info(line->log, message, SCB_TEXT("backup_date", progress->backup_date),
                     SCB_NUMBER("pages", progress->pages),
                     SCB_NUMBER("total_pages", progress->total_pages),
                     SCB_NUMBER("keys", progress->keys),
                     SCB_NUMBER("keys_per_second", (int64_t)keys_per_second(progress)));
    }
}

void scb_progress_show_restore(void *state, const struct scb_restore_progress *progress)
{
    struct scb_progress_line *line = state;
    char text[sizeof(line->text)], done[32], total[32], elapsed[32];
    if (line->way == SCB_PROGRESS_LINE) {
        bool has_total = progress->total > 0;
        scb_text_format_count(progress->done, done, sizeof(done));
        scb_text_format_count(progress->total, total, sizeof(total));
        scb_text_format_elapsed(progress->elapsed_ms, elapsed, sizeof(elapsed));
        (void)snprintf(text, sizeof(text), "%s: %s%s%s \u00b7 %s", progress->what, done,
                       has_total ? " of " : "", has_total ? total : "", elapsed);
        redraw(line, text);
    } else if (is_due(line, progress->elapsed_ms)) {
        scb_log_info(line->log, "Restore progress", SCB_TEXT("step", progress->what),
                     SCB_NUMBER("done", progress->done), SCB_NUMBER("total", progress->total));
    }
}

void scb_progress_clear(struct scb_progress_line *line)
{
    if (line->way != SCB_PROGRESS_LINE)
        return;
    pthread_mutex_lock(&line->lock);
    erase(line);
    line->text[0] = '\0';
    (void)fflush(stderr);
    pthread_mutex_unlock(&line->lock);
}

void scb_progress_end(struct scb_progress_line *line)
{
    if (line->way != SCB_PROGRESS_LINE)
        return;
    scb_log_set_hook(line->log, NULL, NULL);
    if (line->text[0] != '\0') /* the finished bar stays on the screen */
        (void)fputs("\n", stderr);
    line->text[0] = '\0';
}
