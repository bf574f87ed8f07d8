/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs for encryption: backup key generate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "crypto/age_identity_file.h"

enum { MAX_JSON = 16 * 1024, MODE = 0600 };

/* All of it on the disk, or no file. */
static enum scb_status fill(int dir_fd, const char *name, int fd, const char *text,
                            struct scb_error *error)
{
    enum scb_status status = scb_file_write(fd, name, text, strlen(text), error);
    if (status == SCB_OK && fsync(fd) != 0)
        status = scb_error_set_errno(error, SCB_ERROR_FILE, errno, "'%s' not synced", name);
    struct scb_error close_error = {0};
    enum scb_status closed = scb_file_close(fd, name, &close_error);
    if (status == SCB_OK && closed != SCB_OK) {
        status = closed;
        if (error != NULL)
            *error = close_error;
    }
    if (status == SCB_OK)
        status = scb_dir_sync(dir_fd, name, error);
    if (status != SCB_OK)
        (void)unlinkat(dir_fd, name, 0);
    return status;
}

/* Into a file that is new: a key that is written over is a backup that nobody can read. */
static enum scb_status write_new(const char *path, const char *text, struct scb_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    SCB_AUTO(fd) int dir_fd = -1;
    SCB_AUTO(string)
    char *directory = scb_format(error, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                                 slash == NULL ? "." : path);
    if (directory == NULL)
        return SCB_ERROR_RESOURCE;
    if (name[0] == '\0')
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s' names no file", path);
    int fd = -1;
    enum scb_status status = scb_dir_open(directory, false, 0700, &dir_fd, error);
    if (status == SCB_OK)
        status = scb_file_open(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, MODE, &fd, error);
    if (status == SCB_OK)
        return fill(dir_fd, name, fd, text, error);
    if (dir_fd >= 0 && faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        (void)scb_error_set(error, SCB_ERROR_FILE, "'%s' is there already", path);
    (void)scb_error_hint(error, "name a new file in a directory that is there");
    return status;
}

static enum scb_status print_recipient(const struct scb_command_context *context,
                                       const struct scb_age_recipient *recipient, const char *path,
                                       struct scb_error *error)
{
    char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
    scb_age_recipient_format(recipient, text);
    if (!context->json) {
        (void)printf("%s\n", text);
        return SCB_OK;
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_JSON};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "recipient", text);
    scb_json_text(&json, "identity_file", path);
    scb_json_close_object(&json);
    return scb_output_json(&json, error);
}

enum scb_status scb_command_key_generate(const struct scb_command_context *context,
                                         struct scb_error *error)
{
    const char *path = scb_command_option(context, "--output");
    bool to_file = path != NULL && strcmp(path, "-") != 0;
    if (context->json && !to_file) { /* what prints JSON is often logged */
        (void)scb_error_set(error, SCB_ERROR_USAGE, "--json does not show an identity");
        return scb_error_hint(error, "give --output FILE for it");
    }
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* a key must not lie in a core dump */
    char text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE] = "";
    struct scb_age_recipient recipient;
    enum scb_status status = scb_age_identity_file_generate(scb_clock_real_ms(scb_clock_system()),
                                                            text, &recipient, error);
    if (status == SCB_OK)
        status = to_file
                     ? write_new(path, text, error)
                     : scb_file_write(STDOUT_FILENO, "standard output", text, strlen(text), error);
    scb_wipe(text, sizeof(text));
    if (status == SCB_OK && to_file)
        status = print_recipient(context, &recipient, path, error);
    return status;
}
