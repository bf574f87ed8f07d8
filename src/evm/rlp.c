/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/rlp.h"

#include <stdint.h>

enum {
    STRING = 0x80, /* and up: a string of so many bytes */
    LIST = 0xc0,
    LONGEST_SHORT = 55, /* over that the length has a length */
};

/* value's bytes without zeros in front, at the end of a buffer of size bytes. */
static struct scb_bytes big_endian(scb_wei value, uint8_t *buffer, size_t size)
{
    size_t at = size;
    for (; value > 0; value >>= 8)
        buffer[--at] = (uint8_t)value;
    return (struct scb_bytes){buffer + at, size - at};
}

static enum scb_status append_header(struct scb_buffer *out, uint8_t kind, size_t size,
                                     struct scb_error *error)
{
    uint8_t header = (uint8_t)(kind + size), length[8];
    if (size <= LONGEST_SHORT)
        return scb_buffer_append(out, &header, 1, error);
    struct scb_bytes digits = big_endian(size, length, sizeof(length));
    header = (uint8_t)(kind + LONGEST_SHORT + digits.size);
    enum scb_status status = scb_buffer_append(out, &header, 1, error);
    return status == SCB_OK ? scb_buffer_append(out, digits.data, digits.size, error) : status;
}

enum scb_status scb_rlp_append_bytes(struct scb_buffer *out, struct scb_bytes bytes,
                                     struct scb_error *error)
{
    bool is_itself = bytes.size == 1 && bytes.data[0] < STRING;
    enum scb_status status = SCB_OK;
    if (!is_itself)
        status = append_header(out, STRING, bytes.size, error);
    return status == SCB_OK ? scb_buffer_append(out, bytes.data, bytes.size, error) : status;
}

enum scb_status scb_rlp_append_number(struct scb_buffer *out, scb_wei number,
                                      struct scb_error *error)
{
    uint8_t digits[sizeof(number)];
    return scb_rlp_append_bytes(out, big_endian(number, digits, sizeof(digits)), error);
}

enum scb_status scb_rlp_append_list(struct scb_buffer *out, struct scb_bytes items,
                                    struct scb_error *error)
{
    enum scb_status status = append_header(out, LIST, items.size, error);
    return status == SCB_OK ? scb_buffer_append(out, items.data, items.size, error) : status;
}
