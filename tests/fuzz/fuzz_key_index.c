/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keys.index from anywhere, taken as the one of this archive: pages come in their order, each
 * once, and no more of them than there is room for.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/key_index.h"

enum { HEAD_SIZE = 64, ENTRY_SIZE = 12, ROOM = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find(int fd, const struct scb_key_index_head *head, struct scb_bytes key)
{
    uint64_t pages[ROOM];
    size_t count = ROOM;
    struct scb_error error = {0};
    if (scb_key_index_find(fd, head, key, pages, &count, &error) != SCB_OK)
        return;
    if (count > ROOM)
        abort();
    for (size_t i = 1; i < count; i++)
        if (pages[i] <= pages[i - 1])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_key_index_head head;
    struct scb_error error = {0};
    struct scb_manifest manifest = {.total_keys =
                                        size > HEAD_SIZE ? (size - HEAD_SIZE) / ENTRY_SIZE : 0};
    if (size >= HEAD_SIZE)
        memcpy(manifest.pages_sha256, data + 24, sizeof(manifest.pages_sha256));
    int fd = memfd_create("index", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    if (scb_key_index_read_head(fd, size, &manifest, &head, &error) == SCB_OK) {
        find(fd, &head, (struct scb_bytes){(const uint8_t *)"a", 1});
        find(fd, &head, (struct scb_bytes){data, size < 16 ? size : 16});
    }
    (void)close(fd);
    return 0;
}
