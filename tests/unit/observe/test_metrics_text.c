/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers observe/metrics_text: values, escapes, Prometheus's form; and that docs/monitoring.md has
 * the table as it is: `test_observe_metrics_text --write` puts it there.
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

#include "base/memory.h"
#include "observe/metrics_text.h"

static const char documentation[] = SCB_SOURCE_ROOT "/docs/monitoring.md";
static const char table_begin[] = "<!-- The table is made from src/observe/metrics.def by `make "
                                  "docs`. -->\n\n";
static const char table_end[] = "\n<!-- The end of the table. -->\n";

static void values_are_decimal_numbers_in_base_units(void **state)
{
    (void)state;
    static const struct {
        enum scb_metric_unit unit;
        uint64_t value;
        const char *text;
    } cases[] = {{SCB_UNIT_COUNT, 0, "0"},
                 {SCB_UNIT_COUNT, 1500, "1500"},
                 {SCB_UNIT_BYTES, UINT64_MAX, "18446744073709551615"},
                 {SCB_UNIT_SECONDS, 0, "0"},
                 {SCB_UNIT_SECONDS, 1, "0.001"},
                 {SCB_UNIT_SECONDS, 250, "0.25"},
                 {SCB_UNIT_SECONDS, 100, "0.1"},
                 {SCB_UNIT_SECONDS, 10000, "10"},
                 {SCB_UNIT_TIMESTAMP, 1705308600010, "1705308600.01"}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        char text[SCB_METRIC_VALUE_SIZE];
        scb_metric_format(cases[i].unit, cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* As NUL-terminated text in a static place. */
static const char *render(const struct scb_metrics_snapshot *snapshot,
                          struct scb_metric_range range)
{
    static char text[65536];
    struct scb_buffer out = {.max = sizeof(text) - 1};
    assert_int_equal(scb_metrics_prometheus(snapshot, range, &out, NULL), SCB_OK);
    if (out.size > 0)
        memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    scb_buffer_free(&out);
    return text;
}

#define ONLY(metric) ((struct scb_metric_range){SCB_METRIC_##metric, SCB_METRIC_##metric})

static void counters_have_help_type_and_every_result(void **state)
{
    (void)state;
    struct scb_metrics_snapshot snapshot = {0};
    snapshot.cells[SCB_CELL_VERIFY + SCB_COUNT_INVALID] = 3;
    assert_string_equal(render(&snapshot, ONLY(VERIFY)),
                        "# HELP satellite_backup_verify_total Backups verified; error: it could "
                        "not be checked\n"
                        "# TYPE satellite_backup_verify_total counter\n"
                        "satellite_backup_verify_total{result=\"valid\"} 0\n"
                        "satellite_backup_verify_total{result=\"invalid\"} 3\n"
                        "satellite_backup_verify_total{result=\"error\"} 0\n");
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    struct scb_metrics_snapshot snapshot = {0};
    uint64_t *cells = &snapshot.cells[SCB_CELL_PAGE_DURATION];
    cells[0] = 2;
    cells[2] = 1;
    cells[SCB_DURATION_BUCKETS - 1] = 1;
    cells[SCB_DURATION_BUCKETS] = 70012;
    const char *text = render(&snapshot, ONLY(PAGE_DURATION));
#define NAME "satellite_backup_page_duration_seconds"
    assert_non_null(strstr(text, "# TYPE " NAME " histogram\n" NAME "_bucket{le=\"0.005\"} 2\n" NAME
                                 "_bucket{le=\"0.01\"} 2\n" NAME "_bucket{le=\"0.025\"} 3\n"));
    assert_non_null(strstr(text, NAME "_bucket{le=\"60\"} 3\n" NAME "_bucket{le=\"+Inf\"} 4\n" NAME
                                      "_sum 70.012\n" NAME "_count 4\n"));
#undef NAME
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    struct scb_metrics_snapshot snapshot = {.endpoint_count = 1};
    (void)snprintf(snapshot.endpoints[0], SCB_METRIC_ENDPOINT_SIZE, "a\"b\\c\nd");
    snapshot.cells[SCB_CELL_BREAKER] = 2;
    assert_non_null(strstr(render(&snapshot, ONLY(BREAKER)), "{endpoint=\"a\\\"b\\\\c\\nd\"} 2\n"));
}

static void what_is_not_there_is_not_shown(void **state)
{
    (void)state;
    struct scb_metrics_snapshot snapshot = {0};
    assert_string_equal(render(&snapshot, ONLY(MEMORY)), "");
    assert_string_equal(render(&snapshot, ONLY(BREAKER)), "");
    assert_string_equal(render(&snapshot, ONLY(CALLS)), "");
    scb_metrics_snapshot_set(&snapshot, SCB_METRIC_MEMORY, 0);
    assert_non_null(strstr(render(&snapshot, ONLY(MEMORY)), "satellite_backup_memory_bytes 0\n"));
    const char *resources = render(&snapshot, scb_metrics_of_resources);
    assert_non_null(strstr(resources, "last_run_cpu_seconds"));
    assert_null(strstr(resources, "pages_total"));
}

/* --- the documentation --- */

static char document[65536];

/* The document's parts before and after the table; false where it has no place for one. */
static bool read_document(char **ret_table, char **ret_rest)
{
    FILE *file = fopen(documentation, "re");
    if (file == NULL)
        return false;
    document[fread(document, 1, sizeof(document) - 1, file)] = '\0';
    (void)fclose(file);
    *ret_table = strstr(document, table_begin);
    if (*ret_table == NULL)
        return false;
    *ret_table += strlen(table_begin);
    *ret_rest = strstr(*ret_table, table_end);
    return *ret_rest != NULL;
}

static void the_documentation_has_the_table(void **state)
{
    (void)state;
    char *table = NULL, *rest = NULL;
    struct scb_buffer wanted = {.max = 65536};
    assert_int_equal(scb_metrics_reference(&wanted, NULL), SCB_OK);
    assert_true(read_document(&table, &rest));
    if ((size_t)(rest - table) != wanted.size || memcmp(table, wanted.data, wanted.size) != 0)
        fail_msg("docs/monitoring.md is not what metrics.def says; run make docs");
    scb_buffer_free(&wanted);
}

static int write_documentation(void)
{
    char *table = NULL, *rest = NULL;
    struct scb_buffer text = {.max = 65536};
    bool good = read_document(&table, &rest) && scb_metrics_reference(&text, NULL) == SCB_OK;
    FILE *file = good ? fopen(documentation, "we") : NULL;
    good = file != NULL &&
           fwrite(document, 1, (size_t)(table - document), file) == (size_t)(table - document) &&
           fwrite(text.data, 1, text.size, file) == text.size && fputs(rest, file) >= 0;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    scb_buffer_free(&text);
    if (!good)
        (void)fprintf(stderr, "docs/monitoring.md could not be written\n");
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_documentation();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_decimal_numbers_in_base_units),
        cmocka_unit_test(counters_have_help_type_and_every_result),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(what_is_not_there_is_not_shown),
        cmocka_unit_test(the_documentation_has_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
