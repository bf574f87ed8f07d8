/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_load.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static _Thread_local bool refused; /* an allocation of jansson's, on this thread */

static void *watched_malloc(size_t size)
{
    void *block = malloc(size);
    refused |= block == NULL;
    return block;
}

/* The heap stays the process's own, so that what jansson gave before is freed as well. */
static void watch_jansson(void)
{
    json_set_alloc_funcs(watched_malloc, free);
}

enum scb_status scb_json_load(struct scb_bytes text, json_t **ret_value, struct scb_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, watch_jansson);
    refused = false;
    json_t *value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    if (refused) {
        json_decref(value);
        (void)scb_error_set(error, SCB_ERROR_RESOURCE, "no memory to read %zu bytes of JSON",
                            text.size);
        (void)scb_error_hint(error, "lower backup.memory_limit or give the process more memory");
        return SCB_ERROR_RESOURCE;
    }
    *ret_value = value;
    return SCB_OK;
}
