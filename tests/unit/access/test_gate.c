/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers access/gate.c: who is let through, what the log says of it, what happens where the log
 * cannot be written, and what is left of a URL.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "../temp_dir.h"
#include "access/gate.h"
#include "base/memory.h"

#define LOG "audit.log"

enum { STRANGER = 54321 };

static struct scb_gate gate;
static struct scb_bindings *bindings;
static const char *owned[2];
static char log_path[512], spilled[4096], warning[1100];
static struct scb_error error;
static struct scb_passage passage;

static void note_spill(void *state, const char *line)
{
    (void)state;
    (void)snprintf(spilled, sizeof(spilled), "%s", line);
}

static void note_warning(void *state, const struct scb_error *problem)
{
    (void)state;
    (void)snprintf(warning, sizeof(warning), "%s", problem->message);
}

static int set_up(void **state)
{
    (void)temp_set_up(state);
    const char *const texts[] = {"uid:54321=operator", NULL};
    assert_int_equal(scb_bindings_parse(texts, &bindings, &error), SCB_OK);
    (void)snprintf(log_path, sizeof(log_path), "%s/" LOG, temp_dir);
    owned[0] = temp_dir;
    gate = (struct scb_gate){.bindings = bindings,
                             .owned = owned,
                             .config_path = "/etc/my.yaml",
                             .audit = {.path = log_path,
                                       .cert_path = "",
                                       .key_path = "",
                                       .head_interval = 50,
                                       .max_file_bytes = 1 << 20,
                                       .clock = scb_clock_system(),
                                       .warn = note_warning,
                                       .spill = note_spill}};
    spilled[0] = warning[0] = '\0';
    error = (struct scb_error){0};
    return 0;
}

static int tear_down(void **state)
{
    scb_bindings_free(bindings);
    return temp_tear_down(state);
}

static enum scb_status begin(enum scb_caller_kind kind, enum scb_operation_id operation)
{
    static const char *const arguments[] = {"--backup-date=2024-01-15"};
    struct scb_caller caller;
    scb_caller_user(STRANGER, &caller);
    if (kind == SCB_CALLER_SERVICE)
        scb_caller_service(&caller);
    error = (struct scb_error){0};
    return scb_gate_begin(&gate, &caller, operation, arguments, 1, &passage, &error);
}

static size_t line_count(void)
{
    size_t count = 0;
    for (const char *at = temp_read(LOG); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void a_change_is_in_the_log_before_it_is_made(void **state)
{
    (void)state;
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_run), SCB_OK);
    assert_int_equal(line_count(), 1);
    assert_non_null(strstr(temp_read(LOG), "\"result\":\"started\""));
    assert_non_null(strstr(temp_read(LOG), "\"caller\":\"uid:54321\",\"role\":\"operator\","
                                           "\"operation\":\"backup_run\",\"arguments\":"
                                           "[\"--backup-date=2024-01-15\"]"));
    scb_gate_end(&gate, &passage, SCB_ERROR_CONTRACT);
    assert_int_equal(line_count(), 2);
    assert_non_null(strstr(
        temp_read(LOG), "\"result\":\"ContractConnectionError\",\"started\":1,\"duration_ms\":"));
}

static void reading_has_one_line_where_there_is_a_log(void **state)
{
    (void)state;
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_list), SCB_OK);
    scb_gate_end(&gate, &passage, SCB_OK);
    assert_string_equal(temp_list("."), "");
    assert_string_equal(warning, "");
    temp_write(LOG, "");
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_list), SCB_OK);
    assert_int_equal(line_count(), 0);
    scb_gate_end(&gate, &passage, SCB_ERROR_DIFFERENT);
    assert_int_equal(line_count(), 1);
    assert_non_null(strstr(temp_read(LOG), "\"result\":\"Different\""));
}

static void who_may_not_is_told_and_noted(void **state)
{
    (void)state;
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_restore), SCB_ERROR_ACCESS);
    assert_string_equal(error.message,
                        "backup_restore takes the role admin; uid:54321 has operator");
    assert_non_null(strstr(error.hint, "uid:54321=admin to access.bindings in /etc/my.yaml"));
    assert_int_equal(line_count(), 1);
    assert_non_null(strstr(temp_read(LOG), "\"operation\":\"backup_restore\""));
    assert_non_null(strstr(temp_read(LOG), "\"result\":\"AccessError\""));
}

static void help_is_everybodys_and_leaves_nothing(void **state)
{
    (void)state;
    struct scb_caller caller;
    scb_caller_user(STRANGER + 1, &caller);
    assert_int_equal(scb_gate_begin(&gate, &caller, SCB_OPERATION_help, NULL, 0, &passage, &error),
                     SCB_OK);
    scb_gate_end(&gate, &passage, SCB_OK);
    assert_string_equal(temp_list("."), "");
    assert_int_equal(
        scb_gate_begin(&gate, &caller, SCB_OPERATION_backup_list, NULL, 0, &passage, &error),
        SCB_ERROR_ACCESS);
    assert_non_null(strstr(error.message, "uid:54322 has no role"));
}

/* Here: a link stands in its place. */
static void what_cannot_be_noted_is_not_done_except_by_the_service(void **state)
{
    (void)state;
    temp_link("/dev/full", LOG);
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_run), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "backup_run is refused, for it would not be audited"));
    assert_string_equal(spilled, "");

    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_list), SCB_OK);
    scb_gate_end(&gate, &passage, SCB_OK);
    assert_non_null(strstr(warning, "backup_list is not in the audit log"));
    assert_non_null(strstr(spilled, "{\"caller\":\"uid:54321\",\"role\":\"operator\",\"operation\":"
                                    "\"backup_list\""));

    spilled[0] = warning[0] = '\0';
    assert_int_equal(begin(SCB_CALLER_SERVICE, SCB_OPERATION_backup_run), SCB_OK);
    assert_non_null(strstr(spilled, "\"caller\":\"service\""));
    assert_non_null(strstr(spilled, "\"result\":\"started\""));
    scb_gate_end(&gate, &passage, SCB_ERROR_CONTRACT);
    assert_non_null(strstr(spilled, "\"result\":\"ContractConnectionError\""));
    assert_non_null(strstr(warning, "backup_run is not in the audit log"));

    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_restore), SCB_ERROR_ACCESS);
    assert_non_null(strstr(spilled, "\"result\":\"AccessError\""));
}

/* While a configuration is mended, no log is known: all goes to the system's. */
static void without_a_log_all_is_spilled(void **state)
{
    (void)state;
    gate.audit.path = NULL;
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_run), SCB_OK);
    assert_non_null(strstr(spilled, "\"result\":\"started\""));
    scb_gate_end(&gate, &passage, SCB_ERROR_CONTRACT);
    assert_non_null(strstr(spilled, "\"result\":\"ContractConnectionError\""));
    assert_int_equal(begin(SCB_CALLER_USER, SCB_OPERATION_backup_restore), SCB_ERROR_ACCESS);
    assert_non_null(strstr(spilled, "\"result\":\"AccessError\""));
    assert_string_equal(warning, "");
    assert_string_equal(temp_list("."), "");
}

static void urls_keep_their_secrets(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"", ""},
        {"https://h.example", "https://h.example"},
        {"https://h.example/", "https://h.example"},
        {"https://h.example/v3/SECRET", "https://h.example/***"},
        {"https://h.example?key=SECRET", "https://h.example/***"},
        {"https://h.example#SECRET", "https://h.example/***"},
        {"https://u:SECRET@h.example:8545", "https://h.example:8545/***"},
        {"https://u:SE@CRET@h.example", "https://h.example/***"},
        {"https://a/SECRET,wss://b/SECRET", "https://a/***,wss://b/***"},
        {"curl https://a/SECRET -v", "curl https://a/*** -v"},
        {"postgres://u:SECRET@db/name", "postgres://db/***"},
        {"sqlite:///var/lib/satellite/satellite.db", "sqlite:///var/lib/satellite/satellite.db"}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        char shown[128];
        scb_redact(cases[i][0], shown, sizeof(shown));
        assert_string_equal(shown, cases[i][1]);
    }
    char small[8];
    scb_redact("https://h.example/SECRET", small, sizeof(small));
    assert_string_equal(small, "https:/");
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_change_is_in_the_log_before_it_is_made),
        CASE(reading_has_one_line_where_there_is_a_log),
        CASE(who_may_not_is_told_and_noted),
        CASE(help_is_everybodys_and_leaves_nothing),
        CASE(what_cannot_be_noted_is_not_done_except_by_the_service),
        CASE(without_a_log_all_is_spilled),
        CASE(urls_keep_their_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
