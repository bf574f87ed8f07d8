/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/wei.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const struct unit {
    const char *name;
    unsigned digits; /* of wei in one */
} units[] = {{"wei", 0}, {"gwei", 9}, {"ether", 18}, {"eth", 18}, {"xdc", 18}};

scb_wei scb_wei_times(scb_wei a, scb_wei b)
{
    scb_wei product = 0;
    return __builtin_mul_overflow(a, b, &product) ? SCB_WEI_MAX : product;
}

scb_wei scb_wei_plus(scb_wei a, scb_wei b)
{
    scb_wei sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? SCB_WEI_MAX : sum;
}

static scb_wei power_of_ten(unsigned digits)
{
    scb_wei power = 1;
    while (digits-- > 0)
        power *= 10;
    return power;
}

static enum scb_status refuse(const char *text, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "\"%.40s\" is no amount", text);
    (void)scb_error_hint(error, "write a number and its unit: 25gwei, 0.1ether, 1000wei");
    return SCB_ERROR_VALIDATION;
}

/* Reads digits, with a point before the last ones; false where that is not what is there. */
static bool read_number(const char **text, unsigned room, scb_wei *ret_wei)
{
    scb_wei value = 0;
    unsigned after = 0;
    bool point = false, any = false;
    for (; isdigit((unsigned char)**text) || (**text == '.' && !point); ++*text) {
        if (**text == '.') {
            point = true;
            continue;
        }
        any = true;
        if (point && ++after > room) /* finer than the unit can be cut */
            return false;
        value = scb_wei_plus(scb_wei_times(value, 10), (scb_wei)(**text - '0'));
    }
    *ret_wei = scb_wei_times(value, power_of_ten(room - after));
    return any && (*text)[-1] != '.' && *ret_wei != SCB_WEI_MAX;
}

enum scb_status scb_wei_parse(const char *text, scb_wei *ret_wei, struct scb_error *error)
{
    size_t number = strspn(text, "0123456789.");
    const char *name = text + number + strspn(text + number, " ");
    for (size_t i = 0; i < SCB_LENGTH(units); i++) {
        const char *next = text;
        scb_wei wei = 0;
        if (strcasecmp(name, units[i].name) != 0 || !read_number(&next, units[i].digits, &wei) ||
            next != text + number)
            continue;
        *ret_wei = wei;
        return SCB_OK;
    }
    return refuse(text, error);
}

void scb_wei_digits(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE])
{
    char digits[SCB_WEI_TEXT_SIZE];
    size_t at = sizeof(digits);
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(wei % 10));
        wei /= 10;
    } while (wei > 0);
    memcpy(ret_text, digits + at, sizeof(digits) - at);
}

void scb_wei_format(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE])
{
    enum { SHOWN = 6 };
    const struct unit *unit = &units[0];
    if (wei >= power_of_ten(15)) /* from a thousandth on */
        unit = &units[2];
    else if (wei >= power_of_ten(6))
        unit = &units[1];
    scb_wei whole = power_of_ten(unit->digits);
    scb_wei step = unit->digits > SHOWN ? power_of_ten(unit->digits - SHOWN) : 1;
    scb_wei rounded = wei % step == 0 ? wei : scb_wei_plus(wei - wei % step, step);
    char digits[SCB_WEI_TEXT_SIZE], fraction[16] = "";
    scb_wei_digits(rounded / whole, digits);
    unsigned part = (unsigned)(rounded % whole / step);
    int width = SHOWN;
    for (; part > 0 && part % 10 == 0; part /= 10)
        width--;
    if (part > 0)
        (void)snprintf(fraction, sizeof(fraction), ".%0*u", width, part);
    (void)snprintf(ret_text, SCB_WEI_TEXT_SIZE, "%.40s%s %s", digits, fraction, unit->name);
}

void scb_wei_hex(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE])
{
    uint64_t high = (uint64_t)(wei >> 64), low = (uint64_t)wei;
    if (high > 0)
        (void)snprintf(ret_text, SCB_WEI_TEXT_SIZE, "0x%llx%016llx", (unsigned long long)high,
                       (unsigned long long)low);
    else
        (void)snprintf(ret_text, SCB_WEI_TEXT_SIZE, "0x%llx", (unsigned long long)low);
}

enum scb_status scb_wei_quantity(const json_t *value, const char *what, scb_wei *ret_wei,
                                 struct scb_error *error)
{
    const char *text = json_string_value(value);
    bool right = text != NULL && strncmp(text, "0x", 2) == 0 && text[2] != '\0';
    scb_wei wei = 0;
    for (size_t i = 2; right && text[i] != '\0'; i++) {
        int digit = scb_text_hex_digit(text[i]);
        right = digit >= 0;
        if (wei >> 124 != 0) { /* from here on it stays the largest */
            wei = SCB_WEI_MAX;
            continue;
        }
        wei = wei * 16 + (unsigned)digit;
    }
    if (!right)
        return scb_error_set(error, SCB_ERROR_CONTRACT, "%s: the node gave no number", what);
    *ret_wei = wei;
    return SCB_OK;
}
