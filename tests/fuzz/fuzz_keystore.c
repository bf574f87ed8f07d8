/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keystore from anywhere under one password: it is refused, or gives a key that signs. Those that
 * ask for much work are left out, since every attempt would take a second.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "evm/keystore.h"

enum { MAX_WORK = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_cheap(const uint8_t *data, size_t size)
{
    static const char *const work[] = {"n", "r", "p", "c"};
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *parts = json_object_get(json_object_get(root, "crypto"), "kdfparams");
    json_int_t product = 1;
    for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
        json_int_t factor = json_integer_value(json_object_get(parts, work[i]));
        if (factor > 0 && factor <= MAX_WORK && product <= MAX_WORK)
            product *= factor;
        else if (factor > MAX_WORK)
            product = INT64_MAX;
    }
    json_decref(root);
    return product <= MAX_WORK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char password[] = "foo";
    struct scb_signer *signer = NULL;
    struct scb_error error = {0};
    if (!is_cheap(data, size))
        return 0;
    enum scb_status status = scb_keystore_open(
        (struct scb_bytes){data, size},
        (struct scb_bytes){(const uint8_t *)password, strlen(password)}, &signer, &error);
    if ((status == SCB_OK) != (signer != NULL))
        abort();
    if (status != SCB_OK && status != SCB_ERROR_ACCESS && status != SCB_ERROR_VALIDATION)
        abort();
    scb_signer_free(signer);
    return 0;
}
