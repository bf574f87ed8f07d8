/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Account addresses: 20 bytes, written 0x… (EIP-55 where the case is mixed) or xdc… (XDC network).
 */
#ifndef SCB_EVM_ADDRESS_H
#define SCB_EVM_ADDRESS_H

#include <stdint.h>

#include "scb/error.h"

struct scb_address {
    uint8_t bytes[20];
};

enum { SCB_ADDRESS_TEXT_SIZE = 43 };

/*
 * Accepts "0x" or "xdc" (any case of the prefix) and 40 hex digits. Mixed case must be the EIP-55
 * checksum form; all lower or all upper case carries no checksum. ValidationError says which rule
 * failed and, for a checksum, what the right form would be.
 */
SCB_MUST_CHECK enum scb_status scb_address_parse(const char *text, struct scb_address *ret_address,
                                                 struct scb_error *error);

/* "0x…" in EIP-55 form. */
void scb_address_format(const struct scb_address *address, char ret_text[SCB_ADDRESS_TEXT_SIZE]);

#endif
