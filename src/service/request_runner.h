/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what the service was asked to do now (requests.h), on the loop's thread.
 */
#ifndef SCB_SERVICE_REQUEST_RUNNER_H
#define SCB_SERVICE_REQUEST_RUNNER_H

#include <stdbool.h>

#include "service/internal.h"

/* Does the one that waits longest; true where there was one. A failure is logged and kept. */
bool scb_service_serve_request(struct scb_service *service);

#endif
