/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service has counted, for whoever shows it: the command line, the HTTP server.
 */
#ifndef SCB_SERVICE_METRICS_H
#define SCB_SERVICE_METRICS_H

#include "observe/metrics.h"
#include "scb/service.h"

/*
 * Everything as it is now: the kept totals of all processes, what this one has counted since, the
 * disk, and, of a service that runs, what it takes of the machine. What cannot be found out is not
 * in it, and logged once. From any thread.
 */
void scb_service_metrics(struct scb_service *service, struct scb_metrics_snapshot *ret_snapshot);

#endif
