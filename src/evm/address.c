/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/address.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "evm/keccak.h"

enum { PREFIX = 2, DIGITS = 40, LONGEST = 3 + DIGITS };

static bool has_mixed_case(const char digits[DIGITS])
{
    bool lower = false, upper = false;
    for (size_t i = 0; i < DIGITS; i++) {
        lower |= digits[i] >= 'a' && digits[i] <= 'f';
        upper |= digits[i] >= 'A' && digits[i] <= 'F';
    }
    return lower && upper;
}

/* A text that is longer than any address is not shown: it may be a private key. */
static enum scb_status refuse(const char *text, struct scb_error *error)
{
    size_t size = strlen(text);
    char shown[4 * LONGEST + 4];
    scb_text_printable((struct scb_bytes){(const uint8_t *)text, size}, shown, sizeof(shown));
    if (size <= LONGEST)
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "\"%s\" is no address: it is not 0x or xdc and 40 hex digits", shown);
    else
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "a text of %zu characters is no address, which is 0x or xdc and 40 hex "
                            "digits",
                            size);
    (void)scb_error_hint(error, "copy the contract's address from a block explorer");
    return SCB_ERROR_VALIDATION;
}

enum scb_status scb_address_parse(const char *text, struct scb_address *ret_address,
                                  struct scb_error *error)
{
    const char *digits = NULL;
    if (strncasecmp(text, "0x", 2) == 0)
        digits = text + 2;
    else if (strncasecmp(text, "xdc", 3) == 0)
        digits = text + 3;
    struct scb_address address;
    if (digits == NULL || strlen(digits) != DIGITS ||
        !scb_text_unhex(digits, sizeof(address.bytes), address.bytes)) {
        return refuse(text, error);
    }
    char right[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&address, right);
    if (has_mixed_case(digits) && memcmp(digits, right + PREFIX, DIGITS) != 0) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "address \"%s\" has a wrong checksum (EIP-55): a character is mistyped",
                            text);
        (void)scb_error_hint(error, "compare it digit by digit; with these digits it would be %s",
                             right);
        return SCB_ERROR_VALIDATION;
    }
    *ret_address = address;
    return SCB_OK;
}

/* EIP-55: a letter is upper case where the same digit of the text's hash is 8 or more. */
void scb_address_format(const struct scb_address *address, char ret_text[SCB_ADDRESS_TEXT_SIZE])
{
    memcpy(ret_text, "0x", PREFIX);
    char *digits = ret_text + PREFIX;
    scb_text_hex(address->bytes, sizeof(address->bytes), digits);
    uint8_t hash[SCB_KECCAK256_SIZE];
    scb_keccak256(digits, DIGITS, hash);
    for (size_t i = 0; i < DIGITS; i++) {
        unsigned nibble = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 0x0f;
        if (digits[i] >= 'a' && nibble >= 8)
            digits[i] = (char)(digits[i] - 'a' + 'A');
    }
}
