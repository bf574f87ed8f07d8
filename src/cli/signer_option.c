/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signer_option.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "evm/keystore.h"

enum { MAX_PASSWORD = 4096 };

/* A password, which ends where its line does. */
struct password {
    char text[MAX_PASSWORD];
    size_t size;
};

/* Reads at most size bytes of a file of the operator's. */
static enum scb_status read_file(const char *what, const char *path, char *data, size_t size,
                                 size_t *ret_size, struct scb_error *error)
{
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

static void end_line(struct password *password)
{
    const char *end = memchr(password->text, '\n', password->size);
    if (end != NULL)
        password->size = (size_t)(end - password->text);
    if (end != NULL && password->size > 0 && password->text[password->size - 1] == '\r')
        password->size--;
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
static enum scb_status ask(const char *keystore, const struct scb_cancel *cancel,
                           struct password *password, struct scb_error *error)
{
    SCB_AUTO(fd) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before;
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        scb_error_set(error, SCB_ERROR_USAGE,
                      "there is no terminal to ask for the keystore's password");
        return scb_error_hint(error, "give --password-file");
    }
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ICANON;
    /* Before it asks: what is typed at once would be shown, and then thrown away. */
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    (void)dprintf(fd, "Password of keystore %s: ", keystore);
    ssize_t got =
        scb_terminal_wait(fd, cancel) ? read(fd, password->text, sizeof(password->text)) : 0;
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)dprintf(fd, "\n");
    if (got <= 0)
        return scb_error_set(error, SCB_ERROR_CANCELED, "no password was typed");
    password->size = (size_t)got;
    return SCB_OK;
}

enum scb_status scb_signer_option(const struct scb_command_context *context,
                                  struct scb_signer **ret_signer, struct scb_error *error)
{
    const char *keystore = scb_command_option(context, "--keystore");
    const char *password_file = scb_command_option(context, "--password-file");
    if (keystore == NULL)
        return password_file == NULL ? SCB_OK
                                     : scb_error_set(error, SCB_ERROR_USAGE,
                                                     "--password-file is given without --keystore");
    char document[SCB_KEYSTORE_MAX_SIZE + 1];
    struct password password = {0};
    size_t size = 0;
    enum scb_status status =
        read_file("keystore", keystore, document, sizeof(document), &size, error);
    if (status == SCB_OK && password_file != NULL)
        status = read_file("password file", password_file, password.text, sizeof(password.text),
                           &password.size, error);
    else if (status == SCB_OK)
        status = ask(keystore, context->cancel, &password, error);
    end_line(&password);
    if (status == SCB_OK)
        status = scb_keystore_open(
            (struct scb_bytes){(const uint8_t *)document, size},
            (struct scb_bytes){(const uint8_t *)password.text, password.size}, ret_signer, error);
    scb_wipe(&password, sizeof(password));
    return status;
}
