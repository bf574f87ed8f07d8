/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many keys the contract has at a block, by one endpoint's word.
 */
#ifndef SCB_SOURCE_TOTAL_H
#define SCB_SOURCE_TOTAL_H

#include <stdint.h>

#include "scb/error.h"
#include "source/pin.h"

SCB_MUST_CHECK enum scb_status scb_total_read(struct scb_rpc_client *client,
                                              const struct scb_pin_settings *settings, int endpoint,
                                              const struct scb_block_parameter *block,
                                              uint64_t *ret_total, struct scb_error *error);

#endif
