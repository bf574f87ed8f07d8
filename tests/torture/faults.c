/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer between satellite and the system (LD_PRELOAD) that breaks things on purpose. Only calls
 * on files below one directory count, and allocations from the first of those calls on: before it
 * the libraries start up, where OpenSSL 3.0 itself survives no refused memory. By the environment:
 *
 *   FAULT=KIND:N:HOW   the Nth call of KIND fails; N+ = that one and all after it. KIND is one of
 *                      kind_names, or any (that changes files). HOW is an errno (EIO, ENOSPC,
 *                      EMFILE, ENOMEM, EINTR), SHORT (half of it is written), HANG (the call
 *                      never comes back), KILL (the process dies before the call) or TEAR (in the
 *                      middle of that write).
 *   FAULT_DIR=DIR      the directory, absolute and without symbolic links
 *   FAULT_MARK=FILE    made when the fault has struck
 *   FAULT_ARM=FILE     calls count from the moment at which this file is there
 *   FAULT_COUNT=FILE   gets the number of such calls when the process exits; N = 0 fails none
 *   LOST=1             at a KILL what was written after a file's last sync vanishes: power loss
 *   LOST=2             so do names made, renamed or removed since their directory's last sync
 *   LOST=3             as 1, but the database's writes (*.db*) had reached the disk
 *   LOST_DIR=DIR       an empty directory of the layer's own, on the same file system
 *
 * and, without a FAULT too, CLOCK_FILE=FILE: the wall clock is as many seconds late or early as
 * that file says; MONOTONIC_FILE=FILE: the same of the monotonic clock.
 *
 * What stood there when the process started counts as synced.
 */
#undef _FILE_OFFSET_BITS /* open and open64 are two functions here */
#undef _FORTIFY_SOURCE
#include "power_loss.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(default)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
#pragma GCC visibility pop

#define EXPORT __attribute__((visibility("default")))

enum kind { WRITE, SYNC, RENAME, LINK, UNLINK, CLOSE, OPEN, TRUNCATE, MKDIR, READ, MALLOC, KINDS };
static const char *const kind_names[KINDS] = {"write",  "fsync", "rename", "link",
                                              "unlink", "close", "open",   "truncate",
                                              "mkdir",  "read",  "malloc"};

enum verdict { PASS, FAIL, SHORT, TEAR };

enum { MAX_PATH = POWER_LOSS_PATH, MAX_FDS = 4096 };

static struct {
    bool active, any, onwards, kill, hang, lost;
    enum kind kind;
    long number;
    enum verdict verdict;
    int errnum;
    const char *mark, *arm;
    char dir[MAX_PATH];
} plan;

static atomic_long calls;
static atomic_bool begun;            /* a file below the directory was touched */
static atomic_bool tracked[MAX_FDS]; /* files and directories below plan.dir */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
/* Set while the layer itself calls the system. */
static __thread int inside __attribute__((tls_model("initial-exec")));

#define REAL(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(&name) found;                                                            \
        if (found == NULL) {                                                                       \
            void *symbol = dlsym(RTLD_NEXT, #name);                                                \
            memcpy(&found, &symbol, sizeof(found));                                                \
        }                                                                                          \
        found;                                                                                     \
    })

/* The other threads wait for the lock, which is never given back. */
static _Noreturn void die(void)
{
    inside = 1;
    if (plan.lost)
        power_loss_strike();
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

/* --- the plan --- */

static int errnum_of(const char *name)
{
    static const struct {
        const char *name;
        int errnum;
    } known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
                 {"EINTR", EINTR},   {"EROFS", EROFS},   {"EACCES", EACCES}, {"EDQUOT", EDQUOT},
                 {"EMLINK", EMLINK}, {"EPERM", EPERM},   {"EEXIST", EEXIST}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].errnum;
    abort();
}

static void read_plan(const char *text)
{
    char kind[16] = "", number[16] = "", how[16] = "";
    if (sscanf(text, "%15[^:]:%15[^:]:%15s", kind, number, how) != 3)
        abort();
    plan.any = strcmp(kind, "any") == 0;
    while (!plan.any && strcmp(kind, kind_names[plan.kind]) != 0)
        if (++plan.kind == KINDS)
            abort();
    char *end = NULL;
    plan.number = strtol(number, &end, 10);
    plan.onwards = *end == '+';
    plan.kill = strcmp(how, "KILL") == 0;
    plan.hang = strcmp(how, "HANG") == 0;
    plan.verdict = strcmp(how, "SHORT") == 0 ? SHORT : strcmp(how, "TEAR") == 0 ? TEAR : FAIL;
    if (plan.verdict == FAIL && !plan.kill && !plan.hang)
        plan.errnum = errnum_of(how);
}

static __attribute__((constructor)) void set_up(void)
{
    const char *dir = getenv("FAULT_DIR"), *text = getenv("FAULT"), *lost = getenv("LOST");
    if (dir == NULL || text == NULL)
        return;
    inside = 1;
    (void)snprintf(plan.dir, sizeof(plan.dir), "%s", dir);
    read_plan(text);
    plan.mark = getenv("FAULT_MARK");
    plan.arm = getenv("FAULT_ARM");
    plan.lost = lost != NULL;
    if (plan.lost)
        power_loss_begin(plan.dir, getenv("LOST_DIR"), lost);
    plan.active = true;
    inside = 0;
}

static __attribute__((destructor)) void tell_count(void)
{
    const char *file = getenv("FAULT_COUNT");
    if (!plan.active || file == NULL)
        return;
    inside = 1;
    FILE *out = fopen(file, "we");
    if (out == NULL || fprintf(out, "%ld", atomic_load(&calls)) < 0 || fclose(out) != 0)
        abort();
}

static void mark(void)
{
    if (plan.mark == NULL)
        return;
    inside++;
    int fd = open(plan.mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    inside--;
}

/* Counts a call and says what becomes of it. */
static enum verdict strike(enum kind kind)
{
    if (!plan.active || (plan.any ? kind >= READ : kind != plan.kind))
        return PASS;
    if (plan.arm != NULL && access(plan.arm, F_OK) != 0)
        return PASS;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (plan.number == 0 || (number != plan.number && !(plan.onwards && number > plan.number)))
        return PASS;
    if (number == plan.number)
        mark();
    if (plan.kill || (plan.verdict == TEAR && kind != WRITE))
        die();
    while (plan.hang)
        (void)pause();
    errno = plan.errnum;
    return plan.verdict == SHORT && kind != WRITE ? PASS : plan.verdict;
}

static bool is_tracked(int fd)
{
    return inside == 0 && plan.active && fd >= 0 && fd < MAX_FDS && atomic_load(&tracked[fd]);
}

/* The absolute path of name at dir_fd; false where it is not below the directory. */
static bool resolve(int dir_fd, const char *name, char path[MAX_PATH])
{
    if (inside > 0 || !plan.active)
        return false;
    int saved_errno = errno;
    char link_name[64], base[MAX_PATH] = "";
    if (name[0] != '/' && dir_fd == AT_FDCWD) {
        if (getcwd(base, sizeof(base)) == NULL)
            base[0] = '\0';
    } else if (name[0] != '/') {
        (void)snprintf(link_name, sizeof(link_name), "/proc/self/fd/%d", dir_fd);
        ssize_t size = readlink(link_name, base, sizeof(base) - 1);
        base[size > 0 ? size : 0] = '\0';
    }
    bool here = strcmp(name, ".") == 0 || name[0] == '\0';
    int used = snprintf(path, MAX_PATH, "%s%s%s", base, here || name[0] == '/' ? "" : "/",
                        here ? "" : name);
    errno = saved_errno;
    size_t size = strlen(plan.dir);
    bool below = used < MAX_PATH && strncmp(path, plan.dir, size) == 0 &&
                 (path[size] == '/' || path[size] == '\0');
    if (below)
        atomic_store(&begun, true);
    return below;
}

/* Power loss needs the calls in one order. */
static void enter(void)
{
    if (plan.lost)
        (void)pthread_mutex_lock(&order);
}

static void leave(void)
{
    if (plan.lost)
        (void)pthread_mutex_unlock(&order);
}

/* --- the calls on open files --- */

#define WRITING(call_whole, call_half)                                                             \
    enter();                                                                                       \
    enum verdict verdict = strike(WRITE);                                                          \
    ssize_t written = verdict == FAIL ? -1 : verdict == PASS ? (call_whole) : (call_half);         \
    if (verdict == TEAR)                                                                           \
        die();                                                                                     \
    leave();                                                                                       \
    return written

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (!is_tracked(fd))
        return REAL(write)(fd, data, size);
    WRITING(REAL(write)(fd, data, size), REAL(write)(fd, data, (size + 1) / 2));
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    if (!is_tracked(fd))
        return REAL(pwrite64)(fd, data, size, at);
    WRITING(REAL(pwrite64)(fd, data, size, at), REAL(pwrite64)(fd, data, (size + 1) / 2, at));
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}

EXPORT ssize_t read(int fd, void *data, size_t size)
{
    return is_tracked(fd) && strike(READ) == FAIL ? -1 : REAL(read)(fd, data, size);
}

static void synced(int fd)
{
    char path[MAX_PATH];
    struct stat about;
    if (!plan.lost || !resolve(fd, ".", path) || fstat(fd, &about) != 0)
        return;
    inside++;
    if (S_ISDIR(about.st_mode))
        power_loss_settle(path);
    else
        power_loss_remember(path);
    inside--;
}

static int sync_with(int fd, int (*sync)(int))
{
    if (!is_tracked(fd))
        return sync(fd);
    enter();
    int result = strike(SYNC) == FAIL ? -1 : sync(fd);
    if (result == 0)
        synced(fd);
    leave();
    return result;
}

EXPORT int fsync(int fd)
{
    return sync_with(fd, REAL(fsync));
}

EXPORT int fdatasync(int fd)
{
    return sync_with(fd, REAL(fdatasync));
}

/* Promises nothing about power loss, so nothing is remembered. */
EXPORT int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags)
{
    return is_tracked(fd) && strike(SYNC) == FAIL ? -1 : REAL(sync_file_range)(fd, at, size, flags);
}

EXPORT int ftruncate64(int fd, off64_t size)
{
    if (!is_tracked(fd))
        return REAL(ftruncate64)(fd, size);
    enter();
    int result = strike(TRUNCATE) == FAIL ? -1 : REAL(ftruncate64)(fd, size);
    leave();
    return result;
}

EXPORT int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

EXPORT int close(int fd)
{
    if (!is_tracked(fd))
        return REAL(close)(fd);
    enter();
    enum verdict verdict = strike(CLOSE);
    atomic_store(&tracked[fd], false);
    int failed = errno, result = REAL(close)(fd); /* the descriptor is gone in any case */
    leave();
    if (verdict != FAIL)
        return result;
    errno = failed;
    return -1;
}

EXPORT int closedir(DIR *listing)
{
    int fd = dirfd(listing);
    if (fd >= 0 && fd < MAX_FDS)
        atomic_store(&tracked[fd], false);
    return REAL(closedir)(listing);
}

/* --- the calls that open --- */

#define OPENING(dir_fd, name, flags, call)                                                         \
    char path[MAX_PATH];                                                                           \
    if (!resolve(dir_fd, name, path))                                                              \
        return call;                                                                               \
    enter();                                                                                       \
    bool makes = plan.lost && ((flags)&O_CREAT) != 0 && access(path, F_OK) != 0;                   \
    int fd = strike(OPEN) == FAIL ? -1 : (int)(call);                                              \
    if (fd >= 0 && fd < MAX_FDS)                                                                   \
        atomic_store(&tracked[fd], true);                                                          \
    if (fd >= 0 && makes)                                                                          \
        power_loss_note(MADE, path, "", 0);                                                        \
    leave();                                                                                       \
    return fd

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define TAKE_MODE                                                                                  \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    mode_t mode = mode_of(flags, arguments);                                                       \
    va_end(arguments)

EXPORT int open(const char *name, int flags, ...)
{
    TAKE_MODE;
    OPENING(AT_FDCWD, name, flags, REAL(open)(name, flags, mode));
}

EXPORT int open64(const char *name, int flags, ...)
{
    TAKE_MODE;
    OPENING(AT_FDCWD, name, flags, REAL(open64)(name, flags, mode));
}

EXPORT int openat(int dir_fd, const char *name, int flags, ...)
{
    TAKE_MODE;
    OPENING(dir_fd, name, flags, REAL(openat)(dir_fd, name, flags, mode));
}

EXPORT int openat64(int dir_fd, const char *name, int flags, ...)
{
    TAKE_MODE;
    OPENING(dir_fd, name, flags, REAL(openat64)(dir_fd, name, flags, mode));
}

static long open_below(long number, const long a[6])
{
    const struct open_how *how = (const struct open_how *)a[2];
    const char *name = (const char *)a[1];
    OPENING((int)a[0], name, (int)how->flags,
            REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

EXPORT long syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return number == SYS_openat2 ? open_below(number, a)
                                 : REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- the calls on names --- */

EXPORT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    char from_path[MAX_PATH], to_path[MAX_PATH];
    if (!resolve(from_fd, from, from_path) || !resolve(to_fd, to, to_path))
        return REAL(renameat2)(from_fd, from, to_fd, to, flags);
    enter();
    enum verdict verdict = strike(RENAME);
    int saved = verdict == PASS && plan.lost ? power_loss_save(to_path) : 0;
    int result = verdict == FAIL ? -1 : REAL(renameat2)(from_fd, from, to_fd, to, flags);
    /* Two names of one inode stay as they are. */
    if (result == 0 && plan.lost && access(from_path, F_OK) != 0)
        power_loss_note(RENAMED, to_path, from_path, saved);
    leave();
    return result;
}

EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}

EXPORT int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    char path[MAX_PATH];
    if (!resolve(to_fd, to, path))
        return REAL(linkat)(from_fd, from, to_fd, to, flags);
    enter();
    int result = strike(LINK) == FAIL ? -1 : REAL(linkat)(from_fd, from, to_fd, to, flags);
    if (result == 0 && plan.lost)
        power_loss_note(MADE, path, "", 0);
    leave();
    return result;
}

EXPORT int unlinkat(int dir_fd, const char *name, int flags)
{
    char path[MAX_PATH];
    if (!resolve(dir_fd, name, path))
        return REAL(unlinkat)(dir_fd, name, flags);
    enter();
    enum verdict verdict = strike(UNLINK);
    int saved = verdict == PASS && plan.lost && flags == 0 ? power_loss_save(path) : 0;
    int result = verdict == FAIL ? -1 : REAL(unlinkat)(dir_fd, name, flags);
    if (result == 0 && plan.lost)
        power_loss_note(flags == 0 ? REMOVED : REMOVED_DIRECTORY, path, "", saved);
    leave();
    return result;
}

EXPORT int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

EXPORT int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    char path[MAX_PATH];
    if (!resolve(dir_fd, name, path))
        return REAL(mkdirat)(dir_fd, name, mode);
    enter();
    int result = strike(MKDIR) == FAIL ? -1 : REAL(mkdirat)(dir_fd, name, mode);
    if (result == 0 && plan.lost)
        power_loss_note(MADE_DIRECTORY, path, "", 0);
    leave();
    return result;
}

EXPORT int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

/* --- the clock --- */

EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = REAL(clock_gettime)(clock, now);
    const char *file = clock == CLOCK_REALTIME    ? getenv("CLOCK_FILE")
                       : clock == CLOCK_MONOTONIC ? getenv("MONOTONIC_FILE")
                                                  : NULL;
    if (result != 0 || file == NULL)
        return result;
    int saved_errno = errno;
    char text[32] = "";
    inside++;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
        now->tv_sec += strtol(text, NULL, 10);
    if (fd >= 0)
        (void)close(fd);
    inside--;
    errno = saved_errno;
    return 0;
}

/* --- memory --- */

static bool refused(void)
{
    return inside == 0 && atomic_load(&begun) && strike(MALLOC) == FAIL;
}

EXPORT void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *memory, size_t size)
{
    return refused() ? NULL : __libc_realloc(memory, size);
}

EXPORT void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, total);
}
