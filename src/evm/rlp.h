/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive Length Prefix, the encoding of transactions: writing only, for nothing that comes from
 * outside is read in it. Source: Ethereum Yellow Paper, appendix B.
 */
#ifndef SCB_EVM_RLP_H
#define SCB_EVM_RLP_H

#include "base/buffer.h"
#include "evm/wei.h"
#include "scb/entry.h"
#include "scb/error.h"

SCB_MUST_CHECK enum scb_status scb_rlp_append_bytes(struct scb_buffer *out, struct scb_bytes bytes,
                                                    struct scb_error *error);
/* A number as the bytes it needs, without zeros in front. */
SCB_MUST_CHECK enum scb_status scb_rlp_append_number(struct scb_buffer *out, scb_wei number,
                                                     struct scb_error *error);
/* A list whose items are encoded in items, one after the other. */
SCB_MUST_CHECK enum scb_status scb_rlp_append_list(struct scb_buffer *out, struct scb_bytes items,
                                                   struct scb_error *error);

#endif
