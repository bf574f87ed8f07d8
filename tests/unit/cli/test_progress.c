/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/progress: the line's exact form; the line on a terminal, with log lines between; log
 * lines elsewhere.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/progress.h"

static void the_line_has_its_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t pages, total_pages, keys, total_keys;
        int64_t elapsed_ms;
        const char *line;
    } table[] = {
        {412, 1000, 41200, 100000, 350,
         "[========>           ] 412/1000 pages · 41,200 keys · 118k keys/s · eta 0s"},
        {412, 1000, 41200, 100000, 3500,
         "[========>           ] 412/1000 pages · 41,200 keys · 12k keys/s · eta 4s"},
        {412, 1000, 41200, 100000, 4200,
         "[========>           ] 412/1000 pages · 41,200 keys · 9810 keys/s · eta 5s"},
        {0, 1000, 0, 100000, 0, "[>                   ] 0/1000 pages · 0 keys · 0 keys/s · eta -"},
        {0, 1000, 0, 100000, 5000,
         "[>                   ] 0/1000 pages · 0 keys · 0 keys/s · eta -"},
        {999, 1000, 99900, 100000, 1000000,
         "[===================>] 999/1000 pages · 99,900 keys · 100 keys/s · eta 1s"},
        {1000, 1000, 100000, 100000, 10000,
         "[====================] 1000/1000 pages · 100,000 keys · 10k keys/s · eta 0s"},
        {1, 1, 0, 0, 10, "[====================] 1/1 pages · 0 keys · 0 keys/s · eta -"},
        {0, 0, 0, 0, 0, "[>                   ] 0/0 pages · 0 keys · 0 keys/s · eta -"},
        {50000, 100000, 5000000, 10000000, 2000,
         "[==========>         ] 50000/100000 pages · 5,000,000 keys · 2.5M keys/s · eta 2s"},
        {1, 1000000, 100, 100000000, 1000,
         "[>                   ] 1/1000000 pages · 100 keys · 100 keys/s · eta 277h46m"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        const struct scb_run_progress progress = {.pages = table[i].pages,
                                                  .total_pages = table[i].total_pages,
                                                  .keys = table[i].keys,
                                                  .total_keys = table[i].total_keys,
                                                  .elapsed_ms = table[i].elapsed_ms};
        char text[512];
        scb_progress_format(&progress, text, sizeof(text));
        assert_string_equal(text, table[i].line);
    }
}

/* Standard error, and the log with it, go to a file in memory while a test runs. */
static int captured = -1, standard_error = -1;
static struct scb_log *captured_log;

static int64_t fixed_ms(void *state)
{
    (void)state;
    return 1705307400123;
}

static int set_up(void **state)
{
    (void)state;
    static const struct scb_clock clock = {fixed_ms, fixed_ms, NULL};
    captured = memfd_create("stderr", MFD_CLOEXEC);
    standard_error = dup(STDERR_FILENO);
    assert_true(captured >= 0 && standard_error >= 0);
    assert_int_equal(fflush(stderr), 0);
    assert_int_equal(dup2(captured, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(
        scb_log_new(STDERR_FILENO, SCB_LOG_INFO, SCB_LOG_CONSOLE, &clock, &captured_log, NULL),
        SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scb_log_free(captured_log);
    (void)fflush(stderr);
    assert_int_equal(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
    (void)close(standard_error);
    (void)close(captured);
    return 0;
}

static void assert_captured(const char *expected)
{
    static char text[8192];
    (void)fflush(stderr);
    ssize_t size = pread(captured, text, sizeof(text) - 1, 0);
    assert_true(size >= 0);
    text[size] = '\0';
    assert_string_equal(text, expected);
}

static void begin(struct scb_progress_line *line, enum scb_progress progress)
{
    const struct scb_command_context context = {.log = captured_log, .progress = progress};
    scb_progress_begin(line, &context);
}

#define HALF "[==========>         ] 5/10 pages · 500 keys · 500 keys/s · eta 1s"
#define DONE "[====================] 10/10 pages · 1,000 keys · 500 keys/s · eta 0s"
static const struct scb_run_progress half = {NULL, "2024-01-15", 5, 10, 500, 1000, 0, 1000};
static const struct scb_run_progress done = {NULL, "2024-01-15", 10, 10, 1000, 1000, 0, 2000};

static void the_line_is_redrawn_around_log_lines(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_ALWAYS);
    scb_log_write(captured_log, SCB_LOG_INFO, "before it", NULL, 0);
    scb_progress_show(&line, &half);
    scb_log_write(captured_log, SCB_LOG_INFO, "between", NULL, 0);
    scb_progress_show(&line, &done);
    scb_progress_end(&line);
    memset(line.text, 'x', sizeof(line.text) - 1); /* nobody looks at it from now on */
    scb_log_write(captured_log, SCB_LOG_INFO, "after it", NULL, 0);
    assert_captured("08:30:00 info  before it\n" HALF "\r\033[K08:30:00 info  between\n" HALF
                    "\r\033[K" DONE "\n08:30:00 info  after it\n");
}

static void a_line_that_was_never_drawn_leaves_nothing(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_ALWAYS);
    scb_progress_end(&line);
    assert_captured("");
}

static void off_a_terminal_it_is_logged_every_ten_seconds(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_AUTO);
    for (int64_t ms = 0; ms <= 30000; ms += 100) {
        struct scb_run_progress progress = half;
        progress.elapsed_ms = ms;
        scb_progress_show(&line, &progress);
    }
    scb_progress_end(&line);
#define LOGGED                                                                                     \
    "08:30:00 info  Backup progress backup_date=2024-01-15 pages=5 total_pages=10 keys=500"
    assert_captured(LOGGED " keys_per_second=50\n" LOGGED " keys_per_second=25\n" LOGGED
                           " keys_per_second=16\n");
}

static const struct scb_restore_progress sending = {"sending", 1200, 5000, 12000};

static void a_restore_has_a_line_too(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_ALWAYS);
    scb_progress_show_restore(&line, &sending);
    scb_log_write(captured_log, SCB_LOG_INFO, "between", NULL, 0);
    scb_progress_clear(&line);
    scb_progress_end(&line);
#define SENDING "sending: 1,200 of 5,000 \u00b7 12s"
    assert_captured(SENDING "\r\033[K08:30:00 info  between\n" SENDING "\r\033[K");
}

static void off_a_terminal_a_restore_is_logged_every_ten_seconds(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_AUTO);
    for (int64_t ms = 0; ms <= 25000; ms += 100) {
        struct scb_restore_progress progress = sending;
        progress.elapsed_ms = ms;
        scb_progress_show_restore(&line, &progress);
    }
    scb_progress_end(&line);
#define RESTORED "08:30:00 info  Restore progress step=sending done=1200 total=5000\n"
    assert_captured(RESTORED RESTORED);
}

static void never_is_never(void **state)
{
    (void)state;
    struct scb_progress_line line;
    begin(&line, SCB_PROGRESS_NEVER);
    struct scb_run_progress progress = half;
    progress.elapsed_ms = 60000;
    scb_progress_show(&line, &progress);
    scb_progress_end(&line);
    assert_captured("");
}

#define CAPTURED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_has_its_form),
        CAPTURED(the_line_is_redrawn_around_log_lines),
        CAPTURED(a_line_that_was_never_drawn_leaves_nothing),
        CAPTURED(off_a_terminal_it_is_logged_every_ten_seconds),
        CAPTURED(a_restore_has_a_line_too),
        CAPTURED(off_a_terminal_a_restore_is_logged_every_ten_seconds),
        CAPTURED(never_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
