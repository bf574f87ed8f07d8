/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives each file named on the command line to a fuzz target, so that a corpus replays as an
 * ordinary test with any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 24 };

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *buffer = malloc(INPUT_MAX);
    size_t size = file == NULL || buffer == NULL ? 0 : fread(buffer, 1, INPUT_MAX, file);
    int failed = file == NULL || buffer == NULL || ferror(file) || !feof(file);
    /* Memory of exactly its size, so that a read past its end shows. */
    uint8_t *data = failed ? NULL : realloc(buffer, size + (size == 0));
    if (data == NULL) {
        perror(path);
        free(buffer);
    } else {
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    if (file != NULL)
        (void)fclose(file);
    return data == NULL;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    return failed;
}
