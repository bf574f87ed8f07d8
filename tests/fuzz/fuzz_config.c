/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file from anywhere: it is refused with a line, or every value of it is in bounds
 * and shown as text that parses back to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scb/config.h"

enum { MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

static void check_value(const struct scb_config *config, struct scb_config *other, size_t index)
{
    struct scb_setting_view view;
    char text[8192], again[8192];
    struct scb_error error = {0};
    scb_config_describe(config, index, &view);
    if (view.secret || strncmp(view.type, "list", 4) == 0)
        return;
    if (scb_config_value_text(config, index, text, sizeof(text), &error) != SCB_OK ||
        scb_config_set(other, view.name, text, "again", &error) != SCB_OK ||
        scb_config_value_text(other, index, again, sizeof(again), &error) != SCB_OK ||
        strcmp(text, again) != 0) {
        (void)fprintf(stderr, "%s: '%s': %s\n", view.name, text, error.message);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A secret's file may be any: none that blocks. */
    if (size > MAX || has(data, size, "/dev") || has(data, size, "/proc"))
        return 0;
    struct scb_config *config = NULL, *other = NULL;
    struct scb_error error = {0};
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size) ||
        scb_config_new(&config, &error) != SCB_OK || scb_config_new(&other, &error) != SCB_OK)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum scb_status status = scb_config_load_file(config, path, &error);
    if (status != SCB_OK && (error.status != status || error.message[0] == '\0'))
        abort();
    for (size_t i = 0; status == SCB_OK && i < scb_config_count(); i++)
        check_value(config, other, i);
    if (status == SCB_OK)
        (void)!scb_config_check(config, &error);
    scb_config_free(config);
    scb_config_free(other);
    (void)close(fd);
    return 0;
}
