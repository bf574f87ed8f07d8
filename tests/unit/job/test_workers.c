/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/workers: a page that a quorum of endpoints gives in pieces, one of which fails on the
 * way, and ranges that are asked for while the run is being stopped.
 */
#include "fixture.h"

#include <stdatomic.h>

#include "job/workers.h"

enum { TOTAL = 10, ENDPOINTS = 3, WAIT_MS = 10000 };

static struct scb_workers *workers;

/* Answers at once, except ranges that it parks until the cancel. */
static struct {
    struct scb_source base;
    struct scb_entry entries[TOTAL];
    char keys[TOTAL][8];
    uint64_t most;                 /* entries an answer */
    uint64_t down_from[ENDPOINTS]; /* an entry; those before it are given. 0: all are */
    enum scb_status down_status;   /* how it fails then */
    bool pin_lost;                 /* and why */
    uint64_t answers[ENDPOINTS];   /* entries that each gave */
    bool stops;                    /* the run stops as the second range is submitted */
    int submitted, cancels;
    struct scb_range *parked;
} node;

static void fail_range(struct scb_range *range, enum scb_status status, const char *why)
{
    range->received = 0;
    range->status = scb_error_set(&range->error, status, "%s", why);
    range->answered(range);
}

static void cancel(struct scb_source *source)
{
    (void)source;
    node.cancels++;
    struct scb_range *range = SCB_TAKE(node.parked);
    if (range != NULL)
        fail_range(range, SCB_ERROR_CANCELED, "interrupted");
}

static void submit(struct scb_source *source, struct scb_range *range)
{
    range->pin_lost = false;
    range->error = (struct scb_error){0};
    if (node.stops && ++node.submitted == 2) { /* both before the range is there */
        scb_workers_stop(workers);
        cancel(source);
        node.parked = range;
        return;
    }
    int endpoint = range->endpoint == SCB_SOURCE_ANY ? 0 : range->endpoint;
    while (range->endpoint == SCB_SOURCE_ANY && endpoint < ENDPOINTS &&
           (range->avoid >> endpoint & 1) != 0)
        endpoint++;
    if (endpoint == ENDPOINTS) {
        fail_range(range, SCB_ERROR_CONTRACT, "nobody is left");
        return;
    }
    range->answered_by = endpoint;
    if (node.down_from[endpoint] > 0 && range->start >= node.down_from[endpoint]) {
        range->pin_lost = node.pin_lost;
        fail_range(range, node.down_status, "down");
        return;
    }
    SCB_AUTO(buffer) struct scb_buffer answer = {.max = MAX_ANSWER};
    range->received = range->count < node.most ? range->count : node.most;
    node.answers[endpoint] += range->received;
    put_answer(&answer, node.entries + range->start, range->received);
    range->data = SCB_TAKE(answer.data);
    range->size = answer.size;
    range->status = SCB_OK;
    range->answered(range);
}

static void release(struct scb_source *source, struct scb_range *range)
{
    (void)source;
    free(SCB_TAKE(range->data));
}

static const struct scb_source_ops ops = {
    .name = "test", .submit = submit, .release = release, .cancel = cancel};

static struct scb_page_slot slot;

/* Has one page of all entries made. */
static struct scb_page_slot *make_one(uint64_t quorum)
{
    node.base.ops = &ops;
    for (size_t i = 0; i < TOTAL; i++) {
        (void)snprintf(node.keys[i], sizeof(node.keys[i]), "k%d", (int)i);
        node.entries[i] = (struct scb_entry){bytes_of(node.keys[i]), bytes_of("x"), bytes_of("v")};
    }
    const struct scb_workers_settings settings = {.source = &node.base,
                                                  .most_slots = 1,
                                                  .most_threads = 1,
                                                  .quorum = quorum,
                                                  .recipients = &page_recipients};
    assert_int_equal(scb_workers_new(&settings, &workers, NULL), SCB_OK);
    assert_int_equal(scb_workers_add(workers, NULL), SCB_OK);
    assert_int_equal(scb_page_work_begin(&slot.work, &page_settings, 0, 0, TOTAL, NULL), SCB_OK);
    scb_workers_give(workers, &slot);
    return scb_workers_take(workers, WAIT_MS);
}

static int begin(void **state)
{
    memset(&node, 0, sizeof(node));
    memset(&slot, 0, sizeof(slot));
    node.most = 4;
    node.down_status = SCB_ERROR_CONTRACT;
    return set_up(state);
}

static int end(void **state)
{
    scb_workers_free(SCB_TAKE(workers));
    scb_page_work_free(&slot.work);
    return tear_down(state);
}

static void another_endpoint_takes_over_from_one_that_fails_between_pieces(void **state)
{
    (void)state;
    static const enum scb_status failures[] = {SCB_ERROR_CONTRACT, SCB_ERROR_VALIDATION};
    for (size_t down = 0; down < 2; down++) /* as the first opinion, as the second */
        for (size_t i = 0; i < SCB_LENGTH(failures); i++) {
            (void)begin(state);
            node.down_from[down] = 4;
            node.down_status = failures[i];
            struct scb_page_slot *made = make_one(2);
            assert_ptr_equal(made, &slot);
            assert_int_equal(made->status, SCB_OK);
            for (size_t endpoint = 0; endpoint < ENDPOINTS; endpoint++)
                assert_int_equal(node.answers[endpoint], endpoint == down ? 4 : TOTAL);
            (void)end(state);
        }
}

static void the_first_failure_counts_where_nobody_is_left(void **state)
{
    (void)state;
    node.down_from[0] = node.down_from[2] = 8;
    node.pin_lost = true;
    struct scb_page_slot *made = make_one(2);
    assert_ptr_equal(made, &slot);
    assert_int_equal(made->status, SCB_ERROR_CONTRACT);
    assert_string_equal(made->error.message, "down");
    assert_true(made->range.pin_lost);
}

static void what_is_not_the_endpoints_fault_is_final(void **state)
{
    (void)state;
    node.down_from[0] = 4;
    node.down_status = SCB_ERROR_RESOURCE;
    struct scb_page_slot *made = make_one(2);
    assert_ptr_equal(made, &slot);
    assert_int_equal(made->status, SCB_ERROR_RESOURCE);
    assert_int_equal(node.answers[1], 0);
}

/* Else the range would be waited for to its end, which may be the page's deadline. */
static void a_range_that_a_cancel_has_missed_is_cancelled(void **state)
{
    (void)state;
    node.stops = true;
    struct scb_page_slot *made = make_one(1);
    assert_ptr_equal(made, &slot);
    assert_int_equal(made->status, SCB_ERROR_CANCELED);
    assert_int_equal(node.cancels, 2);
}

#define IN_DIR(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_endpoint_takes_over_from_one_that_fails_between_pieces),
        IN_DIR(the_first_failure_counts_where_nobody_is_left),
        IN_DIR(what_is_not_the_endpoints_fault_is_final),
        IN_DIR(a_range_that_a_cancel_has_missed_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
