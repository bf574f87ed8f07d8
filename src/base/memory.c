/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(struct scb_error *error, size_t count, size_t size)
{
    (void)scb_error_set(error, SCB_ERROR_RESOURCE, "%zu x %zu bytes of memory could not be had",
                        count, size);
    (void)scb_error_hint(error, "lower backup.memory_limit or give the process more memory");
}

void *scb_alloc(size_t count, size_t size, struct scb_error *error)
{
    void *block = calloc(count, size);
    if (block == NULL)
        out_of_memory(error, count, size);
    return block;
}

void *scb_realloc(void *block, size_t count, size_t size, struct scb_error *error)
{
    void *grown = reallocarray(block, count, size);
    if (grown == NULL)
        out_of_memory(error, count, size);
    return grown;
}

char *scb_strdup(const char *text, struct scb_error *error)
{
    char *copy = strdup(text);
    if (copy == NULL)
        out_of_memory(error, 1, strlen(text) + 1);
    return copy;
}

char *scb_format(struct scb_error *error, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size < 0) {
        out_of_memory(error, 1, strlen(format));
        return NULL;
    }
    return text;
}

void scb_string_cleanup(char **text)
{
    free(*text);
}

void scb_memory_cleanup(void *pointer_to_pointer)
{
    void *block = NULL;
    memcpy(&block, pointer_to_pointer, sizeof(block));
    free(block);
}

void scb_wipe(void *memory, size_t size)
{
    OPENSSL_cleanse(memory, size);
}
