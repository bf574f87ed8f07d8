/* SPDX-License-Identifier: Apache-2.0 */
#include "job/signature_check.h"

#include <assert.h>

#include "base/memory.h"
#include "crypto/digest.h"
#include "format/manifest_signature.h"

const char *scb_signature_state_name(enum scb_signature_state state)
{
    static const char *const names[] = {[SCB_SIGNATURE_NONE] = "none",
                                        [SCB_SIGNATURE_WRONG] = "wrong",
                                        [SCB_SIGNATURE_UNTRUSTED] = "untrusted",
                                        [SCB_SIGNATURE_TRUSTED] = "trusted"};
    assert((size_t)state < SCB_LENGTH(names));
    return names[state];
}

static enum scb_status hash_manifest(int fd, const struct scb_zip_place *place,
                                     uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    struct scb_zip_content *content = NULL;
    enum scb_status status = scb_zip_content_open(fd, place, &content, error);
    if (status == SCB_OK)
        status = scb_digest_input(&digest, scb_zip_content_input(content), ret_sha256, error);
    scb_zip_content_close(content);
    return status;
}

/* All of an entry, as far as there is room for it. */
static enum scb_status read_entry(int fd, const struct scb_zip_place *place, struct scb_buffer *out,
                                  struct scb_error *error)
{
    struct scb_inflater *inflater = NULL;
    enum scb_status status = scb_inflater_new(&inflater, error);
    if (status == SCB_OK)
        status = scb_inflater_run(inflater, fd, place, out, error);
    scb_inflater_free(inflater);
    return status;
}

static enum scb_status missing(enum scb_signature_state *ret_state,
                               const struct scb_node_ids *trusted, struct scb_error *error)
{
    *ret_state = SCB_SIGNATURE_NONE;
    if (trusted == NULL)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_INTEGRITY, "manifest.sig: not there: nobody has signed it");
    return scb_error_hint(error, "identity.trusted is set: only signed backups are believed then");
}

enum scb_status scb_signature_check(int fd, const struct scb_archive_pages *pages,
                                    const struct scb_node_ids *trusted,
                                    enum scb_signature_state *ret_state,
                                    struct scb_node_id *ret_signer, struct scb_error *error)
{
    const struct scb_zip_place *place = scb_archive_pages_signature_place(pages);
    if (place == NULL)
        return missing(ret_state, trusted, error);
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(buffer) struct scb_buffer text = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    *ret_state = SCB_SIGNATURE_WRONG;
    enum scb_status status = SCB_OK;
    if (place->size > text.max)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "manifest.sig: it is over %d KiB",
                               SCB_MANIFEST_SIGNATURE_MAX / 1024);
    if (status == SCB_OK)
        status = read_entry(fd, place, &text, error);
    if (status == SCB_OK)
        status = hash_manifest(fd, scb_archive_pages_manifest_place(pages), sha256, error);
    if (status == SCB_OK)
        status = scb_manifest_verify(scb_buffer_bytes(&text), sha256, NULL, ret_signer, error);
    if (status == SCB_OK)
        *ret_state = SCB_SIGNATURE_UNTRUSTED;
    if (status == SCB_OK && trusted != NULL)
        status = scb_manifest_verify(scb_buffer_bytes(&text), sha256, trusted, ret_signer, error);
    if (status == SCB_OK && trusted != NULL)
        *ret_state = SCB_SIGNATURE_TRUSTED;
    return status;
}
