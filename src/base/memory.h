/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that reports failure as an error, and cleanup by attribute.
 */
#ifndef SCB_BASE_MEMORY_H
#define SCB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

/*
 * Frees a variable at the end of its scope through scb_<name>_cleanup(pointer to the variable):
 * `SCB_AUTO(buffer) struct scb_buffer text = {.max = 4096};`
 */
#define SCB_AUTO(name) __attribute__((cleanup(scb_##name##_cleanup)))

/* Moves a pointer out of an SCB_AUTO variable: the caller owns it now. */
#define SCB_TAKE(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

/* Number of elements of an array. */
#define SCB_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* count zeroed elements of size bytes; NULL with error set when they cannot be had. */
void *scb_alloc(size_t count, size_t size, struct scb_error *error);

/* Like realloc for count elements of size bytes; the old block stays valid on failure (NULL). */
void *scb_realloc(void *block, size_t count, size_t size, struct scb_error *error);

/* A copy of text, to be freed; NULL with error set. */
char *scb_strdup(const char *text, struct scb_error *error);

/* Formats into a new string, to be freed; NULL with error set. */
char *scb_format(struct scb_error *error, const char *format, ...) SCB_PRINTF(2, 3);

/* For SCB_AUTO(string) char *text and SCB_AUTO(memory) void *block. */
void scb_string_cleanup(char **text);
void scb_memory_cleanup(void *pointer_to_pointer);

/* Overwrites memory that held a secret; not removed by the optimiser. */
void scb_wipe(void *memory, size_t size);

#endif
