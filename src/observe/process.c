/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t ms_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

uint64_t scb_process_cpu_ms(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    return ms_of(&usage.ru_utime) + ms_of(&usage.ru_stime);
}

uint64_t scb_process_peak_memory(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

/* How many entries a directory of /proc/self has, but for "." and ".."; 0 where it is not to be
 * had. */
static uint64_t count_entries(const char *path)
{
    DIR *listing = opendir(path);
    if (listing == NULL)
        return 0;
    uint64_t count = 0;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        count += entry->d_name[0] != '.';
    (void)closedir(listing);
    return count;
}

static uint64_t resident_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long size = 0, resident = 0;
    if (file == NULL)
        return 0;
    // NOLINTNEXTLINE(cert-err34-c): the kernel's own words
    if (fscanf(file, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void scb_process_measure(struct scb_metrics_snapshot *snapshot)
{
    uint64_t memory = resident_memory(), threads = count_entries("/proc/self/task");
    uint64_t descriptors = count_entries("/proc/self/fd");
    scb_metrics_snapshot_set(snapshot, SCB_METRIC_CPU, scb_process_cpu_ms());
    if (memory > 0)
        scb_metrics_snapshot_set(snapshot, SCB_METRIC_MEMORY, memory);
    if (descriptors > 1) /* one of them was the listing's */
        scb_metrics_snapshot_set(snapshot, SCB_METRIC_DESCRIPTORS, descriptors - 1);
    if (threads > 0)
        scb_metrics_snapshot_set(snapshot, SCB_METRIC_THREADS, threads);
}
