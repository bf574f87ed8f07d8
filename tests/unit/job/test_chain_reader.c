/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/chain_reader: every entry once with its index, where answers are shorter than what was
 * asked for; any endpoint may be asked; a failure ends it.
 */
#include "fixture.h"

#include "job/chain_reader.h"

enum { TOTAL = 10 };

/* Answers at once with at most `most` entries. */
static struct {
    struct scb_source base;
    struct scb_entry entries[TOTAL];
    char keys[TOTAL][8];
    uint64_t most, submitted, taken;
    bool bound; /* a range named its endpoint */
    uint64_t fails_at;
} node;

static void submit(struct scb_source *source, struct scb_range *range)
{
    SCB_AUTO(buffer) struct scb_buffer answer = {.max = MAX_ANSWER};
    (void)source;
    node.submitted++;
    node.bound = node.bound || range->endpoint != SCB_SOURCE_ANY || range->avoid != 0;
    range->received = range->count < node.most ? range->count : node.most;
    put_answer(&answer, node.entries + range->start, range->received);
    range->data = SCB_TAKE(answer.data);
    range->size = answer.size;
    range->status = SCB_OK;
    if (node.submitted == node.fails_at) {
        free(SCB_TAKE(range->data));
        range->status = scb_error_set(&range->error, SCB_ERROR_CONTRACT, "gone");
    }
    range->answered(range);
}

static void release(struct scb_source *source, struct scb_range *range)
{
    (void)source;
    free(SCB_TAKE(range->data));
}

static void cancel(struct scb_source *source)
{
    (void)source;
}

static const struct scb_source_ops ops = {
    .name = "test", .submit = submit, .release = release, .cancel = cancel};

static enum scb_status take(void *state, uint64_t index, const struct scb_entry *entry,
                            struct scb_error *error)
{
    (void)state;
    (void)error;
    assert_true(index < TOTAL);
    assert_bytes(entry->key, node.entries[index].key);
    assert_false(node.taken >> index & 1);
    node.taken |= UINT64_C(1) << index;
    return SCB_OK;
}

static enum scb_status read_all(uint64_t range, size_t window, uint64_t most,
                                struct scb_error *error)
{
    const struct scb_chain_reader_settings settings = {.source = &node.base,
                                                       .total_keys = TOTAL,
                                                       .range = range,
                                                       .window = window,
                                                       .limit_ms = 1000,
                                                       .take = take};
    node.base.ops = &ops;
    node.most = most;
    node.submitted = node.taken = 0;
    for (size_t i = 0; i < TOTAL; i++) {
        (void)snprintf(node.keys[i], sizeof(node.keys[i]), "k%d", (int)i);
        node.entries[i] = (struct scb_entry){bytes_of(node.keys[i]), bytes_of("x"), bytes_of("v")};
    }
    return scb_chain_read(&settings, error);
}

static void gives_every_entry_once(void **state)
{
    (void)state;
    static const struct {
        uint64_t range;
        size_t window;
        uint64_t most, calls;
    } ways[] = {{10, 1, 10, 1}, {3, 2, 10, 4}, {3, 8, 10, 4}, {5, 2, 2, 6}, {10, 3, 1, 10}};
    for (size_t i = 0; i < SCB_LENGTH(ways); i++) {
        struct scb_error error = {0};
        if (read_all(ways[i].range, ways[i].window, ways[i].most, &error) != SCB_OK)
            fail_msg("%s", error.message);
        assert_int_equal(node.taken, (1 << TOTAL) - 1);
        assert_int_equal(node.submitted, ways[i].calls);
    }
    assert_false(node.bound);
}

static void ends_at_a_failure(void **state)
{
    (void)state;
    struct scb_error error = {0};
    node.fails_at = 3;
    assert_int_equal(read_all(2, 2, 10, &error), SCB_ERROR_CONTRACT);
    assert_non_null(strstr(error.message, "entries from 4 on: gone"));
    node.fails_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_every_entry_once),
        cmocka_unit_test(ends_at_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
