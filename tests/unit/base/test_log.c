/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/log: exact lines of both forms, levels, one event one line, whole lines from many
 * threads, the hook around them.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../failing_calls.h"
#include "base/log.h"
#include "base/memory.h"

static int64_t fixed_ms(void *state)
{
    (void)state;
    return 1705307400123;
}

static const struct scb_clock clock_2024 = {fixed_ms, fixed_ms, NULL};

/* A log into a file in memory. */
struct fixture {
    int fd;
    struct scb_log *log;
    char text[256 * 1024];
};

static int set_up(void **state)
{
    calls_reset();
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fixture->fd >= 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scb_log_free(fixture->log);
    (void)close(fixture->fd);
    free(fixture);
    return 0;
}

static void open_log(struct fixture *fixture, enum scb_log_level level, enum scb_log_format format)
{
    scb_log_free(fixture->log);
    assert_int_equal(scb_log_new(fixture->fd, level, format, &clock_2024, &fixture->log, NULL),
                     SCB_OK);
}

/* What was logged since the last call. */
static const char *take_text(struct fixture *fixture)
{
    ssize_t size = pread(fixture->fd, fixture->text, sizeof(fixture->text) - 1, 0);
    assert_true(size >= 0);
    fixture->text[size] = '\0';
    assert_int_equal(ftruncate(fixture->fd, 0), 0);
    assert_int_equal(lseek(fixture->fd, 0, SEEK_SET), 0);
    return fixture->text;
}

static void write_one(struct scb_log *log)
{
    scb_log_info(log, "Backup \"done\"", SCB_TEXT("backup_date", "2024-01-15"),
                 SCB_NUMBER("keys", -7), SCB_FLAG("signed", true), SCB_FLAG("encrypted", false),
                 SCB_TEXT("none", NULL),
                 ((struct scb_log_field){
                     .name = "big", .type = SCB_LOG_UNSIGNED, .integer = (int64_t)UINT64_MAX}));
}

static void lines_have_their_exact_form(void **state)
{
    struct fixture *fixture = *state;
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_JSON);
    write_one(fixture->log);
    assert_string_equal(
        take_text(fixture),
        "{\"level\":\"info\",\"ts\":\"2024-01-15T08:30:00.123Z\",\"msg\":\"Backup \\\"done\\\"\","
        "\"backup_date\":\"2024-01-15\",\"keys\":-7,\"signed\":true,\"encrypted\":false,"
        "\"none\":null,\"big\":18446744073709551615}\n");
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_CONSOLE);
    write_one(fixture->log);
    assert_string_equal(take_text(fixture),
                        "08:30:00 info  Backup \"done\" backup_date=2024-01-15 keys=-7 signed=true "
                        "encrypted=false none=- big=18446744073709551615\n");
    scb_log_write(fixture->log, SCB_LOG_ERROR, "bare", NULL, 0);
    assert_string_equal(take_text(fixture), "08:30:00 error bare\n");
}

static void only_what_is_wanted_is_written(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wanted[] = {"e", "ew", "ewi", "ewid"};
    for (int level = SCB_LOG_ERROR; level <= SCB_LOG_DEBUG; level++) {
        char seen[8] = "";
        open_log(fixture, (enum scb_log_level)level, SCB_LOG_JSON);
        scb_log_error(fixture->log, "m", SCB_NUMBER("n", 1));
        scb_log_warn(fixture->log, "m", SCB_NUMBER("n", 1));
        scb_log_info(fixture->log, "m", SCB_NUMBER("n", 1));
        scb_log_debug(fixture->log, "m", SCB_NUMBER("n", 1));
        const char *at = take_text(fixture);
        while ((at = strstr(at, "\"level\":\"")) != NULL) {
            at += strlen("\"level\":\"");
            seen[strlen(seen)] = *at;
        }
        assert_string_equal(seen, wanted[level]);
        for (int other = SCB_LOG_ERROR; other <= SCB_LOG_DEBUG; other++)
            assert_int_equal(scb_log_enabled(fixture->log, (enum scb_log_level)other),
                             other <= level);
    }
    assert_false(scb_log_enabled(NULL, SCB_LOG_ERROR));
    scb_log_error(NULL, "m", SCB_NUMBER("n", 1));
    scb_log_set_hook(NULL, NULL, NULL);
    scb_log_free(NULL);
}

static void one_event_is_one_line(void **state)
{
    struct fixture *fixture = *state;
    for (int format = SCB_LOG_JSON; format <= SCB_LOG_CONSOLE; format++) {
        open_log(fixture, SCB_LOG_INFO, (enum scb_log_format)format);
        scb_log_info(fixture->log, "a\nb\r\x1b[2J", SCB_TEXT("field", "c\nd\xff\x1b"));
        const char *text = take_text(fixture);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        assert_null(strpbrk(text, "\x1b\r\xff"));
    }
}

static void an_error_is_logged_in_fields(void **state)
{
    struct fixture *fixture = *state;
    struct scb_error failure = {0};
    (void)scb_error_set(&failure, SCB_ERROR_CONTRACT, "page 17: HTTP 429");
    (void)scb_error_hint(&failure, "add an endpoint");
    failure.retryable = true;
    open_log(fixture, SCB_LOG_ERROR, SCB_LOG_JSON);
    scb_log_failure(fixture->log, "Backup operation failed", "2024-01-15", &failure);
    assert_string_equal(take_text(fixture),
                        "{\"level\":\"error\",\"ts\":\"2024-01-15T08:30:00.123Z\","
                        "\"msg\":\"Backup operation failed\",\"backup_date\":\"2024-01-15\","
                        "\"error_type\":\"ContractConnectionError\","
                        "\"error\":\"page 17: HTTP 429\",\"hint\":\"add an endpoint\","
                        "\"retryable\":true}\n");
}

/* A line is written whole or, where it is over 64 KiB, not at all. */
static void lines_are_never_torn(void **state)
{
    struct fixture *fixture = *state;
    SCB_AUTO(memory) char *huge = calloc(1, 70000);
    assert_non_null(huge);
    memset(huge, 'x', 69999);
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_JSON);
    scb_log_info(fixture->log, "too long", SCB_TEXT("field", huge));
    scb_log_info(fixture->log, "next", SCB_NUMBER("n", 1));
    assert_string_equal(
        take_text(fixture),
        "{\"level\":\"info\",\"ts\":\"2024-01-15T08:30:00.123Z\",\"msg\":\"next\",\"n\":1}\n");
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_CONSOLE);
    longest_write = 5;
    calls_fail(CALL_WRITE, 3, EINTR);
    scb_log_write(fixture->log, SCB_LOG_INFO, "in pieces", NULL, 0);
    assert_string_equal(take_text(fixture), "08:30:00 info  in pieces\n");
    calls_fail(CALL_WRITE, 1, EPIPE);
    scb_log_write(fixture->log, SCB_LOG_INFO, "nobody reads", NULL, 0);
    assert_string_equal(take_text(fixture), "");
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        scb_log_info(argument, "a line of some length", SCB_NUMBER("n", i));
    return NULL;
}

static void threads_write_whole_lines(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[THREADS];
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_JSON);
    longest_write = 16; /* so that lines without a lock around them would mix */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, fixture->log), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    FILE *lines = fmemopen(fixture->text, strlen(take_text(fixture)), "r");
    assert_non_null(lines);
    char line[256];
    int64_t sum = 0;
    size_t count = 0;
    for (; fgets(line, sizeof(line), lines) != NULL; count++) {
        json_t *read = json_loads(line, 0, NULL);
        if (read == NULL)
            fail_msg("torn: %s", line);
        sum += json_integer_value(json_object_get(read, "n"));
        json_decref(read);
    }
    assert_int_equal(fclose(lines), 0);
    assert_int_equal(count, THREADS * LINES);
    assert_int_equal(sum, THREADS * LINES * (LINES - 1) / 2);
}

struct hook {
    int fd;
    char seen[16];
};

static void around_line(void *state, bool before)
{
    struct hook *hook = state;
    off_t size = lseek(hook->fd, 0, SEEK_CUR);
    hook->seen[strlen(hook->seen)] = before ? '<' : '>';
    hook->seen[strlen(hook->seen)] = size == 0 ? '0' : '1';
}

static void the_hook_is_called_around_each_line(void **state)
{
    struct fixture *fixture = *state;
    struct hook hook = {.fd = fixture->fd};
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_CONSOLE);
    scb_log_set_hook(fixture->log, around_line, &hook);
    scb_log_debug(fixture->log, "not wanted", SCB_NUMBER("n", 1));
    assert_string_equal(hook.seen, "");
    scb_log_info(fixture->log, "wanted", SCB_NUMBER("n", 1));
    assert_string_equal(hook.seen, "<0>1");
    scb_log_set_hook(fixture->log, NULL, NULL);
    scb_log_info(fixture->log, "wanted", SCB_NUMBER("n", 1));
    assert_string_equal(hook.seen, "<0>1");
}

#define LOGGED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

/* A clock that stands where it is put. */
static int64_t moved_ms;

static int64_t moved(void *state)
{
    (void)state;
    return moved_ms;
}

static void the_same_line_over_and_over_is_counted(void **state)
{
    struct fixture *fixture = *state;
    static const struct scb_clock clock = {moved, moved, NULL};
    scb_log_free(fixture->log);
    assert_int_equal(
        scb_log_new(fixture->fd, SCB_LOG_INFO, SCB_LOG_JSON, &clock, &fixture->log, NULL), SCB_OK);
    for (moved_ms = 0; moved_ms < 59000; moved_ms += 1000) {
        scb_log_warn(fixture->log, "again", SCB_TEXT("note", "x"), SCB_NUMBER("n", 1));
        scb_log_warn(fixture->log, "again", SCB_TEXT("note", "x"), SCB_NUMBER("n", moved_ms));
    }
    const char *text = take_text(fixture);
    size_t alike = 0, different = 0;
    for (const char *at = text; (at = strstr(at, "\"n\":")) != NULL; at++) {
        bool is_one = strncmp(at, "\"n\":1}", 6) == 0;
        alike += is_one;
        different += !is_one;
    }
    assert_int_equal(alike, 20);
    assert_int_equal(different, 59);
    assert_null(strstr(text, "repeated"));
    moved_ms = 60001; /* whatever is said next, it comes first */
    scb_log_info(fixture->log, "other", SCB_NUMBER("n", 0));
    text = take_text(fixture);
    assert_string_equal(text, "{\"level\":\"warn\",\"ts\":\"1970-01-01T00:01:00.001Z\","
                              "\"msg\":\"again (repeated 39 times)\",\"repeated\":39}\n"
                              "{\"level\":\"info\",\"ts\":\"1970-01-01T00:01:00.001Z\","
                              "\"msg\":\"other\",\"n\":0}\n");
    for (int i = 0; i < 22; i++)
        scb_log_error(fixture->log, "end", SCB_NUMBER("n", 0));
    scb_log_free(fixture->log); /* and at the end */
    fixture->log = NULL;
    text = take_text(fixture);
    assert_non_null(strstr(text, "end (repeated 2 times)"));
}

static void more_different_lines_than_there_is_room_for_are_written(void **state)
{
    struct fixture *fixture = *state;
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_CONSOLE);
    for (int i = 0; i < 22 * 200; i++)
        scb_log_info(fixture->log, "m", SCB_NUMBER("n", i % 200));
    const char *text = take_text(fixture);
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    assert_int_equal(lines, 64 * 20 + (200 - 64) * 22);
}

static void the_level_changes_while_it_is_used(void **state)
{
    struct fixture *fixture = *state;
    open_log(fixture, SCB_LOG_WARN, SCB_LOG_CONSOLE);
    scb_log_info(fixture->log, "no", SCB_NUMBER("n", 1));
    scb_log_set_level(fixture->log, SCB_LOG_DEBUG);
    scb_log_debug(fixture->log, "yes", SCB_NUMBER("n", 1));
    assert_string_equal(take_text(fixture), "08:30:00 debug yes n=1\n");
    scb_log_set_level(NULL, SCB_LOG_DEBUG);
}

static void a_run_has_its_id_on_every_line(void **state)
{
    struct fixture *fixture = *state;
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_JSON);
    scb_log_set_run(fixture->log, "0123456789abcdef");
    scb_log_info(fixture->log, "m", SCB_NUMBER("n", 1));
    scb_log_set_run(fixture->log, "");
    scb_log_info(fixture->log, "m", SCB_NUMBER("n", 2));
    assert_string_equal(take_text(fixture),
                        "{\"level\":\"info\",\"ts\":\"2024-01-15T08:30:00.123Z\",\"msg\":\"m\","
                        "\"run_id\":\"0123456789abcdef\",\"n\":1}\n"
                        "{\"level\":\"info\",\"ts\":\"2024-01-15T08:30:00.123Z\",\"msg\":\"m\","
                        "\"n\":2}\n");
    scb_log_set_own_run(fixture->log, "00000000000000ff");
    scb_log_info(fixture->log, "m", SCB_NUMBER("n", 3));
    scb_log_set_run(fixture->log, "0123456789abcdef");
    scb_log_info(fixture->log, "m", SCB_NUMBER("n", 4));
    scb_log_set_run(fixture->log, "");
    scb_log_info(fixture->log, "m", SCB_NUMBER("n", 5));
    const char *text = take_text(fixture);
    assert_non_null(strstr(text, "\"run_id\":\"00000000000000ff\",\"n\":3}"));
    assert_non_null(strstr(text, "\"run_id\":\"0123456789abcdef\",\"n\":4}"));
    assert_non_null(strstr(text, "\"run_id\":\"00000000000000ff\",\"n\":5}"));
    open_log(fixture, SCB_LOG_INFO, SCB_LOG_CONSOLE);
    scb_log_set_run(fixture->log, "0123456789abcdef");
    scb_log_set_priorities(fixture->log, true);
    scb_log_error(fixture->log, "m", SCB_NUMBER("n", 1));
    assert_string_equal(take_text(fixture), "<3>08:30:00 error m n=1 run_id=0123456789abcdef\n");
    scb_log_set_run(NULL, "");
    scb_log_set_own_run(NULL, "");
}

static void the_file_is_opened_again(void **state)
{
    (void)state;
    char path[] = "/tmp/test-log-XXXXXX", old[64], text[512];
    int fd = mkstemp(path);
    struct scb_log *log = NULL;
    (void)snprintf(old, sizeof(old), "%s.1", path);
    assert_int_equal(scb_log_new(fd, SCB_LOG_INFO, SCB_LOG_CONSOLE, &clock_2024, &log, NULL),
                     SCB_OK);
    scb_log_reopen(log); /* without a path there is nothing to open */
    scb_log_info(log, "m", SCB_NUMBER("n", 1));
    scb_log_set_path(log, path);
    assert_int_equal(rename(path, old), 0);
    scb_log_info(log, "m", SCB_NUMBER("n", 2));
    scb_log_reopen(log);
    scb_log_info(log, "m", SCB_NUMBER("n", 3));
    FILE *file = fopen(old, "r");
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    assert_string_equal(text, "08:30:00 info  m n=1\n08:30:00 info  m n=2\n");
    file = fopen(path, "r");
    size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    assert_string_equal(text, "08:30:00 info  m n=3\n");
    scb_log_set_path(log, "/nonexistent/log"); /* the old one is better than none */
    scb_log_reopen(log);
    scb_log_info(log, "m", SCB_NUMBER("n", 4));
    file = fopen(path, "r");
    size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    assert_non_null(strstr(text, "Log file not opened again error=No such file"));
    assert_non_null(strstr(text, "m n=4"));
    scb_log_free(log);
    scb_log_reopen(NULL);
    (void)close(fd);
    (void)unlink(path);
    (void)unlink(old);
}

static void a_journal_is_known_by_its_stream(void **state)
{
    struct fixture *fixture = *state;
    struct stat stream;
    char name[64];
    assert_int_equal(fstat(fixture->fd, &stream), 0);
    (void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)stream.st_dev,
                   (uintmax_t)stream.st_ino);
    assert_true(scb_log_is_journal(fixture->fd, name));
    assert_false(scb_log_is_journal(fixture->fd, "1:1"));
    assert_false(scb_log_is_journal(fixture->fd, NULL));
    assert_false(scb_log_is_journal(-1, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGGED(lines_have_their_exact_form),
        LOGGED(only_what_is_wanted_is_written),
        LOGGED(one_event_is_one_line),
        LOGGED(an_error_is_logged_in_fields),
        LOGGED(lines_are_never_torn),
        LOGGED(threads_write_whole_lines),
        LOGGED(the_hook_is_called_around_each_line),
        LOGGED(the_same_line_over_and_over_is_counted),
        LOGGED(more_different_lines_than_there_is_room_for_are_written),
        LOGGED(the_level_changes_while_it_is_used),
        LOGGED(a_run_has_its_id_on_every_line),
        LOGGED(the_file_is_opened_again),
        LOGGED(a_journal_is_known_by_its_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
