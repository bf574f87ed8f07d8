/* SPDX-License-Identifier: Apache-2.0 */
#include "job/signature_check.h"

#include <assert.h>

#include "base/memory.h"
#include "crypto/digest.h"
#include "format/manifest_signature.h"

enum { CHUNK = 64 * 1024 };

const char *scb_signature_state_name(enum scb_signature_state state)
{
    static const char *const names[] = {[SCB_SIGNATURE_NONE] = "none",
                                        [SCB_SIGNATURE_WRONG] = "wrong",
                                        [SCB_SIGNATURE_UNTRUSTED] = "untrusted",
                                        [SCB_SIGNATURE_TRUSTED] = "trusted"};
    assert((size_t)state < SCB_LENGTH(names));
    return names[state];
}

/* Gives all of an entry to a sink. */
static enum scb_status copy(int fd, const struct scb_zip_place *place, struct scb_sink sink,
                            struct scb_error *error)
{
    uint8_t chunk[CHUNK];
    size_t size = 1;
    struct scb_zip_content *content = NULL;
    enum scb_status status = scb_zip_content_open(fd, place, &content, error);
    while (status == SCB_OK && size > 0) {
        struct scb_input input = scb_zip_content_input(content);
        status = input.read(input.state, chunk, sizeof(chunk), &size, error);
        if (status == SCB_OK && size > 0)
            status = sink.write(sink.state, chunk, size, error);
    }
    scb_zip_content_close(content);
    return status;
}

static enum scb_status hash_manifest(int fd, const struct scb_zip_place *place,
                                     uint8_t ret_sha256[SCB_SHA256_SIZE], struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    enum scb_status status = scb_digest_begin(&digest, error);
    if (status == SCB_OK)
        status = copy(fd, place, scb_digest_sink(&digest), error);
    return status == SCB_OK ? scb_digest_end(&digest, ret_sha256, error) : status;
}

static enum scb_status take(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
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
        status = copy(fd, place, (struct scb_sink){take, &text}, error);
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
