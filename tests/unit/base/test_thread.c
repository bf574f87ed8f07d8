/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/thread: the queue alone and between threads, the token that stops them all, the
 * lock that readers cannot keep from who writes. Waits
 * are for ever or for nothing: what is not woken up hangs and is ended by the test's time limit.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

static int items[1000];

static struct scb_queue *new_queue(size_t capacity)
{
    struct scb_queue *queue = NULL;
    assert_int_equal(scb_queue_new(capacity, &queue, NULL), SCB_OK);
    return queue;
}

static void first_in_is_first_out(void **state)
{
    (void)state;
    struct scb_queue *queue = new_queue(3);
    size_t in = 0, out = 0;
    /* Rounds of different lengths, so that the ring turns at every place. */
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i <= round % 3; i++)
            assert_true(scb_queue_push(queue, &items[in++]));
        for (size_t i = 0; i <= round % 3; i++)
            assert_ptr_equal(scb_queue_pop(queue, -1), &items[out++]);
        assert_null(scb_queue_pop(queue, 0));
    }
    scb_queue_free(queue);
    scb_queue_free(NULL);
}

static void a_full_or_closed_queue_takes_nothing(void **state)
{
    (void)state;
    struct scb_queue *queue = new_queue(2);
    assert_true(scb_queue_push(queue, &items[0]));
    assert_true(scb_queue_push(queue, &items[1]));
    assert_false(scb_queue_push(queue, &items[2]));
    assert_ptr_equal(scb_queue_pop(queue, 0), &items[0]);
    scb_queue_close(queue);
    assert_false(scb_queue_push(queue, &items[3]));
    assert_ptr_equal(scb_queue_pop(queue, -1), &items[1]);
    assert_null(scb_queue_pop(queue, -1));
    assert_null(scb_queue_pop(queue, 0));
    scb_queue_free(queue);
}

enum { CONSUMERS = 4 };

struct consumer {
    struct scb_queue *queue;
    int taken[SCB_LENGTH(items)];
    size_t count;
};

static void *consume(void *argument)
{
    struct consumer *consumer = argument;
    int *item = NULL;
    while ((item = scb_queue_pop(consumer->queue, -1)) != NULL)
        consumer->taken[consumer->count++] = (int)(item - items);
    return NULL;
}

static void every_item_is_taken_once(void **state)
{
    (void)state;
    static struct consumer consumers[CONSUMERS];
    pthread_t threads[CONSUMERS];
    struct scb_queue *queue = new_queue(7);
    for (size_t i = 0; i < CONSUMERS; i++) {
        consumers[i].queue = queue;
        assert_int_equal(scb_thread_start(&threads[i], "consumer", consume, &consumers[i], NULL),
                         SCB_OK);
    }
    for (size_t i = 0; i < SCB_LENGTH(items);)
        i += scb_queue_push(queue, &items[i]);
    scb_queue_close(queue);
    int seen[SCB_LENGTH(items)] = {0};
    for (size_t i = 0; i < CONSUMERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t n = 0; n < consumers[i].count; n++) {
            seen[consumers[i].taken[n]]++;
            assert_true(n == 0 || consumers[i].taken[n - 1] < consumers[i].taken[n]);
        }
    }
    for (size_t i = 0; i < SCB_LENGTH(items); i++)
        assert_int_equal(seen[i], 1);
    scb_queue_free(queue);
}

struct observed {
    bool blocked[NSIG];
    char name[16];
};

static void *observe_thread(void *argument)
{
    struct observed *observed = argument;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++)
        observed->blocked[i] = sigismember(&mask, i) == 1;
    return NULL;
}

static void threads_leave_signals_to_the_main_one(void **state)
{
    (void)state;
    static const int some[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1};
    struct observed observed = {0};
    sigset_t before, after;
    pthread_t thread;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(scb_thread_start(&thread, "observer", observe_thread, &observed, NULL),
                     SCB_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < SCB_LENGTH(some); i++) {
        assert_true(observed.blocked[some[i]]);
        assert_int_equal(sigismember(&after, some[i]), sigismember(&before, some[i]));
    }
}

static struct scb_cancel *new_cancel(void)
{
    struct scb_cancel *cancel = NULL;
    assert_int_equal(scb_cancel_new(&cancel, NULL), SCB_OK);
    return cancel;
}

static bool is_readable(const struct scb_cancel *cancel)
{
    struct pollfd one = {.fd = scb_cancel_fd(cancel), .events = POLLIN};
    return poll(&one, 1, 0) == 1;
}

static void a_request_stays(void **state)
{
    (void)state;
    struct scb_cancel *cancel = new_cancel();
    assert_false(scb_cancel_requested(cancel));
    assert_false(is_readable(cancel));
    assert_false(scb_cancel_sleep(cancel, 0));
    assert_false(scb_cancel_sleep(cancel, -5));
    for (int i = 0; i < 2; i++) {
        scb_cancel_request(cancel);
        assert_true(scb_cancel_requested(cancel));
        assert_true(is_readable(cancel));
        assert_true(scb_cancel_sleep(cancel, INT64_MAX / 2000));
    }
    scb_cancel_free(cancel);
}

static void no_token_is_never_cancelled(void **state)
{
    (void)state;
    assert_false(scb_cancel_requested(NULL));
    assert_int_equal(scb_cancel_fd(NULL), -1);
    assert_false(scb_cancel_sleep(NULL, 1));
    scb_cancel_free(NULL);
}

struct sleeper {
    struct scb_cancel *cancel;
    atomic_bool started;
    bool woken;
};

static void *sleep_long(void *argument)
{
    struct sleeper *sleeper = argument;
    atomic_store(&sleeper->started, true);
    sleeper->woken = scb_cancel_sleep(sleeper->cancel, 24 * 3600 * 1000);
    return NULL;
}

static void a_request_ends_a_sleep(void **state)
{
    (void)state;
    struct sleeper sleeper = {.cancel = new_cancel()};
    pthread_t thread;
    assert_int_equal(scb_thread_start(&thread, "sleeper", sleep_long, &sleeper, NULL), SCB_OK);
    while (!atomic_load(&sleeper.started))
        (void)sched_yield();
    scb_cancel_request(sleeper.cancel);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sleeper.woken);
    scb_cancel_free(sleeper.cancel);
}

static struct scb_cancel *signalled;

static void on_signal(int number)
{
    (void)number;
    scb_cancel_request(signalled);
}

static void a_signal_handler_may_request(void **state)
{
    (void)state;
    signalled = new_cancel();
    struct sigaction action = {.sa_handler = on_signal}, before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    errno = 42;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(errno, 42);
    assert_true(scb_cancel_requested(signalled));
    assert_true(is_readable(signalled));
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    scb_cancel_free(signalled);
}

static void a_request_can_be_taken_back(void **state)
{
    (void)state;
    struct scb_cancel *stop = new_cancel(), *again = new_cancel();
    assert_false(scb_cancel_take(again));
    for (int i = 0; i < 3; i++) {
        scb_cancel_request(again);
        scb_cancel_request(again);
        assert_true(scb_cancel_sleep_both(stop, again, INT64_MAX / 2000));
        assert_true(scb_cancel_take(again));
        assert_false(scb_cancel_take(again));
        assert_false(is_readable(again));
        assert_false(scb_cancel_sleep_both(stop, again, 0));
    }
    scb_cancel_request(stop);
    assert_true(scb_cancel_sleep_both(stop, again, INT64_MAX / 2000));
    assert_true(scb_cancel_sleep_both(stop, NULL, INT64_MAX / 2000));
    assert_false(scb_cancel_take(NULL));
    scb_cancel_free(stop);
    scb_cancel_free(again);
}

struct writer {
    pthread_rwlock_t lock;
    atomic_bool wrote;
};

static void *write_once(void *argument)
{
    struct writer *writer = argument;
    pthread_rwlock_wrlock(&writer->lock);
    atomic_store(&writer->wrote, true);
    pthread_rwlock_unlock(&writer->lock);
    return NULL;
}

/* Another reader gets in until somebody waits to write; with glibc's default, for ever. */
static void a_writer_goes_before_later_readers(void **state)
{
    (void)state;
    struct writer writer = {0};
    pthread_t thread;
    scb_rwlock_init(&writer.lock);
    assert_int_equal(pthread_rwlock_rdlock(&writer.lock), 0);
    assert_int_equal(scb_thread_start(&thread, "writer", write_once, &writer, NULL), SCB_OK);
    while (pthread_rwlock_tryrdlock(&writer.lock) == 0) {
        assert_int_equal(pthread_rwlock_unlock(&writer.lock), 0);
        (void)sched_yield();
    }
    assert_false(atomic_load(&writer.wrote));
    assert_int_equal(pthread_rwlock_unlock(&writer.lock), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&writer.wrote));
    pthread_rwlock_destroy(&writer.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out),
        cmocka_unit_test(a_full_or_closed_queue_takes_nothing),
        cmocka_unit_test(every_item_is_taken_once),
        cmocka_unit_test(threads_leave_signals_to_the_main_one),
        cmocka_unit_test(a_request_stays),
        cmocka_unit_test(no_token_is_never_cancelled),
        cmocka_unit_test(a_request_ends_a_sleep),
        cmocka_unit_test(a_signal_handler_may_request),
        cmocka_unit_test(a_request_can_be_taken_back),
        cmocka_unit_test(a_writer_goes_before_later_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
