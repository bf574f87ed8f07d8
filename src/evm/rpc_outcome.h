/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failed answer means: one table of what nodes and the providers in front of them say
 * (SPEC 5). For rpc.c and its tests; everybody else reads rpc.h.
 */
#ifndef SCB_EVM_RPC_OUTCOME_H
#define SCB_EVM_RPC_OUTCOME_H

#include "evm/rpc.h"

/*
 * The outcome for a node's message ("" where there is none), the error's code (0: none) and the
 * HTTP status. Messages are matched first, then the statuses that say more than a code, then codes.
 */
enum scb_rpc_outcome scb_rpc_classify(const char *message, int64_t code, long http_status);

/*
 * Judges an answer that is a failure: error_object is JSON-RPC's (an object, or a text), NULL where
 * the HTTP status is all there is. Fills *ret_answer and error, with its hint, and returns
 * SCB_ERROR_CONTRACT.
 */
SCB_MUST_CHECK enum scb_status scb_rpc_judge(const json_t *error_object, long http_status,
                                             struct scb_rpc_answer *ret_answer,
                                             struct scb_error *error);

/* For an error whose message is set: adds what to do about such an outcome and whether it can be
 * retried. Returns SCB_ERROR_CONTRACT. */
SCB_MUST_CHECK enum scb_status scb_rpc_refuse(enum scb_rpc_outcome outcome,
                                              struct scb_error *error);

#endif
