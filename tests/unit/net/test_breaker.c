/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers net/breaker: closed, open and half-open, as a story of what happens at which ms.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "base/memory.h"
#include "net/breaker.h"

enum event { SENT, SUCCEEDED, FAILED, FORGOT, TRIPPED, NOTHING };

struct step {
    enum event event;
    int64_t at_ms;
    enum scb_breaker_state state; /* after it */
    int64_t wait_ms;
};

#define NEVER INT64_MAX
enum { TRIP_MS = 600000 };

static void play(struct scb_breaker *breaker, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool was_open = breaker->state == SCB_BREAKER_OPEN, opened = false;
        switch (steps[i].event) {
        case SENT:
            scb_breaker_sent(breaker, steps[i].at_ms);
            break;
        case SUCCEEDED:
            scb_breaker_succeeded(breaker);
            break;
        case FAILED:
            opened = scb_breaker_failed(breaker, steps[i].at_ms);
            assert_int_equal(opened, !was_open && steps[i].state == SCB_BREAKER_OPEN);
            break;
        case FORGOT:
            scb_breaker_forgot(breaker, steps[i].at_ms);
            break;
        case TRIPPED:
            scb_breaker_trip(breaker, steps[i].at_ms, TRIP_MS);
            break;
        case NOTHING:
            break;
        }
        if (breaker->state != steps[i].state ||
            scb_breaker_wait(breaker, steps[i].at_ms) != steps[i].wait_ms)
            fail_msg("step %zu: state %d, wait %lld", i, (int)breaker->state,
                     (long long)scb_breaker_wait(breaker, steps[i].at_ms));
    }
}

#define PLAY(steps_) play(&(struct scb_breaker){0}, (steps_), SCB_LENGTH(steps_))

static void five_failures_in_a_row_open_it(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {SENT, 0, SCB_BREAKER_CLOSED, 0},     {FAILED, 1, SCB_BREAKER_CLOSED, 0},
        {FAILED, 2, SCB_BREAKER_CLOSED, 0},   {FAILED, 3, SCB_BREAKER_CLOSED, 0},
        {FAILED, 4, SCB_BREAKER_CLOSED, 0},   {SUCCEEDED, 5, SCB_BREAKER_CLOSED, 0},
        {FAILED, 6, SCB_BREAKER_CLOSED, 0},   {FAILED, 7, SCB_BREAKER_CLOSED, 0},
        {FAILED, 8, SCB_BREAKER_CLOSED, 0},   {FAILED, 9, SCB_BREAKER_CLOSED, 0},
        {FAILED, 10, SCB_BREAKER_OPEN, 1000}, {NOTHING, 1009, SCB_BREAKER_OPEN, 1},
        {NOTHING, 1010, SCB_BREAKER_OPEN, 0},
    };
    PLAY(steps);
}

static void one_request_probes_it(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {TRIPPED, 0, SCB_BREAKER_OPEN, TRIP_MS},
        {SENT, 5, SCB_BREAKER_OPEN, TRIP_MS - 5}, /* one that goes past it is no probe */
        {SENT, TRIP_MS, SCB_BREAKER_HALF_OPEN, NEVER},
        {NOTHING, 10 * TRIP_MS, SCB_BREAKER_HALF_OPEN, NEVER},
        {SUCCEEDED, TRIP_MS + 9, SCB_BREAKER_CLOSED, 0},
        {FAILED, TRIP_MS + 9, SCB_BREAKER_CLOSED, 0}, /* counted from the start again */
    };
    PLAY(steps);
}

static void it_stays_open_longer_each_time(void **state)
{
    (void)state;
    static const int64_t open_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct scb_breaker breaker = {0};
    int64_t now_ms = 0;
    for (int i = 0; i < 4; i++)
        assert_false(scb_breaker_failed(&breaker, now_ms));
    for (size_t i = 0; i < SCB_LENGTH(open_ms); i++) {
        const struct step steps[] = {
            {FAILED, now_ms, SCB_BREAKER_OPEN, open_ms[i]},
            {FAILED, now_ms + 1, SCB_BREAKER_OPEN, open_ms[i] - 1}, /* sent before it opened */
            {SENT, now_ms + open_ms[i], SCB_BREAKER_HALF_OPEN, NEVER}};
        play(&breaker, steps, SCB_LENGTH(steps));
        now_ms += open_ms[i];
    }
    scb_breaker_succeeded(&breaker);
    for (int i = 0; i < 5; i++)
        (void)scb_breaker_failed(&breaker, now_ms);
    assert_int_equal(scb_breaker_wait(&breaker, now_ms), 1000);
}

static void a_probe_without_an_end_leaves_room_for_the_next(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {FORGOT, 0, SCB_BREAKER_CLOSED, 0},
        {TRIPPED, 0, SCB_BREAKER_OPEN, TRIP_MS},
        {FORGOT, 5, SCB_BREAKER_OPEN, TRIP_MS - 5},
        {SENT, TRIP_MS + 7, SCB_BREAKER_HALF_OPEN, NEVER},
        {FORGOT, TRIP_MS + 9, SCB_BREAKER_OPEN, 0},
        {SENT, TRIP_MS + 9, SCB_BREAKER_HALF_OPEN, NEVER},
    };
    PLAY(steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_in_a_row_open_it),
        cmocka_unit_test(one_request_probes_it),
        cmocka_unit_test(it_stays_open_longer_each_time),
        cmocka_unit_test(a_probe_without_an_end_leaves_room_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
