/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/clock: times and backup dates as text, both ways; what is no real date is refused.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

/* Made with `date -u -d @SECONDS`. */
static const struct {
    int64_t ms;
    const char *time;
    const char *date;
    const char *date_with_time;
} instants[] = {
    {0, "1970-01-01T00:00:00.000Z", "1970-01-01", "1970-01-01T000000Z"},
    {-1, "1969-12-31T23:59:59.999Z", "1969-12-31", "1969-12-31T235959Z"},
    {-1000, "1969-12-31T23:59:59.000Z", "1969-12-31", "1969-12-31T235959Z"},
    {1705307400123, "2024-01-15T08:30:00.123Z", "2024-01-15", "2024-01-15T083000Z"},
    {1709164800000, "2024-02-29T00:00:00.000Z", "2024-02-29", "2024-02-29T000000Z"},
    {4107542399999, "2100-02-28T23:59:59.999Z", "2100-02-28", "2100-02-28T235959Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z", "2100-03-01", "2100-03-01T000000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z", "9999-12-31", "9999-12-31T235959Z"},
};

static void instants_are_written_and_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(instants); i++) {
        char time[SCB_TIMESTAMP_SIZE], date[SCB_BACKUP_DATE_SIZE];
        int64_t ms = 1, day_ms = 86400000;
        scb_timestamp_format(instants[i].ms, time);
        assert_string_equal(time, instants[i].time);
        assert_int_equal(scb_timestamp_parse(time, &ms, NULL), SCB_OK);
        assert_int_equal(ms, instants[i].ms);

        int64_t second = ms - (ms % 1000 + 1000) % 1000, day = ms - (ms % day_ms + day_ms) % day_ms;
        scb_backup_date_format(ms, true, date);
        assert_string_equal(date, instants[i].date_with_time);
        assert_int_equal(scb_backup_date_parse(date, &ms, NULL), SCB_OK);
        assert_int_equal(ms, second);
        scb_backup_date_format(ms, false, date);
        assert_string_equal(date, instants[i].date);
        assert_int_equal(scb_backup_date_parse(date, &ms, NULL), SCB_OK);
        assert_int_equal(ms, day);
    }
    int64_t ms = 0;
    assert_int_equal(scb_timestamp_parse("2024-01-15T08:30:00Z", &ms, NULL), SCB_OK);
    assert_int_equal(ms, 1705307400000);
}

/* A lying node may name any time. */
static void no_instant_is_too_far(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *time;
    } table[] = {{INT64_MAX, "292278994-08-17T07:12:55.807Z"},
                 {INT64_MIN, "-292275055-05-16T16:47:04.192Z"},
                 {253402300800000, "10000-01-01T00:00:00.000Z"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char time[SCB_TIMESTAMP_SIZE];
        memset(time, '#', sizeof(time));
        scb_timestamp_format(table[i].ms, time);
        assert_string_equal(time, table[i].time);
    }
}

static const char *const bad_times[] = {"",
                                        "2024-01-15",
                                        "2024-01-15T08:30:00",
                                        "2024-01-15T08:30:00.123",
                                        "2024-01-15T08:30:00.12Z",
                                        "2024-01-15T08:30:00.1234Z",
                                        "2024-01-15 08:30:00Z",
                                        "2024-01-15T08:30:00+00:00",
                                        "2024-01-15T24:00:00Z",
                                        "2024-01-15T23:60:00Z",
                                        "2016-12-31T23:59:60Z",
                                        "2023-02-29T00:00:00Z",
                                        "2024-13-01T00:00:00Z",
                                        " 2024-01-15T08:30:00Z",
                                        "2024-01-15T08:30:00Z "};

static const char *const bad_dates[] = {"",
                                        ".",
                                        "..",
                                        "latest",
                                        "../../etc/passwd",
                                        "2024-01-15/..",
                                        "/2024-01-15",
                                        "2024-1-15",
                                        "24-01-15",
                                        "2024-00-15",
                                        "2024-13-15",
                                        "2024-01-00",
                                        "2024-01-32",
                                        "2024-04-31",
                                        "2023-02-29",
                                        "2100-02-29",
                                        "2024-02-30",
                                        "2024/01/15",
                                        "2024-01-15Z",
                                        "2024-01-15\n",
                                        " 2024-01-15",
                                        "-024-01-15",
                                        "2024-01-15T08:30:00Z",
                                        "2024-01-15T083000",
                                        "2024-01-15t083000z",
                                        "2024-01-15T240000Z",
                                        "2024-01-15T236000Z",
                                        "2024-01-15T235960Z",
                                        "2024-02-30T000000Z",
                                        "2024-01-15T083000Z/x",
                                        "\xd9\xa2\xd9\xa0-01-15"};

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(bad_times); i++) {
        struct scb_error error = {0};
        int64_t ms = 77;
        if (scb_timestamp_parse(bad_times[i], &ms, &error) != SCB_ERROR_VALIDATION)
            fail_msg("taken: %s", bad_times[i]);
        assert_non_null(strstr(error.message, bad_times[i]));
        assert_int_equal(ms, 77);
    }
}

static void what_is_no_backup_date_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(bad_dates); i++) {
        struct scb_error error = {0};
        int64_t ms = 77;
        if (scb_backup_date_parse(bad_dates[i], &ms, &error) != SCB_ERROR_VALIDATION)
            fail_msg("taken: %s", bad_dates[i]);
        assert_non_null(strstr(error.message, bad_dates[i]));
        assert_non_null(strstr(error.hint, "YYYY-MM-DD"));
        assert_int_equal(ms, 77);
        assert_int_equal(scb_backup_date_parse(bad_dates[i], NULL, NULL), SCB_ERROR_VALIDATION);
    }
    assert_int_equal(scb_backup_date_parse("2024-01-15", NULL, NULL), SCB_OK);
}

static int64_t read_state(void *state)
{
    return *(const int64_t *)state;
}

static int64_t read_next(void *state)
{
    return *(const int64_t *)state + 1;
}

static void a_clock_is_what_was_handed_in(void **state)
{
    (void)state;
    int64_t now_ms = 41;
    const struct scb_clock clock = {read_state, read_next, &now_ms};
    assert_int_equal(scb_clock_real_ms(&clock), 41);
    assert_int_equal(scb_clock_monotonic_ms(&clock), 42);
}

static void the_systems_clock_is_the_systems(void **state)
{
    (void)state;
    const struct scb_clock *clock = scb_clock_system();
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t real = scb_clock_real_ms(clock);
    assert_true(real >= before - 1000 && real <= ((int64_t)time(NULL) + 1) * 1000);
    struct timespec now = {0};
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    int64_t monotonic = scb_clock_monotonic_ms(clock);
    assert_true(monotonic >= now.tv_sec * 1000 + now.tv_nsec / 1000000);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    assert_true(monotonic <= now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_written_and_read),
        cmocka_unit_test(no_instant_is_too_far),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_is_no_backup_date_is_refused),
        cmocka_unit_test(a_clock_is_what_was_handed_in),
        cmocka_unit_test(the_systems_clock_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
