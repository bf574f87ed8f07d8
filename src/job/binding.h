/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup_dir belongs to one contract on one chain: the first backup says which (SPEC 9).
 */
#ifndef SCB_JOB_BINDING_H
#define SCB_JOB_BINDING_H

#include "scb/error.h"
#include "scb/source.h"
#include "store/store.h"

/* Binds the store to the pin's chain and contract, or checks that it is bound to them. */
SCB_MUST_CHECK enum scb_status scb_binding_check(const struct scb_store *store,
                                                 const struct scb_pin *pin,
                                                 struct scb_error *error);

#endif
