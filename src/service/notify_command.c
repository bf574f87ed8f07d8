/* SPDX-License-Identifier: Apache-2.0 */
#include "service/notify_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum { MAX_ARGUMENTS = 64 };

/* Its standard input: a file in memory, so that nobody waits for it to be read. */
static enum scb_status make_input(struct scb_bytes input, int *ret_fd, struct scb_error *error)
{
    int fd = memfd_create("notification", MFD_CLOEXEC);
    if (fd < 0)
        return scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno, "no input for the command");
    *ret_fd = fd;
    enum scb_status status = scb_file_write(fd, "notification", input.data, input.size, error);
    if (status == SCB_OK && lseek(fd, 0, SEEK_SET) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno, "no input for the command");
    return status;
}

/* Splits text, which is changed. */
static enum scb_status split(char *text, char *ret_arguments[MAX_ARGUMENTS + 1],
                             struct scb_error *error)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (count == MAX_ARGUMENTS)
            return scb_error_set(error, SCB_ERROR_VALIDATION, "more than %d arguments",
                                 MAX_ARGUMENTS);
        ret_arguments[count++] = word;
    }
    ret_arguments[count] = NULL;
    return count > 0 ? SCB_OK : scb_error_set(error, SCB_ERROR_VALIDATION, "an empty command");
}

/* A group of its own, so that it can be ended with all that it starts; no descriptor of ours. */
static int spawn(char *const *arguments, int input, pid_t *ret_pid)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char locale[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                        POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        failed = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && failed == 0; fd++)
            failed = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
        if (failed == 0)
            failed = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (failed == 0)
            failed = // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): split found one
                posix_spawn(ret_pid, arguments[0], &actions, &attributes, arguments, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* True where it ended by itself in time. */
static bool wait_for(pid_t pid, int64_t timeout_ms, const struct scb_cancel *cancel)
{
    SCB_AUTO(fd) int fd = pidfd_open(pid, 0);
    struct pollfd waited[] = {{.fd = fd, .events = POLLIN},
                              {.fd = scb_cancel_fd(cancel), .events = POLLIN}};
    int ready = 0;
    do
        ready = poll(waited, SCB_LENGTH(waited), (int)timeout_ms);
    while (ready < 0 && errno == EINTR);
    return fd >= 0 && (waited[0].revents & POLLIN) != 0;
}

enum scb_status scb_notify_command_run(const char *command, struct scb_bytes input,
                                       int64_t timeout_ms, const struct scb_cancel *cancel,
                                       struct scb_error *error)
{
    SCB_AUTO(string) char *text = scb_strdup(command, error);
    char *arguments[MAX_ARGUMENTS + 1];
    SCB_AUTO(fd) int fd = -1;
    if (text == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = split(text, arguments, error);
    if (status == SCB_OK)
        status = make_input(input, &fd, error);
    if (status != SCB_OK)
        return status;
    pid_t pid = 0;
    int failed = spawn(arguments, fd, &pid);
    if (failed != 0)
        return scb_error_set_errno(error, SCB_ERROR_FILE, failed, "command not started");
    bool in_time = wait_for(pid, timeout_ms, cancel);
    (void)kill(-pid, SIGKILL); /* what it left behind, too */
    int ended = 0;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        ;
    if (!in_time && scb_cancel_requested(cancel))
        return scb_error_set(error, SCB_ERROR_CANCELED, "command killed: the program ends");
    if (!in_time)
        return scb_error_set(error, SCB_ERROR_INTERNAL,
                             "command killed: it had not ended after %" PRId64 " s",
                             timeout_ms / 1000);
    if (WIFSIGNALED(ended))
        return scb_error_set(error, SCB_ERROR_INTERNAL, "command ended by signal %d",
                             WTERMSIG(ended));
    if (WEXITSTATUS(ended) != 0)
        return scb_error_set(error, SCB_ERROR_INTERNAL, "command ended with exit code %d",
                             WEXITSTATUS(ended));
    return SCB_OK;
}
