/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup_dir belongs to one contract on one chain: the first backup says which (SPEC 9).
 */
#ifndef SCB_JOB_BINDING_H
#define SCB_JOB_BINDING_H

#include "scb/error.h"
#include "scb/source.h"
#include "store/store.h"

/* Checks that the store is bound to the pin's chain and contract; where it is bound to none yet,
 * binds it if bind is set: once the first backup is whole. */
SCB_MUST_CHECK enum scb_status scb_binding_check(const struct scb_store *store,
                                                 const struct scb_pin *pin, bool bind,
                                                 struct scb_error *error);

#endif
