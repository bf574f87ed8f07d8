/* SPDX-License-Identifier: Apache-2.0 */
#include "job/verify_index.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static enum scb_status write_file(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    return scb_durable_write(state, data, size, error);
}

static bool has_good_one(const struct scb_backup_dir *dir, const struct scb_manifest *manifest)
{
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    struct scb_key_index_head head;
    struct scb_error none = {0};
    return scb_backup_dir_read(dir, SCB_KEY_INDEX_NAME, &fd, &size, &none) == SCB_OK &&
           scb_key_index_read_head(fd, size, manifest, &head, &none) == SCB_OK;
}

/* Gives up: a hint that is not there does no harm. */
static void drop(struct scb_verify_index *index)
{
    if (index->open)
        scb_durable_abort(&index->file);
    index->open = false;
    scb_buffer_free(&index->writer.pending);
}

void scb_verify_index_open(struct scb_verify_index *index, const struct scb_backup_dir *dir,
                           const struct scb_manifest *manifest, uint64_t seed)
{
    struct scb_error none = {0};
    struct scb_key_index_head head = {.seed = seed, .entries = manifest->total_keys};
    memcpy(head.pages_sha256, manifest->pages_sha256, sizeof(head.pages_sha256));
    *index = (struct scb_verify_index){
        .writer = {.sink = {write_file, &index->file}, .pending = {.max = SCB_KEY_INDEX_BUFFER}}};
    /* Of an encrypted backup it would say in plain which keys there are. */
    if (dir == NULL || scb_manifest_is_encrypted(manifest) || has_good_one(dir, manifest))
        return;
    index->open = scb_backup_dir_open_apart(dir, SCB_KEY_INDEX_NAME, &index->file, &none) == SCB_OK;
    if (index->open && scb_key_index_begin(&index->writer, &head, &none) != SCB_OK)
        drop(index);
}

void scb_verify_index_add(struct scb_verify_index *index, const uint8_t hash[SCB_KEY_INDEX_HASH],
                          uint64_t page)
{
    struct scb_error none = {0};
    if (index->open && scb_key_index_add(&index->writer, hash, page, &none) != SCB_OK)
        drop(index);
}

void scb_verify_index_close(struct scb_verify_index *index, bool good)
{
    struct scb_error none = {0};
    if (!index->open || !good || scb_key_index_end(&index->writer, &none) != SCB_OK) {
        drop(index);
        return;
    }
    /* On failure too, there is no temporary file left. */
    if (scb_durable_commit(&index->file, &none) != SCB_OK)
        index->open = false;
    scb_buffer_free(&index->writer.pending);
}
