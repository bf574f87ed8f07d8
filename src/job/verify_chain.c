/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: page bytes depend on nothing but the contract's state, so the pages are made again from
 * the chain, as hashes only, and compared with the manifest's, or of an encrypted backup with those
 * of its decrypted pages. Each slot is one page on its way;
 * the source answers on its own thread into a queue, everything else is the caller's thread.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/digest.h"
#include "evm/abi.h"
#include "job/page_content.h"
#include "job/verify_report.h"

enum { PIECE = 64 * 1024, OBSERVE_MS = 200 };

struct chain_slot {
    struct scb_range range;
    struct scb_queue *answers;
    struct scb_manifest_page page;
    struct scb_page_writer writer;
    struct scb_buffer piece; /* of the page, on its way to the digest */
    struct scb_digest digest;
};

struct chain_check {
    struct scb_verify_report *report;
    struct scb_source *source;
    struct scb_archive_pages *pages;
    const struct scb_manifest *manifest;
    struct scb_page_content *content; /* of encrypted pages; NULL else */
    struct scb_digest digest;         /* of those */
    struct scb_queue *answers;
    struct chain_slot *slots;
    size_t slot_count, in_flight;
    uint64_t pages_done, keys_done;
};

static void answered(struct scb_range *range)
{
    struct chain_slot *slot = range->owner;
    bool pushed = scb_queue_push(slot->answers, slot);
    (void)pushed; /* it has room for every slot */
}

/* What the page must hash to. */
static enum scb_status hash_decrypted(struct chain_check *check,
                                      const struct scb_archived_page *page,
                                      uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    struct scb_bytes held;
    struct scb_input json;
    enum scb_status status = scb_page_content_check(check->content, page, &held, error);
    if (status == SCB_OK)
        status = scb_page_content_open(check->content, &json, error);
    if (status == SCB_OK)
        status = scb_digest_input(&check->digest, json, ret_sha256, error);
    return status == SCB_OK ? SCB_OK : scb_error_wrap(error, "page %" PRIu64, page->page.number);
}

/* Starts the next page in a slot that is free; at the end the slot stays so. */
static enum scb_status start_page(struct chain_check *check, struct chain_slot *slot,
                                  struct scb_error *error)
{
    struct scb_archived_page next;
    bool more = false;
    enum scb_status status = scb_archive_pages_next(check->pages, &more, &next, error);
    while (status == SCB_OK && more && next.page.keys == 0) { /* an empty contract's one page */
        check->pages_done++;
        status = scb_archive_pages_next(check->pages, &more, &next, error);
    }
    if (status != SCB_OK || !more)
        return status;
    slot->page = next.page;
    status = scb_digest_begin(&slot->digest, error);
    if (status == SCB_OK && check->content != NULL)
        status = hash_decrypted(check, &next, slot->page.sha256, error);
    if (status != SCB_OK)
        return status;
    scb_buffer_clear(&slot->piece);
    scb_page_writer_begin(&slot->writer, &slot->piece, scb_digest_sink(&slot->digest));
    slot->range.start = next.page.number * check->manifest->page_size;
    slot->range.count = next.page.keys;
    slot->range.limit_ms = check->report->settings->page_deadline_ms;
    slot->range.deadline_ms = 0;
    slot->range.endpoint = SCB_SOURCE_ANY;
    slot->range.avoid = 0;
    slot->range.answered = answered;
    slot->range.owner = slot;
    atomic_store(&slot->range.urgent, check->in_flight == 0);
    check->in_flight++;
    check->source->ops->submit(check->source, &slot->range);
    return SCB_OK;
}

static enum scb_status end_page(struct chain_check *check, struct chain_slot *slot,
                                struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    enum scb_status status = scb_page_writer_end(&slot->writer, error);
    if (status == SCB_OK)
        status = scb_digest_update(&slot->digest, slot->piece.data, slot->piece.size, error);
    if (status == SCB_OK)
        status = scb_digest_end(&slot->digest, sha256, error);
    if (status != SCB_OK)
        return status;
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(slot->page.number, scb_manifest_is_encrypted(check->manifest), name);
    if (memcmp(sha256, slot->page.sha256, sizeof(sha256)) != 0)
        scb_verify_problem(check->report, name,
                           "the contract has other entries %" PRIu64 "-%" PRIu64
                           " at block %" PRIu64,
                           slot->page.number * check->manifest->page_size,
                           slot->page.number * check->manifest->page_size + slot->page.keys - 1,
                           check->manifest->block_number);
    check->pages_done++;
    check->keys_done += slot->page.keys;
    return SCB_OK;
}

static enum scb_status add_entries(struct chain_slot *slot, struct scb_error *error)
{
    struct scb_abi_page answer;
    enum scb_status status =
        scb_abi_page_open((struct scb_bytes){slot->range.data, slot->range.size},
                          slot->range.received, &answer, error);
    for (uint64_t i = 0; status == SCB_OK && i < slot->range.received; i++) {
        struct scb_entry entry;
        status = scb_abi_page_next(&answer, &entry, error);
        if (status == SCB_OK)
            status = scb_page_writer_append(&slot->writer, &entry, error);
    }
    return status;
}

/* Takes an answer; asks for the rest of the page, or ends it and starts another. */
static enum scb_status take_answer(struct chain_check *check, struct chain_slot *slot,
                                   struct scb_error *error)
{
    struct scb_range *range = &slot->range;
    check->in_flight--;
    enum scb_status status = range->status;
    if (status == SCB_OK)
        status = add_entries(slot, error);
    else
        *error = range->error;
    check->source->ops->release(check->source, range);
    if (status != SCB_OK)
        return scb_error_wrap(error, "page %" PRIu64, slot->page.number);
    range->start += range->received;
    range->count -= range->received;
    if (range->count > 0) {
        check->in_flight++;
        check->source->ops->submit(check->source, range);
        return SCB_OK;
    }
    status = end_page(check, slot, error);
    return status == SCB_OK ? start_page(check, slot, error) : status;
}

/* Takes what is under way back, after a failure. */
static void drain(struct chain_check *check)
{
    if (check->in_flight > 0)
        check->source->ops->cancel(check->source);
    for (; check->in_flight > 0; check->in_flight--) {
        struct chain_slot *slot = scb_queue_pop(check->answers, -1);
        check->source->ops->release(check->source, &slot->range);
    }
}

static enum scb_status compare_pages(struct chain_check *check, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < check->slot_count && status == SCB_OK; i++)
        status = start_page(check, &check->slots[i], error);
    while (status == SCB_OK && check->in_flight > 0) {
        struct chain_slot *slot = scb_queue_pop(check->answers, OBSERVE_MS);
        scb_verify_show(check->report, check->manifest, "Comparison with the chain",
                        check->pages_done, check->keys_done);
        if (scb_cancel_requested(check->report->parts->cancel)) {
            status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
            if (slot != NULL) {
                check->in_flight--;
                check->source->ops->release(check->source, &slot->range);
            }
        } else if (slot != NULL)
            status = take_answer(check, slot, error);
    }
    drain(check);
    return status;
}

static enum scb_status run(struct chain_check *check, struct scb_error *error)
{
    check->slot_count = check->report->settings->max_concurrent_pages;
    check->slots = scb_alloc(check->slot_count, sizeof(*check->slots), error);
    if (check->slots == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = scb_queue_new(check->slot_count, &check->answers, error);
    for (size_t i = 0; i < check->slot_count; i++) {
        check->slots[i].answers = check->answers;
        check->slots[i].piece.max = PIECE;
    }
    if (status == SCB_OK)
        status = compare_pages(check, error);
    for (size_t i = 0; i < check->slot_count; i++) {
        scb_buffer_free(&check->slots[i].piece);
        scb_digest_free(&check->slots[i].digest);
    }
    scb_queue_free(check->answers);
    free(check->slots);
    return status;
}

/* Pins the source to the backup's block. */
static enum scb_status pin(struct chain_check *check, uint64_t *ret_total, struct scb_error *error)
{
    const struct scb_manifest *manifest = check->manifest;
    struct scb_pin wanted = {.chain_id = manifest->chain_id,
                             .block_number = manifest->block_number};
    struct scb_pin pinned;
    memcpy(wanted.block_hash, manifest->block_hash, sizeof(wanted.block_hash));
    if (memcmp(check->report->settings->contract.bytes, manifest->contract,
               sizeof(manifest->contract)) != 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION,
                             "contract.address is not that of the backup's contract");
    enum scb_status status = check->source->ops->pin(check->source, &wanted, &pinned, error);
    if (status == SCB_ERROR_NOT_FOUND) /* which is not the backup */
        status = error->status = SCB_ERROR_CONTRACT;
    if (status != SCB_OK) {
        (void)scb_error_wrap(error, "block %" PRIu64 " is not served (any more)",
                             manifest->block_number);
        if (error->hint[0] == '\0')
            (void)scb_error_hint(error, "give an archive endpoint in contract.rpc_urls");
        return status;
    }
    *ret_total = pinned.total_keys;
    return SCB_OK;
}

static enum scb_status open_content(struct chain_check *check, int archive_fd,
                                    struct scb_error *error)
{
    const struct scb_page_content_settings settings = {.fd = archive_fd,
                                                       .limits = check->report->settings->limits,
                                                       .encrypted = true,
                                                       .identities = check->report->identities};
    return scb_manifest_is_encrypted(check->manifest)
               ? scb_page_content_new(&settings, &check->content, error)
               : SCB_OK;
}

enum scb_status scb_verify_chain(struct scb_verify_report *report, int archive_fd,
                                 struct scb_archive_pages *pages, struct scb_error *error)
{
    struct chain_check check = {.report = report,
                                .source = report->parts->source,
                                .pages = pages,
                                .manifest = scb_archive_pages_manifest(pages)};
    uint64_t total = 0;
    enum scb_status status = pin(&check, &total, error);
    if (status != SCB_OK)
        return status;
    if (total != check.manifest->total_keys) {
        scb_verify_problem(report, "archive",
                           "%" PRIu64 " keys; the contract has %" PRIu64 " at block %" PRIu64,
                           check.manifest->total_keys, total, check.manifest->block_number);
        return SCB_OK;
    }
    status = open_content(&check, archive_fd, error);
    if (status == SCB_OK)
        status = run(&check, error);
    scb_page_content_free(check.content);
    scb_digest_free(&check.digest);
    bool changed = false;
    if (status == SCB_OK)
        status = check.source->ops->confirm(check.source, &changed, error);
    if (status == SCB_OK && changed)
        status = scb_error_set(error, SCB_ERROR_CONTRACT,
                               "block %" PRIu64 " is no longer that of the backup (a reorg)",
                               check.manifest->block_number);
    report->result->against_chain = status == SCB_OK;
    return status;
}
