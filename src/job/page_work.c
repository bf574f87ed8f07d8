/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_work.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "evm/abi.h"

enum {
    PIECE = 64 * 1024,
    KEEP_DEFLATED = 256 * 1024, /* larger buffers are not kept for the next page */
};

enum scb_status scb_page_tools_init(struct scb_page_tools *tools, struct scb_error *error)
{
    *tools = (struct scb_page_tools){.json = {.max = SCB_WHOLE_PAGE_SIZE}};
    return scb_deflater_new(&tools->deflater, error);
}

void scb_page_tools_free(struct scb_page_tools *tools)
{
    scb_buffer_free(&tools->json);
    scb_digest_free(&tools->digest);
    scb_deflater_free(tools->deflater);
}

/* Also of a page that was given up between two answers, and of one that never began (dir NULL). */
static void close_file(struct scb_page_work *work)
{
    SCB_FILE_OPERATION;
    if (work->dir != NULL && work->fd >= 0)
        (void)close(work->fd);
    work->fd = -1;
}

enum scb_status scb_page_work_begin(struct scb_page_work *work, const struct scb_backup_dir *dir,
                                    const struct scb_page_rules *rules, uint64_t number,
                                    uint64_t first_entry, uint64_t keys, struct scb_error *error)
{
    close_file(work);
    work->dir = dir;
    work->number = number;
    work->first_entry = first_entry;
    work->keys = keys;
    work->done = work->size = 0;
    work->whole = work->checksum_only = work->spilled = false;
    work->fd = -1;
    work->rules = rules;
    work->deflated.max = 2 * SCB_WHOLE_PAGE_SIZE;
    if (work->deflated.capacity > KEEP_DEFLATED)
        scb_buffer_free(&work->deflated);
    scb_buffer_clear(&work->deflated);
    scb_page_file_name(number, work->name);
    return scb_page_check_begin(&work->check, rules, keys, error);
}

enum scb_status scb_page_work_restart(struct scb_page_work *work, bool checksum_only,
                                      struct scb_error *error)
{
    close_file(work);
    work->done = 0;
    work->checksum_only = checksum_only;
    work->spilled = false;
    return scb_page_check_begin(&work->check, work->rules, work->keys, error);
}

void scb_page_work_slim(struct scb_page_work *work)
{
    struct scb_warnings warnings = work->check.warnings;
    scb_page_check_free(&work->check);
    work->check.warnings = warnings;
    scb_buffer_free(&work->pieces);
}

void scb_page_work_free(struct scb_page_work *work)
{
    close_file(work);
    scb_buffer_free(&work->deflated);
    scb_buffer_free(&work->pieces);
    scb_digest_free(&work->digest);
    scb_page_check_free(&work->check);
}

/* A page that outgrows its buffer goes to its file, and through the digest, piece by piece. */
static enum scb_status spill(void *state, const void *data, size_t size, struct scb_error *error)
{
    struct scb_page_work *work = state;
    enum scb_status status = SCB_OK;
    if (!work->spilled) {
        work->spilled = true;
        status = scb_digest_begin(&work->digest, error);
        if (status == SCB_OK && !work->checksum_only)
            status = scb_backup_dir_create(work->dir, work->name, &work->fd, error);
    }
    if (status == SCB_OK && !work->checksum_only)
        status = scb_file_write(work->fd, work->name, data, size, error);
    if (status == SCB_OK)
        status = scb_digest_update(&work->digest, data, size, error);
    return status;
}

static enum scb_status write_entries(struct scb_page_work *work, struct scb_bytes answer,
                                     uint64_t entries, struct scb_error *error)
{
    struct scb_abi_page page;
    enum scb_status status = scb_abi_page_open(answer, entries, &page, error);
    if (status == SCB_OK && page.count != entries)
        status = scb_error_set(error, SCB_ERROR_INTERNAL, "%" PRIu64 " entries became %" PRIu64,
                               entries, page.count);
    for (uint64_t i = 0; i < entries && status == SCB_OK; i++) {
        struct scb_entry entry;
        status = scb_abi_page_next(&page, &entry, error);
        if (status == SCB_OK)
            status =
                scb_page_check_entry(&work->check, work->first_entry + work->done, &entry, error);
        if (status == SCB_OK)
            status = scb_page_writer_append(&work->writer, &entry, error);
        work->done += status == SCB_OK;
    }
    return status;
}

static enum scb_status deflate_whole(struct scb_page_work *work, struct scb_page_tools *tools,
                                     struct scb_bytes file, struct scb_error *error)
{
    work->whole = true;
    return scb_deflater_run(tools->deflater, file, &work->deflated, &work->crc32, error);
}

/* Reads a page file of at most SCB_WHOLE_PAGE_SIZE into tools->json. */
static enum scb_status read_whole(const struct scb_page_work *work, int fd, uint64_t size,
                                  struct scb_page_tools *tools, struct scb_error *error)
{
    scb_buffer_clear(&tools->json);
    enum scb_status status = scb_buffer_reserve(&tools->json, (size_t)size, error);
    return status != SCB_OK ? status
                            : scb_file_read(fd, work->name, tools->json.data, (size_t)size,
                                            &tools->json.size, error);
}

/* The page file is whole: in file where nothing was spilled, else on the disk. */
static enum scb_status finish(struct scb_page_work *work, struct scb_page_tools *tools,
                              struct scb_bytes file, struct scb_error *error)
{
    work->size = work->writer.spilled + file.size;
    enum scb_status status = work->spilled
                                 ? scb_digest_end(&work->digest, work->sha256, error)
                                 : scb_digest_sha256(&tools->digest, file, work->sha256, error);
    if (status != SCB_OK || work->checksum_only)
        return status;
    if (!work->spilled) {
        status = scb_backup_dir_write(work->dir, work->name, file, error);
        return status != SCB_OK ? status : deflate_whole(work, tools, file, error);
    }
    int fd = work->fd;
    work->fd = -1;
    status = scb_file_close(fd, work->name, error);
    if (status == SCB_OK && work->size <= SCB_WHOLE_PAGE_SIZE) {
        SCB_AUTO(fd) int written = -1;
        uint64_t size = 0;
        status = scb_backup_dir_read(work->dir, work->name, &written, &size, error);
        if (status == SCB_OK)
            status = read_whole(work, written, size, tools, error);
        if (status == SCB_OK)
            status = deflate_whole(work, tools, scb_buffer_bytes(&tools->json), error);
    }
    return status;
}

enum scb_status scb_page_work_add(struct scb_page_work *work, struct scb_page_tools *tools,
                                  struct scb_bytes answer, uint64_t entries,
                                  struct scb_error *error)
{
    assert(entries <= work->keys - work->done);
    if (work->done == 0) {
        /* The usual page, one answer, is made in the worker's own buffer. */
        struct scb_buffer *out = entries == work->keys ? &tools->json : &work->pieces;
        work->pieces.max = PIECE;
        scb_buffer_clear(out);
        scb_page_writer_begin(&work->writer, out, (struct scb_sink){spill, work});
    }
    enum scb_status status = entries == 0 ? SCB_OK : write_entries(work, answer, entries, error);
    if (status == SCB_OK && work->done == work->keys) {
        status = scb_page_writer_end(&work->writer, error);
        if (status == SCB_OK)
            status = finish(work, tools, scb_buffer_bytes(work->writer.out), error);
    }
    if (status != SCB_OK)
        close_file(work);
    return status;
}

static enum scb_status hash_pieces(struct scb_page_work *work, int fd, struct scb_page_tools *tools,
                                   struct scb_error *error)
{
    enum scb_status status = scb_digest_begin(&tools->digest, error);
    size_t got = 1;
    while (status == SCB_OK && got > 0) {
        uint8_t piece[PIECE];
        status = scb_file_read(fd, work->name, piece, sizeof(piece), &got, error);
        if (status == SCB_OK)
            status = scb_digest_update(&tools->digest, piece, got, error);
    }
    return status != SCB_OK ? status : scb_digest_end(&tools->digest, work->sha256, error);
}

static enum scb_status hash_file(struct scb_page_work *work, struct scb_page_tools *tools,
                                 struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    enum scb_status status = scb_backup_dir_read(work->dir, work->name, &fd, &work->size, error);
    if (status == SCB_OK && work->size > SCB_WHOLE_PAGE_SIZE)
        return hash_pieces(work, fd, tools, error);
    if (status == SCB_OK)
        status = read_whole(work, fd, work->size, tools, error);
    return status != SCB_OK ? status
                            : scb_digest_sha256(&tools->digest, scb_buffer_bytes(&tools->json),
                                                work->sha256, error);
}

enum scb_status scb_page_work_check(struct scb_page_work *work, struct scb_page_tools *tools,
                                    const uint8_t recorded[SCB_SHA256_SIZE], bool *ret_good,
                                    struct scb_error *error)
{
    struct scb_error problem = {0};
    *ret_good = false;
    enum scb_status status = hash_file(work, tools, &problem);
    if (status == SCB_OK)
        *ret_good = memcmp(work->sha256, recorded, SCB_SHA256_SIZE) == 0;
    else if (status != SCB_ERROR_NOT_FOUND) {
        *error = problem;
        return status;
    }
    return SCB_OK;
}

enum scb_status scb_page_work_reuse(struct scb_page_work *work, struct scb_page_tools *tools,
                                    const uint8_t recorded[SCB_SHA256_SIZE], bool *ret_good,
                                    struct scb_error *error)
{
    enum scb_status status = scb_page_work_check(work, tools, recorded, ret_good, error);
    if (status != SCB_OK || !*ret_good)
        return status;
    work->done = work->keys;
    return work->size <= SCB_WHOLE_PAGE_SIZE
               ? deflate_whole(work, tools, scb_buffer_bytes(&tools->json), error)
               : SCB_OK;
}
