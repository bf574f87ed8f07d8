/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates from anywhere: they are refused, or what is written of them is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "crypto/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct scb_identity *identity)
{
    struct scb_error error = {0};
    struct scb_identity_view view;
    struct scb_identity *same = NULL;
    struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_PEM}, again = {.max = SCB_IDENTITY_MAX_PEM};
    uint8_t sha256[SCB_SHA256_SIZE] = {0};
    if (scb_identity_describe(identity, &view, &error) != SCB_OK ||
        strnlen(view.subject, sizeof(view.subject)) == sizeof(view.subject) ||
        scb_identity_pem(identity, &pem, &error) != SCB_OK ||
        scb_identity_parse(scb_buffer_bytes(&pem), &same, &error) != SCB_OK ||
        scb_identity_pem(same, &again, &error) != SCB_OK || again.size != pem.size ||
        memcmp(again.data, pem.data, pem.size) != 0 ||
        !scb_node_id_equal(scb_identity_node_id(same), scb_identity_node_id(identity)) ||
        scb_identity_verify(identity, sha256, scb_buffer_bytes(&pem), &error) == SCB_OK)
        abort();
    scb_identity_free(same);
    scb_buffer_free(&pem);
    scb_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_identity *identity = NULL;
    struct scb_error error = {0};
    if (scb_identity_parse((struct scb_bytes){data, size}, &identity, &error) == SCB_OK)
        check(identity);
    scb_identity_free(identity);
    return 0;
}
