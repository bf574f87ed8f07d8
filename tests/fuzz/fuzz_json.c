/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small JSON document from anywhere: it is none, or what is written of it is read as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_load.h"

enum { MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = NULL, *again = NULL;
    if (size > MAX)
        return 0;
    if (scb_json_load((struct scb_bytes){data, size}, &value, NULL) != SCB_OK)
        abort(); /* there is memory */
    if (value == NULL)
        return 0;
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (text == NULL)
        abort();
    struct scb_bytes bytes = {(const uint8_t *)text, strlen(text)};
    if (scb_json_load(bytes, &again, NULL) != SCB_OK || !json_equal(value, again))
        abort();
    free(text);
    json_decref(value);
    json_decref(again);
    return 0;
}
