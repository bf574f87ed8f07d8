/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: docs.kernel.org/userspace-api/landlock.html; without a wrapper in the C library.
 * The filter denies what nothing here ever needs and an intruder would (EPERM, and a line in the
 * kernel's audit log): a list of all that curl, SQLite and the C library may call would change
 * with every version of them.
 */
#include "base/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14) /* Linux 6.2 */
#endif

enum { ABI_REFER = 2, ABI_TRUNCATE = 3 };

static const uint64_t read_rights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
/* What can be written cannot be run, and neither devices nor symbolic links are made there. */
static const uint64_t not_written = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                    LANDLOCK_ACCESS_FS_MAKE_SYM;
static const uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

/* Every right of the first version, and what later ones have added. */
static uint64_t rights_of(int abi)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (abi >= ABI_REFER)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= ABI_TRUNCATE)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static enum scb_status add_path(int ruleset_fd, const struct scb_sandbox_path *path, uint64_t all,
                                struct scb_error *error)
{
    if (path->path == NULL || path->path[0] == '\0')
        return SCB_OK;
    SCB_AUTO(fd) int fd = open(path->path, O_PATH | O_CLOEXEC);
    struct stat about = {0};
    if (fd < 0 || fstat(fd, &about) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
            return SCB_OK;
        return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not opened", path->path);
    }
    uint64_t rights = path->writable ? all & ~not_written : all & read_rights;
    if (!S_ISDIR(about.st_mode))
        rights &= file_rights;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return scb_error_set_errno(error, SCB_ERROR_INTERNAL, errno, "no Landlock rule for '%s'",
                                   path->path);
    return SCB_OK;
}

static enum scb_status restrict_files(const struct scb_sandbox_path *paths, size_t count,
                                      struct scb_sandbox_result *result, struct scb_error *error)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, (long)LANDLOCK_CREATE_RULESET_VERSION);
    if (abi <= 0) {
        (void)snprintf(result->missing, sizeof(result->missing), "Landlock: %s", strerror(errno));
        return SCB_OK;
    }
    struct landlock_ruleset_attr handled = {.handled_access_fs = rights_of((int)abi)};
    SCB_AUTO(fd)
    int fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    if (fd < 0)
        return scb_error_set_errno(error, SCB_ERROR_INTERNAL, errno, "no Landlock rules");
    for (size_t i = 0; i < count; i++) {
        enum scb_status status = add_path(fd, &paths[i], handled.handled_access_fs, error);
        if (status != SCB_OK)
            return status;
    }
    if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        return scb_error_set_errno(error, SCB_ERROR_INTERNAL, errno, "Landlock not in force");
    result->landlock_abi = (int)abi;
    return SCB_OK;
}

/* By name: one that this machine's kernel or library does not know is nothing to deny. */
static const char *const denied[] = {
    /* other processes */
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_LEAK__)
    "ptrace", /* the leak checker looks at its own threads with it */
#endif
    /* the kernel */
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "reboot", "syslog", "acct", "quotactl", "swapon", "swapoff", "iopl",
    "ioperm", "modify_ldt", "lookup_dcookie", "uselib", "personality",
    /* keys of the session */
    "keyctl", "add_key", "request_key",
    /* mounts and namespaces */
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "unshare", "setns", "open_by_handle_at", "mknod",
    "mknodat",
    /* the clock */
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime"};

static enum scb_status refuse_calls(struct scb_sandbox_result *result, struct scb_error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for a seccomp filter");
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); /* since Linux 4.14 */
    int failed = 0;
    for (size_t i = 0; i < SCB_LENGTH(denied) && failed == 0; i++) {
        int number = seccomp_syscall_resolve_name(denied[i]);
        if (number >= 0) /* below 0: of other machines */
            failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    result->system_calls = failed == 0;
    if (failed == -EINVAL || failed == -ENOSYS || failed == -ECANCELED || failed == -EOPNOTSUPP) {
        size_t used = strlen(result->missing);
        (void)snprintf(result->missing + used, sizeof(result->missing) - used, "%sseccomp: %s",
                       used > 0 ? "; " : "", strerror(-failed));
        return SCB_OK;
    }
    return failed == 0 ? SCB_OK
                       : scb_error_set_errno(error, SCB_ERROR_INTERNAL, -failed,
                                             "no seccomp filter in force");
}

/* The walls are of the thread that puts them up, and of those that it starts. */
static enum scb_status check_alone(struct scb_error *error)
{
#if !defined(__SANITIZE_THREAD__) /* it has a thread of its own */
    struct stat threads;          /* a link for each, besides "." and ".." */
    if (stat("/proc/self/task", &threads) == 0 && threads.st_nlink > 3)
        return scb_error_set(error, SCB_ERROR_INTERNAL,
                             "no sandbox: the process has %ju threads already",
                             (uintmax_t)threads.st_nlink - 2);
#else
    (void)error;
#endif
    return SCB_OK;
}

enum scb_status scb_sandbox_enter(const struct scb_sandbox_path *paths, size_t count,
                                  struct scb_sandbox_result *ret_result, struct scb_error *error)
{
    *ret_result = (struct scb_sandbox_result){0};
    enum scb_status status = check_alone(error);
    if (status != SCB_OK)
        return status;
    /* Both need it: no program that is started from here on gains rights by its file's mode. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return scb_error_set_errno(error, SCB_ERROR_INTERNAL, errno, "no_new_privs not set");
    status = restrict_files(paths, count, ret_result, error);
    return status == SCB_OK ? refuse_calls(ret_result, error) : status;
}
