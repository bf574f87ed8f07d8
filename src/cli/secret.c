/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"

enum scb_status scb_secret_read_file(const char *what, const char *path, char *data, size_t size,
                                     size_t *ret_size, struct scb_error *error)
{
    SCB_FILE_WATCHED(NULL); /* it may be a pipe from a program that asks somebody */
    SCB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum scb_status status = errno == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
        scb_error_set_errno(error, status, errno, "%s '%s' not opened", what, path);
        return scb_error_hint(error, "check the path and who may read the file");
    }
    enum scb_status status = scb_file_read(fd, path, data, size, ret_size, error);
    if (status == SCB_OK && *ret_size == size)
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "%s '%s' is over %zu bytes", what, path,
                               size - 1);
    return status;
}

static void end_line(struct scb_secret *secret)
{
    const char *end = memchr(secret->text, '\n', secret->size);
    if (end != NULL)
        secret->size = (size_t)(end - secret->text);
    if (end != NULL && secret->size > 0 && secret->text[secret->size - 1] == '\r')
        secret->size--;
}

bool scb_terminal_wait(int fd, const struct scb_cancel *cancel)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = scb_cancel_fd(cancel), .events = POLLIN}};
    while (poll(polled, SCB_LENGTH(polled), -1) < 0 && errno == EINTR)
        ;
    return polled[1].revents == 0;
}

/* From the terminal itself, whatever standard input is, without showing it. */
static enum scb_status ask(const struct scb_secret_question *question,
                           const struct scb_cancel *cancel, struct scb_secret *secret,
                           struct scb_error *error)
{
    SCB_AUTO(fd) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before;
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        scb_error_set(error, SCB_ERROR_USAGE, "there is no terminal to ask for the %s's %s",
                      question->of, question->what);
        return scb_error_hint(error, "give %s", question->flag);
    }
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ICANON;
    /* Before it asks: what is typed at once would be shown, and then thrown away. */
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) {
        scb_error_set_errno(error, SCB_ERROR_USAGE, errno,
                            "the terminal would show the %s's %s as it is typed", question->of,
                            question->what);
        return scb_error_hint(error, "give %s", question->flag);
    }
    (void)dprintf(fd, "%c%s of %s %s: ", toupper((unsigned char)question->what[0]),
                  question->what + 1, question->of, question->path);
    ssize_t got = scb_terminal_wait(fd, cancel) ? read(fd, secret->text, sizeof(secret->text)) : 0;
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)dprintf(fd, "\n");
    if (got <= 0)
        return scb_error_set(error, SCB_ERROR_CANCELED, "no %s was typed", question->what);
    secret->size = (size_t)got;
    return SCB_OK;
}

enum scb_status scb_secret_take(const struct scb_command_context *context,
                                const struct scb_secret_question *question,
                                struct scb_secret *ret_secret, struct scb_error *error)
{
    const char *path = scb_command_option(context, question->flag);
    char what[64];
    (void)snprintf(what, sizeof(what), "%s file", question->what);
    enum scb_status status =
        path == NULL ? ask(question, context->cancel, ret_secret, error)
                     : scb_secret_read_file(what, path, ret_secret->text, sizeof(ret_secret->text),
                                            &ret_secret->size, error);
    if (status == SCB_OK)
        end_line(ret_secret);
    return status;
}
