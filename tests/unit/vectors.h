/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published test vectors, which live beside the repository and not in it (../shared/vectors). A
 * test that wants them calls skip() where they are not there. A header alone, because a unit test
 * is one program of one file.
 */
#ifndef SCB_TESTS_VECTORS_H
#define SCB_TESTS_VECTORS_H

#include <jansson.h>
#include <stdio.h>
#include <zlib.h>

static size_t vectors_read(void *buffer, size_t size, void *state)
{
    int got = gzread(state, buffer, (unsigned)size);
    return got < 0 ? (size_t)-1 : (size_t)got;
}

/* The JSON document ../shared/vectors/NAME, gzipped or not; NULL where it is not there. */
static json_t *vectors_load(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/../shared/vectors/%s", SCB_SOURCE_ROOT, name);
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return NULL;
    json_error_t error;
    json_t *document = json_load_callback(vectors_read, file, JSON_ALLOW_NUL, &error);
    (void)gzclose(file);
    if (document == NULL)
        (void)fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
    return document;
}

/* A text member of a vector. */
static const char *vectors_text(const json_t *vector, const char *member)
{
    return json_string_value(json_object_get(vector, member));
}

#endif
