/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key-value pair as the contract holds it: three byte strings, borrowed, any bytes at all.
 */
#ifndef SCB_ENTRY_H
#define SCB_ENTRY_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; never NUL-terminated. */
struct scb_bytes {
    const uint8_t *data;
    size_t size;
};

struct scb_entry {
    struct scb_bytes key;
    struct scb_bytes value;
    struct scb_bytes version_id;
};

#endif
