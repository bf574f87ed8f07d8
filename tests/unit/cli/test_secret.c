/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/secret at a terminal: what is typed is taken up to its line's end and not shown, and
 * nothing is asked where it would be. The asking is done by a child process, which has the
 * terminal.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/secret.h"

static bool keeps_echo; /* the terminal */

/* Stands before the C library's. */
int tcsetattr(int fd, int actions, const struct termios *as)
{
    int (*own)(int, int, const struct termios *) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "tcsetattr");
    if (!keeps_echo)
        return own(fd, actions, as);
    errno = EIO;
    return -1;
}

/* What the child has to tell. */
struct answer {
    enum scb_status status;
    struct scb_error error;
    struct scb_secret secret;
};

/* In the child, whose terminal it becomes. */
static void ask_there(const char *terminal, int out)
{
    static const char *const words[] = {"backup", "get"};
    const struct scb_secret_question question = {"passphrase", "identity file", "key.txt",
                                                 "--passphrase-file"};
    struct answer answer = {.status = SCB_ERROR_INTERNAL};
    struct scb_command_context context = {0};
    struct scb_cancel *cancel = NULL;
    size_t used = 0;
    context.command = scb_command_find(words, 2, &used);
    if (setsid() < 0 || open(terminal, O_RDWR | O_CLOEXEC) < 0 ||
        scb_cancel_new(&cancel, &answer.error) != SCB_OK)
        _exit(1);
    context.cancel = cancel;
    answer.status = scb_secret_take(&context, &question, &answer.secret, &answer.error);
    _exit(write(out, &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
}

/* Asks, answers once that is asked; ret_shown gets what the terminal has shown. */
static struct answer asked(const char *typed, char *ret_shown, size_t size)
{
    struct answer answer = {.status = SCB_OK};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), pipe_fds[2], status = 0;
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        ask_there(ptsname(terminal), pipe_fds[1]);
    (void)close(pipe_fds[1]);
    size_t shown = 0;
    bool answered = false;
    ret_shown[0] = '\0';
    for (ssize_t got = 0; shown + 1 < size; shown += (size_t)got) {
        got = read(terminal, ret_shown + shown, size - shown - 1);
        if (got <= 0) /* nobody has it open any more */
            break;
        ret_shown[shown + (size_t)got] = '\0';
        if (!answered && strstr(ret_shown, "key.txt: ") != NULL) {
            assert_int_equal(write(terminal, typed, strlen(typed)), strlen(typed));
            answered = true;
        }
    }
    assert_int_equal(read(pipe_fds[0], &answer, sizeof(answer)), sizeof(answer));
    (void)close(pipe_fds[0]);
    (void)close(terminal);
    (void)waitpid(child, &status, 0);
    return answer;
}

static void what_is_typed_is_not_shown(void **state)
{
    (void)state;
    char shown[512];
    struct answer answer = asked("correct horse\r", shown, sizeof(shown));
    assert_int_equal(answer.status, SCB_OK);
    assert_int_equal(answer.secret.size, strlen("correct horse"));
    assert_memory_equal(answer.secret.text, "correct horse", answer.secret.size);
    assert_non_null(strstr(shown, "Passphrase of identity file key.txt: "));
    assert_null(strstr(shown, "horse"));
}

/* It is not asked for either: it would be shown before anybody knew. */
static void a_terminal_that_would_show_it_is_refused(void **state)
{
    (void)state;
    char shown[512];
    keeps_echo = true;
    struct answer answer = asked("correct horse\r", shown, sizeof(shown));
    keeps_echo = false;
    assert_int_equal(answer.status, SCB_ERROR_USAGE);
    assert_non_null(strstr(answer.error.message, "would show the identity file's passphrase"));
    assert_string_equal(answer.error.hint, "give --passphrase-file");
    assert_null(strstr(shown, "Passphrase"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_typed_is_not_shown),
        cmocka_unit_test(a_terminal_that_would_show_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
