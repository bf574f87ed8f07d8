/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCB_BASE_RANDOM_H
#define SCB_BASE_RANDOM_H

#include <stddef.h>

#include "scb/error.h"

/* Bytes from the kernel's generator, fit for keys; up to 256 at a time. ResourceError. */
SCB_MUST_CHECK enum scb_status scb_random(void *ret_data, size_t size, struct scb_error *error);

#endif
