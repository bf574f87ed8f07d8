/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a contract returned. The first byte is the most entries that were asked for.
 */
#include <assert.h>
#include <string.h>

#include "evm/abi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct scb_bytes part, struct scb_bytes whole)
{
    assert(part.data >= whole.data && part.size <= whole.size);
    assert((size_t)(part.data - whole.data) <= whole.size - part.size);
}

static void read_page(struct scb_bytes data, uint64_t max_count)
{
    struct scb_abi_page page;
    uint64_t checked = 0;
    enum scb_status check = scb_abi_page_check(data, max_count, &checked, NULL);
    enum scb_status status = scb_abi_page_open(data, max_count, &page, NULL);
    size_t total = 0;
    for (uint64_t i = 0; status == SCB_OK && i < page.count; i++) {
        struct scb_entry entry;
        status = scb_abi_page_next(&page, &entry, NULL);
        if (status != SCB_OK)
            break;
        check_inside(entry.key, data);
        check_inside(entry.value, data);
        check_inside(entry.version_id, data);
        total += entry.key.size + entry.value.size + entry.version_id.size;
    }
    assert(check == status);
    if (status != SCB_OK)
        return;
    assert(checked == page.count && checked <= max_count);
    /* Elements do not overlap, so that only the three arrays can share bytes. */
    assert(total <= 3 * data.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct scb_bytes bytes = {data + 1, size - 1};
    read_page(bytes, data[0]);

    uint64_t number = 0;
    (void)!scb_abi_decode_u64(bytes, "f()", &number, NULL);

    char reason[40], signature[64];
    scb_abi_revert_reason(bytes, reason, sizeof(reason));
    assert(strlen(reason) < sizeof(reason));

    size_t length = bytes.size < sizeof(signature) ? bytes.size : sizeof(signature) - 1;
    memcpy(signature, bytes.data, length);
    signature[length] = '\0';
    uint8_t selector[4];
    struct scb_error error = {0};
    (void)!scb_abi_selector(signature, selector, &error);
    return 0;
}
