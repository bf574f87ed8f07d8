/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hmac.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum scb_status scb_hmac_sha256(struct scb_bytes key, struct scb_bytes data,
                                uint8_t ret_mac[SCB_SHA256_SIZE], struct scb_error *error)
{
    unsigned size = 0;
    if (key.size > INT_MAX ||
        HMAC(EVP_sha256(), key.data, (int)key.size, data.data, data.size, ret_mac, &size) == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no HMAC made");
    return SCB_OK;
}
