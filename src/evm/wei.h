/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts of a chain's own coin, in its smallest part, and how people write them: "25gwei",
 * "0.1ether". 128 bits hold more than there is of any coin.
 */
#ifndef SCB_EVM_WEI_H
#define SCB_EVM_WEI_H

#include <jansson.h>

#include "scb/error.h"
#include "scb/restore.h" /* scb_wei */

#define SCB_WEI_MAX (~(scb_wei)0)

enum { SCB_WEI_TEXT_SIZE = 64 };

/*
 * A decimal number and its unit: wei, gwei, ether (or eth, xdc). A number alone is refused: nobody
 * can know which was meant.
 */
SCB_MUST_CHECK enum scb_status scb_wei_parse(const char *text, scb_wei *ret_wei,
                                             struct scb_error *error);
/* For people, in the unit that suits its size, at most six digits after the point, rounded up:
 * "0.012346 ether", "25 gwei", "7 wei". */
void scb_wei_format(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE]);
/* All digits, for programs: "12345600000000000". */
void scb_wei_digits(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE]);
/* "0x…" as in JSON-RPC. */
void scb_wei_hex(scb_wei wei, char ret_text[SCB_WEI_TEXT_SIZE]);
/* The inverse; more than 128 bits are SCB_WEI_MAX. ContractConnectionError for what is none. */
SCB_MUST_CHECK enum scb_status scb_wei_quantity(const json_t *value, const char *what,
                                                scb_wei *ret_wei, struct scb_error *error);

/* The product, SCB_WEI_MAX where it does not fit; and the sum. */
scb_wei scb_wei_times(scb_wei a, scb_wei b);
scb_wei scb_wei_plus(scb_wei a, scb_wei b);

#endif
