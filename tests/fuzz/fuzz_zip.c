/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive from anywhere: its manifest and pages are read to their ends, or refused, and never
 * more bytes come out than the limit says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/manifest.h"
#include "format/page.h"
#include "format/zip.h"

enum { MAX = 256 * 1024, LIMIT = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_entry(struct scb_zip_reader *reader, const char *name)
{
    static uint8_t block[5000];
    struct scb_input input;
    struct scb_error error = {0};
    size_t size = 1, total = 0;
    enum scb_status status = scb_zip_reader_open(reader, name, LIMIT, &input, &error);
    while (status == SCB_OK && size > 0) {
        status = input.read(input.state, block, sizeof(block), &size, &error);
        if (status == SCB_OK)
            total += size;
    }
    if (total > LIMIT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_zip_reader *reader = NULL;
    struct scb_error error = {0};
    if (size > MAX)
        return 0;
    int fd = memfd_create("archive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (scb_zip_reader_new(fd, &reader, &error) == SCB_OK) {
        read_entry(reader, SCB_MANIFEST_NAME);
        for (uint64_t i = 0; i < 3; i++) {
            char name[SCB_PAGE_NAME_SIZE];
            scb_page_file_name(i, name);
            read_entry(reader, name);
        }
        scb_zip_reader_free(reader);
    }
    (void)close(fd);
    return 0;
}
