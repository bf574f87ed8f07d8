/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/sandbox, each case in a process of its own: what can be written, read and run, which
 * system calls are refused, threads, one that is there already, a path that is not there.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../temp_dir.h"
#include "base/memory.h"
#include "base/sandbox.h"

enum { BROKEN = 250, MISSING };

/* 0, or what open said. */
static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    (void)close(fd);
    return 0;
}

static void enter(void)
{
    static char own[300], readable[300], absent[300]; /* temp_path has one buffer */
    struct scb_sandbox_result result;
    (void)snprintf(own, sizeof(own), "%s", temp_path("own"));
    (void)snprintf(readable, sizeof(readable), "%s", temp_path("read"));
    (void)snprintf(absent, sizeof(absent), "%s", temp_path("not-there"));
    const struct scb_sandbox_path paths[] = {
        {own, true},     {readable, false},     {absent, true},    {"/usr", false},
        {"/bin", false}, {"/lib", false},       {"/lib64", false}, {NULL, true},
        {"", true},      {"/etc/passwd", false}};
    if (scb_sandbox_enter(paths, SCB_LENGTH(paths), &result, NULL) != SCB_OK)
        _exit(BROKEN);
    if (result.missing[0] != '\0')
        _exit(MISSING);
}

static int result_of(int (*act)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        enter();
        _exit(act());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == MISSING)
        skip(); /* this kernel has no Landlock */
    return WEXITSTATUS(status);
}

static int write_own(void)
{
    return try_open(temp_path("own/new"), O_WRONLY | O_CREAT);
}
static int read_own(void)
{
    return try_open(temp_path("own/file"), O_RDONLY);
}
static int write_read(void)
{
    return try_open(temp_path("read/file"), O_WRONLY);
}
static int make_read(void)
{
    return try_open(temp_path("read/new"), O_WRONLY | O_CREAT);
}
static int read_read(void)
{
    return try_open(temp_path("read/file"), O_RDONLY);
}
static int read_other(void)
{
    return try_open(temp_path("other/file"), O_RDONLY);
}
static int write_other(void)
{
    return try_open(temp_path("other/new"), O_WRONLY | O_CREAT);
}
static int read_by_link(void)
{
    return try_open(temp_path("own/link"), O_RDONLY);
}
static int read_one_file(void)
{
    return try_open("/etc/passwd", O_RDONLY);
}
static int read_its_neighbour(void)
{
    return try_open("/etc/group", O_RDONLY);
}
static int failed(int result)
{
    return result == 0 ? 0 : errno;
}
static int cut_other(void)
{
    return failed(truncate(temp_path("other/file"), 0));
}
static int remove_other(void)
{
    return failed(unlink(temp_path("other/file")));
}
static int link_own(void)
{
    return failed(symlink("/", temp_path("own/symbolic")));
}
static int link_across(void)
{
    (void)mkdir(temp_path("own/a"), 0700);
    (void)mkdir(temp_path("own/b"), 0700);
    int from = open(temp_path("own/a"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = open(temp_path("own/b"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (try_open(temp_path("own/a/file"), O_WRONLY | O_CREAT) != 0)
        return 1;
    return failed(linkat(from, "file", to, "file", 0));
}
static int call_unshare(void)
{
    return failed(unshare(CLONE_NEWUSER));
}
static int call_mount(void)
{
    return failed(mount("none", "/", "tmpfs", 0, NULL));
}
static int call_bpf(void)
{
    return failed((int)syscall(SYS_bpf, 0, NULL, 0));
}
static int call_ring(void)
{
    return failed((int)syscall(SYS_io_uring_setup, 1, NULL));
}

static int spawn(const char *program)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)execl(program, program, (char *)NULL);
        _exit(errno);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int run_true(void)
{
    return spawn("/bin/true");
}
static int run_own(void)
{
    return spawn(temp_path("own/program"));
}

static void *of_thread(void *state)
{
    *(int *)state = write_other() == EACCES && call_bpf() == EPERM ? 0 : 1;
    return NULL;
}

static int in_a_thread(void)
{
    int result = 1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, of_thread, &result) == 0)
        (void)pthread_join(thread, NULL);
    return result;
}

static void *wait_for_ever(void *state)
{
    return pause() == 0 ? state : NULL;
}

static void a_second_thread_would_stay_outside(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* it has a thread of its own, so threads are not counted */
#endif
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        struct scb_error error = {0};
        struct scb_sandbox_result result;
        if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
            _exit(BROKEN);
        _exit((int)scb_sandbox_enter(NULL, 0, &result, &error));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SCB_ERROR_INTERNAL);
}

static int gains_nothing(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static const struct {
    int (*act)(void);
    int expected;
    const char *name;
} table[] = {{write_own, 0, "write own"},
             {read_own, 0, "read own"},
             {read_read, 0, "read what may be read"},
             {write_read, EACCES, "write what may be read"},
             {make_read, EACCES, "make where it may be read"},
             {read_other, EACCES, "read another's"},
             {write_other, EACCES, "write another's"},
             {read_by_link, EACCES, "read another's by a link"},
             {cut_other, EACCES, "truncate another's"},
             {remove_other, EACCES, "remove another's"},
             {read_one_file, 0, "read a file that is named"},
             {read_its_neighbour, EACCES, "read the file beside it"},
             {link_across, 0, "a hard link from directory to directory"},
             {link_own, EACCES, "a symbolic link of one's own"},
             {run_true, 0, "run a program of the system"},
             {run_own, EACCES, "run a program where it can be written"},
             {call_unshare, EPERM, "unshare"},
             {call_mount, EPERM, "mount"},
             {call_bpf, EPERM, "bpf"},
             {call_ring, EPERM, "io_uring"},
             {in_a_thread, 0, "the same in a thread"},
             {gains_nothing, 0, "no_new_privs"}};

static void what_is_outside_is_refused(void **state)
{
    (void)state;
    static const char *const directories[] = {"own", "read", "other"};
    for (size_t i = 0; i < SCB_LENGTH(directories); i++) {
        char path[64];
        temp_mkdir(directories[i]);
        (void)snprintf(path, sizeof(path), "%s/file", directories[i]);
        temp_write(path, "content");
    }
    temp_link(temp_path("other/file"), "own/link");
    temp_write("own/program", "#!/bin/true\n");
    assert_int_equal(chmod(temp_path("own/program"), 0700), 0);
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        int result = result_of(table[i].act);
        if (result != table[i].expected)
            fail_msg("%s: %d (%s)", table[i].name, result, strerror(result));
    }
    assert_string_equal(temp_read("other/file"), "content");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_outside_is_refused, temp_set_up, temp_tear_down),
        cmocka_unit_test(a_second_thread_would_stay_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
