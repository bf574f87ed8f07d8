/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the local store share; not for other rooms.
 */
#ifndef SCB_STORE_LOCAL_H
#define SCB_STORE_LOCAL_H

#include <stdint.h>
#include <sys/types.h>

struct scb_metrics;

struct scb_store {
    char *path;
    int fd;
    mode_t dir_mode, file_mode;
    uint64_t min_free_bytes;
    struct scb_metrics *metrics;
};

#endif
