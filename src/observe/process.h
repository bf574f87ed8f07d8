/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process takes of the machine, as the kernel counts it.
 */
#ifndef SCB_OBSERVE_PROCESS_H
#define SCB_OBSERVE_PROCESS_H

#include <stdint.h>

#include "observe/metrics.h"

/* CPU time of all its threads so far, in ms. */
uint64_t scb_process_cpu_ms(void);
/* The largest its resident memory has been. */
uint64_t scb_process_peak_memory(void);
/* Sets memory, CPU time, descriptors and threads in the snapshot, as far as they can be read. */
void scb_process_measure(struct scb_metrics_snapshot *snapshot);

#endif
