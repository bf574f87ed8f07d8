/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on files that fail when they are told to, and write down in which order they came.
 * The test program's own definitions stand before the C library's, so the library under test
 * calls these.
 */
#ifndef SCB_TESTS_FAILING_CALLS_H
#define SCB_TESTS_FAILING_CALLS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A call's letter in calls_made, and its name in CALLS. */
enum call { CALL_WRITE, CALL_SYNC, CALL_RENAME, CALL_LINK, CALL_CLOSE, CALL_KINDS };
#define CALL_LETTERS "wsrlc"

static struct {
    int fail_at; /* the first, second, … from now on fails; 0: none */
    int errnum;
} failing[CALL_KINDS];

static size_t longest_write; /* a write takes no more at once; 0: all of it */
static int spoil_write_at;   /* that write, from now on, changes a byte on the way; 0: none */
static char calls_made[64];  /* one letter a call, the first ones; see CALL_LETTERS */
static size_t calls_count;

static inline void calls_reset(void)
{
    memset(failing, 0, sizeof(failing));
    memset(calls_made, 0, sizeof(calls_made));
    longest_write = calls_count = 0;
    spoil_write_at = 0;
}

static inline void calls_fail(enum call call, int at, int errnum)
{
    failing[call].fail_at = at;
    failing[call].errnum = errnum;
}

/* Notes the call; true, with errno set, where it is to fail. */
static inline int call_fails(enum call call)
{
    if (calls_count + 1 < sizeof(calls_made))
        calls_made[calls_count++] = CALL_LETTERS[call];
    if (failing[call].fail_at == 0 || --failing[call].fail_at > 0)
        return 0;
    errno = failing[call].errnum;
    return 1;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (call_fails(CALL_WRITE))
        return -1;
    if (longest_write > 0 && size > longest_write)
        size = longest_write;
    if (spoil_write_at > 0 && size > 0 && --spoil_write_at == 0) {
        char other = (char)(*(const char *)data ^ 1);
        return syscall(SYS_write, fd, &other, 1);
    }
    return syscall(SYS_write, fd, data, size);
}

int fsync(int fd)
{
    return call_fails(CALL_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return call_fails(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return call_fails(CALL_RENAME) ? -1
                                   : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return call_fails(CALL_LINK) ? -1 : (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

/* As the system's: the descriptor is gone, also where it fails. */
int close(int fd)
{
    int failed = call_fails(CALL_CLOSE), errnum = errno;
    int closed = (int)syscall(SYS_close, fd);
    if (failed)
        errno = errnum;
    return failed ? -1 : closed;
}

#endif
