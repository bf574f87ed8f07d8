/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_work.h"

#include <assert.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/memory.h"
#include "evm/abi.h"

enum {
    PIECE = 64 * 1024,
};

enum scb_status scb_page_tools_init(struct scb_page_tools *tools,
                                    const struct scb_age_recipients *recipients,
                                    struct scb_error *error)
{
    *tools = (struct scb_page_tools){.json = {.max = SCB_WHOLE_PAGE_SIZE},
                                     .deflated = {.max = 2 * SCB_WHOLE_PAGE_SIZE}};
    enum scb_status status = scb_deflater_new(&tools->deflater, error);
    if (status != SCB_OK || recipients->count == 0)
        return status;
    return scb_age_writer_new(recipients->items, recipients->count, &tools->age, error);
}

void scb_page_tools_free(struct scb_page_tools *tools)
{
    scb_buffer_free(&tools->json);
    scb_buffer_free(&tools->deflated);
    scb_age_writer_free(tools->age);
    scb_digest_free(&tools->digest);
    scb_deflater_free(tools->deflater);
}

/* Also of a page that was given up between two answers, and of one that never began. */
static void close_file(struct scb_page_work *work)
{
    SCB_FILE_OPERATION;
    scb_page_seal_free(SCB_TAKE(work->seal));
    if (work->settings != NULL && work->fd >= 0)
        (void)close(work->fd);
    work->fd = -1;
}

static bool is_encrypted(const struct scb_page_work *work)
{
    return work->settings->recipients->count > 0;
}

enum scb_status scb_page_work_begin(struct scb_page_work *work,
                                    const struct scb_page_settings *settings, uint64_t number,
                                    uint64_t first_entry, uint64_t keys, struct scb_error *error)
{
    close_file(work);
    work->settings = settings;
    work->number = number;
    work->first_entry = first_entry;
    work->keys = keys;
    work->done = work->size = 0;
    work->whole = work->checksum_only = work->spilled = false;
    work->fd = -1;
    work->packed.max = 2 * SCB_WHOLE_PAGE_SIZE;
    if (work->packed.capacity > SCB_KEPT_PACKED_SIZE)
        scb_buffer_free(&work->packed);
    scb_buffer_clear(&work->packed);
    scb_page_file_name(number, is_encrypted(work), work->name);
    return scb_page_check_begin(&work->check, &settings->rules, keys, error);
}

enum scb_status scb_page_work_restart(struct scb_page_work *work, bool checksum_only,
                                      struct scb_error *error)
{
    close_file(work);
    work->done = 0;
    work->checksum_only = checksum_only;
    work->spilled = false;
    return scb_page_check_begin(&work->check, &work->settings->rules, work->keys, error);
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
    scb_buffer_free(&work->packed);
    scb_buffer_free(&work->pieces);
    scb_digest_free(&work->digest);
    scb_digest_free(&work->content);
    scb_page_check_free(&work->check);
}

/* Whether there is a digest of the page beside that of its file. */
static bool has_content(const struct scb_page_work *work)
{
    return work->checksum_only || (is_encrypted(work) && work->settings->compared);
}

/* The next bytes of a page file in pieces. */
static enum scb_status put(void *state, const void *data, size_t size, struct scb_error *error)
{
    struct scb_page_work *work = state;
    enum scb_status status = scb_file_write(work->fd, work->name, data, size, error);
    work->size += size;
    if (is_encrypted(work)) /* a plain one is deflated yet: whoever does has it */
        work->crc32 = libdeflate_crc32(work->crc32, data, size);
    return status == SCB_OK ? scb_digest_update(&work->digest, data, size, error) : status;
}

static enum scb_status begin_pieces(struct scb_page_work *work, struct scb_error *error)
{
    work->spilled = true;
    enum scb_status status = has_content(work) ? scb_digest_begin(&work->content, error) : SCB_OK;
    if (status != SCB_OK || work->checksum_only)
        return status;
    work->size = 0;
    work->crc32 = 0;
    work->whole = false;
    scb_buffer_clear(&work->packed);
    status = scb_digest_begin(&work->digest, error);
    if (status == SCB_OK)
        status = scb_backup_dir_create(work->settings->dir, work->name, &work->fd, error);
    if (status == SCB_OK && is_encrypted(work))
        status = scb_page_seal_new(work->settings->recipients, (struct scb_sink){put, work},
                                   &work->seal, error);
    return status;
}

/* A page that outgrows its buffer goes to its file, and through the digests, piece by piece. */
static enum scb_status spill(void *state, const void *data, size_t size, struct scb_error *error)
{
    struct scb_page_work *work = state;
    enum scb_status status = work->spilled ? SCB_OK : begin_pieces(work, error);
    if (status == SCB_OK && has_content(work))
        status = scb_digest_update(&work->content, data, size, error);
    if (status != SCB_OK || work->checksum_only)
        return status;
    return work->seal != NULL ? scb_page_seal_write(work->seal, data, size, error)
                              : put(work, data, size, error);
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
    struct scb_buffer *deflated = &tools->deflated;
    work->whole = true;
    scb_buffer_clear(&work->packed);
    enum scb_status status = scb_deflater_run(tools->deflater, file, deflated, &work->crc32, error);
    return status == SCB_OK
               ? scb_buffer_append(&work->packed, deflated->data, deflated->size, error)
               : status;
}

/* The end of a page file in pieces. One that is small enough is deflated whole all the same. */
static enum scb_status finish_pieces(struct scb_page_work *work, struct scb_page_tools *tools,
                                     struct scb_error *error)
{
    enum scb_status status = work->seal != NULL ? scb_page_seal_end(work->seal, error) : SCB_OK;
    scb_page_seal_free(SCB_TAKE(work->seal));
    if (status == SCB_OK)
        status = scb_digest_end(&work->digest, work->sha256, error);
    if (status != SCB_OK)
        return status;
    int fd = work->fd;
    work->fd = -1;
    status = scb_file_close(fd, work->name, error);
    bool deflate = !is_encrypted(work) && work->size <= SCB_WHOLE_PAGE_SIZE;
    return status == SCB_OK && deflate ? scb_page_work_repack(work, tools, error) : status;
}

/* age(gzip(page)) into packed, which is the page file. */
static enum scb_status encrypt_whole(struct scb_page_work *work, struct scb_page_tools *tools,
                                     struct scb_bytes page, struct scb_error *error)
{
    enum scb_status status = scb_deflater_gzip(tools->deflater, page, &tools->deflated, error);
    scb_buffer_clear(&work->packed);
    if (status == SCB_OK)
        status = scb_age_writer_encrypt(tools->age, scb_buffer_bytes(&tools->deflated),
                                        &work->packed, error);
    work->whole = true;
    work->crc32 = libdeflate_crc32(0, work->packed.data, work->packed.size);
    return status;
}

static enum scb_status finish_whole(struct scb_page_work *work, struct scb_page_tools *tools,
                                    struct scb_bytes page, struct scb_error *error)
{
    enum scb_status status = is_encrypted(work) ? encrypt_whole(work, tools, page, error) : SCB_OK;
    struct scb_bytes file = is_encrypted(work) ? scb_buffer_bytes(&work->packed) : page;
    work->size = file.size;
    if (status == SCB_OK)
        status = scb_digest_sha256(&tools->digest, file, work->sha256, error);
    if (status == SCB_OK)
        status = scb_backup_dir_write(work->settings->dir, work->name, file, error);
    return status != SCB_OK || is_encrypted(work) ? status
                                                  : deflate_whole(work, tools, page, error);
}

/* The page is whole: in page where nothing was spilled. */
static enum scb_status finish(struct scb_page_work *work, struct scb_page_tools *tools,
                              struct scb_bytes page, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (has_content(work))
        status = work->spilled
                     ? scb_digest_end(&work->content, work->content_sha256, error)
                     : scb_digest_sha256(&tools->digest, page, work->content_sha256, error);
    if (status != SCB_OK || work->checksum_only)
        return status;
    status =
        work->spilled ? finish_pieces(work, tools, error) : finish_whole(work, tools, page, error);
    if (!has_content(work)) /* of a plain page the file is what is in it */
        memcpy(work->content_sha256, work->sha256, SCB_SHA256_SIZE);
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
    work->crc32 = 0;
    while (status == SCB_OK && got > 0) {
        uint8_t piece[PIECE];
        status = scb_file_read(fd, work->name, piece, sizeof(piece), &got, error);
        if (status == SCB_OK)
            status = scb_digest_update(&tools->digest, piece, got, error);
        if (status == SCB_OK && is_encrypted(work))
            work->crc32 = libdeflate_crc32(work->crc32, piece, got);
    }
    return status != SCB_OK ? status : scb_digest_end(&tools->digest, work->sha256, error);
}

/* Reads a page file of at most SCB_WHOLE_PAGE_SIZE. */
static enum scb_status read_whole(const struct scb_page_work *work, int fd, uint64_t size,
                                  struct scb_buffer *out, struct scb_error *error)
{
    scb_buffer_clear(out);
    enum scb_status status = scb_buffer_reserve(out, (size_t)size, error);
    return status != SCB_OK
               ? status
               : scb_file_read(fd, work->name, out->data, (size_t)size, &out->size, error);
}

/* Where a page file of at most SCB_WHOLE_PAGE_SIZE is read to. */
static struct scb_buffer *buffer_for(struct scb_page_work *work, struct scb_page_tools *tools)
{
    return is_encrypted(work) ? &work->packed : &tools->json;
}

static enum scb_status hash_file(struct scb_page_work *work, struct scb_page_tools *tools,
                                 struct scb_error *error)
{
    SCB_AUTO(fd) int fd = -1;
    struct scb_buffer *file = buffer_for(work, tools);
    enum scb_status status =
        scb_backup_dir_read(work->settings->dir, work->name, &fd, &work->size, error);
    if (status == SCB_OK && work->size > SCB_WHOLE_PAGE_SIZE)
        return hash_pieces(work, fd, tools, error);
    if (status == SCB_OK)
        status = read_whole(work, fd, work->size, file, error);
    return status != SCB_OK
               ? status
               : scb_digest_sha256(&tools->digest, scb_buffer_bytes(file), work->sha256, error);
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
    if (work->size > SCB_WHOLE_PAGE_SIZE)
        return SCB_OK;
    if (!is_encrypted(work))
        return deflate_whole(work, tools, scb_buffer_bytes(&tools->json), error);
    work->whole = true;
    work->crc32 = libdeflate_crc32(0, work->packed.data, work->packed.size);
    return SCB_OK;
}

enum scb_status scb_page_work_repack(struct scb_page_work *work, struct scb_page_tools *tools,
                                     struct scb_error *error)
{
    bool good = false;
    uint8_t written[SCB_SHA256_SIZE];
    memcpy(written, work->sha256, sizeof(written));
    enum scb_status status = scb_page_work_reuse(work, tools, written, &good, error);
    return status != SCB_OK || good
               ? status
               : scb_error_set(error, SCB_ERROR_FILE, "'%s' is no longer what was written",
                               work->name);
}
