/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around a command: descriptors, signals, the exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/process.h"
#include "base/thread.h"
#include "cli/run.h"

static struct scb_cancel *cancel;
static volatile sig_atomic_t interrupts;

/* The first one ends the command in order, a second Ctrl-C ends the process as it stands. */
static void on_signal(int number)
{
    if (number == SIGINT && interrupts++ > 0)
        _exit(SCB_ERROR_CANCELED);
    scb_cancel_request(cancel);
}

/* What is ignored from the start stays so: nohup, a script's background. */
static void handle_unless_ignored(int number, const struct sigaction *action)
{
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(number, action, NULL);
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    handle_unless_ignored(SIGINT, &action);
    handle_unless_ignored(SIGHUP, &action);
    (void)sigaction(SIGTERM, &action, NULL);
    /* A pipe whose reader has gone is a failed write, not the end of a backup. */
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* A standard descriptor that is closed would be taken by the next file opened: a message for
 * standard error would then go into a database. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", O_RDONLY);
}

int main(int argc, char **argv)
{
    scb_process_protect(); /* before there is a secret: the environment has some already */
    fill_standard_descriptors();
    (void)setlocale(LC_CTYPE, "");
    struct scb_error error = {0};
    if (scb_cancel_new(&cancel, &error) != SCB_OK) {
        (void)fprintf(stderr, "satellite: %s: %s\n", scb_status_name(error.status), error.message);
        return (int)error.status;
    }
    handle_signals();
    return scb_cli_run(argc, argv, (const char *const *)environ, cancel);
}
