/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers store/lock: one writer, many readers, between processes and within one; who has it is
 * named; a killed process leaves no lock; whether there is a worker can be seen without one.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void a_backup_has_one_worker(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_store_lock *lock = NULL;
    char message[128];
    assert_int_equal(scb_store_lock(fixture.store, DATE, &clock_2024, &lock, NULL), SCB_OK);
    assert_int_equal(try_lock(DATE, &error), SCB_ERROR_BUSY);
    (void)snprintf(message, sizeof(message),
                   "backup " DATE " is being worked on by process %d since "
                   "2024-01-15T08:30:00.123Z",
                   (int)getpid());
    assert_string_equal(error.message, message);
    assert_true(error.retryable);
    assert_string_not_equal(error.hint, "");
    assert_int_equal(try_lock(DATE, NULL), SCB_ERROR_BUSY);
    assert_int_equal(try_lock(NEXT_DATE, NULL), SCB_OK);
    scb_store_unlock(lock);
    assert_int_equal(try_lock(DATE, NULL), SCB_OK);
    scb_store_unlock(NULL);
}

/* Takes the lock in a process of its own, which then waits; gives its id. */
static pid_t lock_elsewhere(void)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct scb_store *store = open_store(false, "");
        struct scb_store_lock *lock = NULL;
        byte = scb_store_lock(store, DATE, &clock_2024, &lock, NULL) == SCB_OK ? 'y' : 'n';
        (void)syscall(SYS_write, ready[1], &byte, 1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    assert_int_equal(byte, 'y');
    return child;
}

static void a_lock_is_gone_with_its_process(void **state)
{
    (void)state;
    struct scb_error error = {0};
    char name[64];
    pid_t child = lock_elsewhere();
    enum scb_status held = try_lock(DATE, &error);
    enum scb_status other = try_lock(NEXT_DATE, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(held, SCB_ERROR_BUSY);
    assert_int_equal(other, SCB_OK);
    (void)snprintf(name, sizeof(name), "by process %d since ", (int)child);
    assert_non_null(strstr(error.message, name));
    assert_int_equal(try_lock(DATE, NULL), SCB_OK);
}

static void whoever_has_the_lock_is_named_harmlessly(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *named;
    } table[] = {{"", "by another process"},
                 {"\n", "by another process"},
                 {"process 7\nmore", "by process 7"},
                 {"a\x1b[2J\tb", "by a\\x1b[2J\\x09b"}};
    struct scb_store_lock *lock = NULL;
    assert_int_equal(scb_store_lock(fixture.store, DATE, &clock_2024, &lock, NULL), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        temp_write("backups/.locks/" DATE, table[i].content);
        assert_int_equal(try_lock(DATE, &error), SCB_ERROR_BUSY);
        size_t length = strlen(error.message), wanted = strlen(table[i].named);
        assert_true(length > wanted);
        assert_string_equal(error.message + length - wanted, table[i].named);
    }
    scb_store_unlock(lock);
}

static enum scb_status try_shared(struct scb_error *error)
{
    struct scb_store_lock *lock = NULL;
    enum scb_status status = scb_store_lock_shared(fixture.store, DATE, &lock, error);
    scb_store_unlock(lock);
    return status;
}

static void readers_share(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_store_lock *writer = NULL, *readers[2] = {NULL, NULL};
    assert_int_equal(scb_store_lock(fixture.store, DATE, &clock_2024, &writer, NULL), SCB_OK);
    assert_int_equal(try_shared(&error), SCB_ERROR_BUSY);
    assert_non_null(strstr(error.message, "is being worked on by process "));
    scb_store_unlock(writer);
    for (size_t i = 0; i < SCB_LENGTH(readers); i++) {
        assert_int_equal(scb_store_lock_shared(fixture.store, DATE, &readers[i], NULL), SCB_OK);
        assert_non_null(readers[i]);
    }
    /* The last writer's name is still there, and is not taken for the readers'. */
    assert_int_equal(try_lock(DATE, &error), SCB_ERROR_BUSY);
    assert_string_equal(error.message, "backup " DATE " is being read by another process");
    assert_true(error.retryable);
    scb_store_unlock(readers[0]);
    assert_int_equal(try_lock(DATE, NULL), SCB_ERROR_BUSY);
    scb_store_unlock(readers[1]);
    assert_int_equal(try_lock(DATE, NULL), SCB_OK);
}

static void a_reader_needs_no_lock_file(void **state)
{
    (void)state;
    struct scb_store_lock *lock = NULL;
    assert_int_equal(scb_store_lock_shared(fixture.store, DATE, &lock, NULL), SCB_OK);
    assert_null(lock);
    assert_string_equal(temp_list("backups"), DATE); /* nothing was made */
    temp_mkdir("backups/.locks");
    assert_int_equal(scb_store_lock_shared(fixture.store, DATE, &lock, NULL), SCB_OK);
    assert_null(lock);
    temp_link("../elsewhere", "backups/.locks/" DATE);
    assert_int_equal(scb_store_lock_shared(fixture.store, DATE, &lock, NULL), SCB_OK);
    assert_null(lock);
    assert_int_equal(scb_store_lock_shared(fixture.store, "../x", &lock, NULL),
                     SCB_ERROR_VALIDATION);
}

static bool is_worked_on(void)
{
    bool worked_on = false;
    assert_int_equal(scb_store_is_worked_on(fixture.store, DATE, &worked_on, NULL), SCB_OK);
    return worked_on;
}

static void a_worker_is_seen_without_a_lock(void **state)
{
    (void)state;
    struct scb_store_lock *lock = NULL;
    struct scb_error error = {0};
    bool worked_on = true;
    assert_false(is_worked_on());
    assert_string_equal(temp_list("backups"), DATE); /* nothing was made */
    pid_t child = lock_elsewhere();
    bool seen = is_worked_on();
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(seen);
    assert_false(is_worked_on());
    assert_int_equal(scb_store_lock_shared(fixture.store, DATE, &lock, NULL), SCB_OK);
    assert_non_null(lock);
    assert_false(is_worked_on()); /* a reader */
    scb_store_unlock(lock);
    assert_int_equal(scb_store_lock(fixture.store, DATE, &clock_2024, &lock, NULL), SCB_OK);
    assert_true(is_worked_on());
    scb_store_unlock(lock);
    temp_link("../elsewhere", "backups/.locks/" NEXT_DATE);
    assert_int_equal(scb_store_is_worked_on(fixture.store, NEXT_DATE, &worked_on, &error),
                     SCB_ERROR_FILE);
    assert_int_equal(scb_store_is_worked_on(fixture.store, "../x", &worked_on, &error),
                     SCB_ERROR_VALIDATION);
}

static void a_directory_has_one_writer(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_store_lock *lock = NULL, *second = NULL;
    assert_int_equal(scb_store_lock_writer(fixture.store, &clock_2024, &lock, NULL), SCB_OK);
    assert_int_equal(scb_store_lock_writer(fixture.store, &clock_2024, &second, &error),
                     SCB_ERROR_BUSY);
    assert_int_equal(strncmp(error.message, "backup_dir is being worked on by process ", 41), 0);
    assert_null(second);
    assert_int_equal(try_lock(DATE, NULL), SCB_OK); /* each backup has its own */
    scb_store_unlock(lock);
    assert_int_equal(scb_store_lock_writer(fixture.store, &clock_2024, &lock, NULL), SCB_OK);
    scb_store_unlock(lock);
}

static void a_full_disk_keeps_nobody_from_a_lock(void **state)
{
    (void)state;
    struct rlimit before, none = {0, 0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    void (*ignored)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    enum scb_status status = try_lock(DATE, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, ignored);
    assert_int_equal(status, SCB_OK);
    assert_int_equal(temp_stat("backups/.locks/" DATE).st_size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(a_backup_has_one_worker),
        STORED(a_lock_is_gone_with_its_process),
        STORED(whoever_has_the_lock_is_named_harmlessly),
        STORED(readers_share),
        STORED(a_reader_needs_no_lock_file),
        STORED(a_worker_is_seen_without_a_lock),
        STORED(a_directory_has_one_writer),
        STORED(a_full_disk_keeps_nobody_from_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
