/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest.sig from anywhere: it is refused, or the writer makes the same bytes of what was
 * read; and it never signs a manifest that nobody has signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/manifest_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t sha256[SCB_SHA256_SIZE] = {0x5a};
    struct scb_bytes text = {data, size};
    struct scb_error error = {0};
    struct scb_node_id signer;
    struct scb_manifest_signature read;
    struct scb_buffer again = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    if (scb_manifest_signature_read(text, &read, &error) != SCB_OK)
        return 0;
    if (scb_manifest_signature_write(read.identity, &read.signature, &again, &error) != SCB_OK ||
        again.size != size || memcmp(again.data, data, size) != 0 ||
        scb_manifest_verify(text, sha256, NULL, &signer, &error) != SCB_ERROR_INTEGRITY)
        abort();
    scb_manifest_signature_free(&read);
    scb_buffer_free(&again);
    return 0;
}
