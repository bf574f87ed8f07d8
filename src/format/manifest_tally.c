/* SPDX-License-Identifier: Apache-2.0 */
#include "format/manifest_tally.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

enum scb_status scb_manifest_digest_page(struct scb_digest *digest,
                                         const uint8_t sha256[SCB_SHA256_SIZE],
                                         struct scb_error *error)
{
    char hex[2 * SCB_SHA256_SIZE + 1];
    scb_text_hex(sha256, SCB_SHA256_SIZE, hex);
    return scb_digest_update(digest, hex, sizeof(hex) - 1, error);
}

void scb_manifest_tally_cleanup(struct scb_manifest_tally *tally)
{
    scb_digest_free(&tally->digest);
}

enum scb_status scb_manifest_tally_add(struct scb_manifest_tally *tally,
                                       const struct scb_manifest *manifest,
                                       const struct scb_manifest_page *page, enum scb_status wrong,
                                       struct scb_error *error)
{
    if (page->number != tally->pages)
        return scb_error_set(error, wrong,
                             "manifest: page %" PRIu64 " stands where page %" PRIu64 " belongs",
                             page->number, tally->pages);
    if (page->keys > manifest->page_size ||
        __builtin_add_overflow(tally->keys, page->keys, &tally->keys))
        return scb_error_set(
            error, wrong, "manifest: page %" PRIu64 " with %" PRIu64 " keys, page_size is %" PRIu64,
            page->number, page->keys, manifest->page_size);
    tally->pages++;
    return scb_manifest_digest_page(&tally->digest, page->sha256, error);
}

enum scb_status scb_manifest_tally_check(struct scb_manifest_tally *tally,
                                         const struct scb_manifest *manifest, enum scb_status wrong,
                                         struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    if (tally->keys != manifest->total_keys)
        return scb_error_set(error, wrong,
                             "manifest: its pages have %" PRIu64 " keys, total_keys is %" PRIu64,
                             tally->keys, manifest->total_keys);
    enum scb_status status = scb_digest_end(&tally->digest, sha256, error);
    if (status == SCB_OK && memcmp(sha256, manifest->pages_sha256, sizeof(sha256)) != 0)
        status = scb_error_set(error, wrong,
                               "manifest: pages_sha256 is not that of its pages' checksums");
    return status;
}
