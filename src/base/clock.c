/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now); /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_real_ms(void *state)
{
    (void)state;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(void *state)
{
    (void)state;
    return read_clock(CLOCK_MONOTONIC);
}

const struct scb_clock *scb_clock_system(void)
{
    static const struct scb_clock clock = {system_real_ms, system_monotonic_ms, NULL};
    return &clock;
}

int64_t scb_clock_real_ms(const struct scb_clock *clock)
{
    return clock->real_ms(clock->state);
}

int64_t scb_clock_monotonic_ms(const struct scb_clock *clock)
{
    return clock->monotonic_ms(clock->state);
}

static struct tm utc(int64_t real_ms)
{
    int64_t seconds = real_ms / 1000 - (real_ms % 1000 < 0 ? 1 : 0);
    time_t time = (time_t)seconds;
    struct tm parts = {0};
    (void)gmtime_r(&time, &parts);
    return parts;
}

void scb_timestamp_format(int64_t real_ms, char ret_text[SCB_TIMESTAMP_SIZE])
{
    struct tm parts = utc(real_ms);
    char seconds[SCB_TIMESTAMP_SIZE - 5]; /* enough for the year of INT64_MIN, too */
    (void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
    int64_t ms = real_ms % 1000;
    (void)snprintf(ret_text, SCB_TIMESTAMP_SIZE, "%s.%03dZ", seconds,
                   (int)(ms < 0 ? ms + 1000 : ms));
}

void scb_backup_date_format(int64_t real_ms, bool with_time, char ret_date[SCB_BACKUP_DATE_SIZE])
{
    struct tm parts = utc(real_ms);
    (void)strftime(ret_date, SCB_BACKUP_DATE_SIZE, with_time ? "%Y-%m-%dT%H%M%SZ" : "%Y-%m-%d",
                   &parts);
}

/* True when text is one digit for every 'd' of pattern and equal to it elsewhere. */
static bool matches(const char *text, const char *pattern)
{
    size_t i = 0;
    for (; pattern[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == 'd' ? !digit : text[i] != pattern[i])
            return false;
    }
    return text[i] == '\0';
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/*
 * The instant of a date and, where given, a time of day. False when there is no such day or time:
 * timegm would move the 31st of February on to March.
 */
static bool real_instant(const char *date, int hour, int minute, int second, int64_t *ret_ms)
{
    struct tm parts = {.tm_year = two_digits(date) * 100 + two_digits(date + 2) - 1900,
                       .tm_mon = two_digits(date + 5) - 1,
                       .tm_mday = two_digits(date + 8),
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = second};
    struct tm wanted = parts;
    time_t time = timegm(&parts);
    if (parts.tm_year != wanted.tm_year || parts.tm_mon != wanted.tm_mon ||
        parts.tm_mday != wanted.tm_mday || parts.tm_hour != hour || parts.tm_min != minute ||
        parts.tm_sec != second)
        return false;
    *ret_ms = (int64_t)time * 1000;
    return true;
}

enum scb_status scb_timestamp_parse(const char *text, int64_t *ret_real_ms, struct scb_error *error)
{
    bool with_ms = matches(text, "dddd-dd-ddTdd:dd:dd.dddZ");
    int64_t ms = 0;
    if ((!with_ms && !matches(text, "dddd-dd-ddTdd:dd:ddZ")) ||
        !real_instant(text, two_digits(text + 11), two_digits(text + 14), two_digits(text + 17),
                      &ms))
        return scb_error_set(error, SCB_ERROR_VALIDATION, "not a UTC time: '%.40s'", text);
    if (with_ms)
        ms += (text[20] - '0') * 100 + two_digits(text + 21);
    *ret_real_ms = ms;
    return SCB_OK;
}

enum scb_status scb_backup_date_parse(const char *text, int64_t *ret_real_ms,
                                      struct scb_error *error)
{
    bool with_time = matches(text, "dddd-dd-ddTddddddZ");
    int64_t ms = 0;
    bool real = with_time ? real_instant(text, two_digits(text + 11), two_digits(text + 13),
                                         two_digits(text + 15), &ms)
                          : matches(text, "dddd-dd-dd") && real_instant(text, 0, 0, 0, &ms);
    if (!real) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "not a backup date: '%.40s'", text);
        (void)scb_error_hint(error, "write YYYY-MM-DD or YYYY-MM-DDTHHMMSSZ, a real day in UTC");
        return SCB_ERROR_VALIDATION;
    }
    if (ret_real_ms != NULL)
        *ret_real_ms = ms;
    return SCB_OK;
}
