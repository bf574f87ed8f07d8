/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bech32.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/memory.h"

enum { CHECKSUM = 6 };

static const char digits_of_32[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One value of 5 bits more; BIP 173, "Checksum". */
static uint32_t polymod(uint32_t check, uint8_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = check >> 25;
    check = (check & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < SCB_LENGTH(generator); i++)
        check ^= generator[i] & -(top >> i & 1);
    return check;
}

static uint32_t polymod_prefix(const char *prefix)
{
    uint32_t check = 1;
    for (const char *at = prefix; *at != '\0'; at++)
        check = polymod(check, (uint8_t)(tolower((unsigned char)*at) >> 5));
    check = polymod(check, 0);
    for (const char *at = prefix; *at != '\0'; at++)
        check = polymod(check, (uint8_t)(tolower((unsigned char)*at) & 31));
    return check;
}

static bool is_upper(const char *prefix)
{
    return isupper((unsigned char)prefix[0]) != 0;
}

static char to_digit(uint8_t value, bool upper)
{
    char digit = digits_of_32[value];
    return upper ? (char)toupper((unsigned char)digit) : digit;
}

/* Its value, or -1; a digit of the other case is none. */
static int from_digit(char digit, bool upper)
{
    if (digit == '\0' || (upper ? islower((unsigned char)digit) : isupper((unsigned char)digit)))
        return -1;
    const char *at = strchr(digits_of_32, tolower((unsigned char)digit));
    return at == NULL ? -1 : (int)(at - digits_of_32);
}

/* The 5 bits from bit 5 * index on; past the end there are zeros. */
static uint8_t bits_at(const uint8_t *data, size_t size, size_t index)
{
    size_t byte = 5 * index / 8, past = 5 * index % 8;
    unsigned pair = (unsigned)data[byte] << 8 | (byte + 1 < size ? data[byte + 1] : 0u);
    return pair >> (11 - past) & 31;
}

void scb_bech32_encode(const char *prefix, const uint8_t *data, size_t size, char *ret_text)
{
    assert(size <= SCB_BECH32_MAX_BYTES);
    bool upper = is_upper(prefix);
    uint32_t check = polymod_prefix(prefix);
    ret_text = stpcpy(stpcpy(ret_text, prefix), "1");
    for (size_t i = 0; i < (size * 8 + 4) / 5; i++) {
        uint8_t value = bits_at(data, size, i);
        check = polymod(check, value);
        *ret_text++ = to_digit(value, upper);
    }
    for (int i = 0; i < CHECKSUM; i++)
        check = polymod(check, 0);
    check ^= 1;
    for (int i = CHECKSUM - 1; i >= 0; i--)
        *ret_text++ = to_digit(check >> (5 * i) & 31, upper);
    *ret_text = '\0';
}

/* The digits' bits in a row into bytes, which are zero before; false where the checksum is wrong.
 */
static bool take_digits(const char *prefix, struct scb_bytes digits, uint8_t *bytes)
{
    uint32_t check = polymod_prefix(prefix);
    for (size_t i = 0; i < digits.size; i++) {
        int value = from_digit((char)digits.data[i], is_upper(prefix));
        if (value < 0)
            return false;
        check = polymod(check, (uint8_t)value);
        if (i + CHECKSUM >= digits.size)
            continue;
        unsigned pair = (unsigned)value << (11 - 5 * i % 8);
        bytes[5 * i / 8] |= (uint8_t)(pair >> 8);
        bytes[5 * i / 8 + 1] |= (uint8_t)pair;
    }
    return check == 1;
}

bool scb_bech32_decode(const char *prefix, struct scb_bytes text, uint8_t *ret_data, size_t size)
{
    assert(size <= SCB_BECH32_MAX_BYTES);
    size_t length = strlen(prefix);
    if (text.size != SCB_BECH32_TEXT_SIZE(length, size) - 1 ||
        memcmp(text.data, prefix, length) != 0 || text.data[length] != '1')
        return false;
    uint8_t bytes[SCB_BECH32_MAX_BYTES + 2] = {0};
    struct scb_bytes digits = {text.data + length + 1, text.size - length - 1};
    bool sound = take_digits(prefix, digits, bytes) && bytes[size] == 0; /* what fills up is zero */
    if (sound)
        memcpy(ret_data, bytes, size);
    scb_wipe(bytes, sizeof(bytes));
    return sound;
}
