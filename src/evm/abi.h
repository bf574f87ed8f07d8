/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the Solidity ABI that a backup needs: selectors, calls with unsigned arguments, and
 * the strict decoding of what a page call returns. Decoding borrows from the input, copies nothing
 * and takes no byte of it on trust. Wrong data is a ValidationError that names the field, the
 * entry and the numbers, never content.
 * Source: Solidity, "Contract ABI Specification".
 */
#ifndef SCB_EVM_ABI_H
#define SCB_EVM_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_ABI_WORD = 32 };

/*
 * The first four bytes of keccak256(signature). ValidationError unless signature is a name and a
 * list of elementary types in brackets without blanks, "getTotalKeys()".
 */
SCB_MUST_CHECK enum scb_status scb_abi_selector(const char *signature, uint8_t ret_selector[4],
                                                struct scb_error *error);

/* Writes selector and count uint256 arguments to call data: 4 + 32 × count bytes into ret_data. */
void scb_abi_encode_call(const uint8_t selector[4], const uint64_t *arguments, size_t count,
                         uint8_t *ret_data);

/*
 * Appends call data whose arguments are count strings of any bytes, four at most: what
 * createKeyValue(string,string,string) takes.
 */
SCB_MUST_CHECK enum scb_status scb_abi_encode_strings(struct scb_buffer *out,
                                                      const uint8_t selector[4],
                                                      const struct scb_bytes *strings, size_t count,
                                                      struct scb_error *error);

/* A single uint256 that must fit 64 bits; what names it in messages ("getTotalKeys()"). */
SCB_MUST_CHECK enum scb_status scb_abi_decode_u64(struct scb_bytes data, const char *what,
                                                  uint64_t *ret_value, struct scb_error *error);

/* Where one of the three arrays has got to. */
struct scb_abi_strings {
    size_t base;         /* where its elements' offsets count from */
    size_t previous_end; /* no element may start before this: nothing overlaps */
};

/* Walks a page's entries in order. A plain value; data is borrowed. */
struct scb_abi_page {
    struct scb_bytes data;
    uint64_t count;
    uint64_t next;
    struct scb_abi_strings keys, values, versions;
};

/*
 * Checks heads and lengths: three arrays, equally long, at most max_count, all inside data.
 */
SCB_MUST_CHECK enum scb_status scb_abi_page_open(struct scb_bytes data, uint64_t max_count,
                                                 struct scb_abi_page *ret_page,
                                                 struct scb_error *error);

/* The next entry, borrowed from data; call it count times. Every offset and length is checked:
 * inside data, and elements of one array neither overlap nor go backwards (so a small answer
 * cannot expand into a large page). */
SCB_MUST_CHECK enum scb_status
scb_abi_page_next(struct scb_abi_page *page, struct scb_entry *ret_entry, struct scb_error *error);

/* Both of them over the whole answer: ValidationError where it is no page of at most max_count
 * entries, else *ret_count of them. */
SCB_MUST_CHECK enum scb_status scb_abi_page_check(struct scb_bytes data, uint64_t max_count,
                                                  uint64_t *ret_count, struct scb_error *error);

/*
 * What a revert says, for people: the text of Error(string), "panic 0x11 (arithmetic overflow)" of
 * Panic(uint256), "custom error 0x…", or "" for empty data. Control bytes are escaped.
 */
void scb_abi_revert_reason(struct scb_bytes data, char *ret_text, size_t size);

#endif
