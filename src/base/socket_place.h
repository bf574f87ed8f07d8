/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a Unix socket stands. sun_path holds 107 bytes, so a socket is named by its directory,
 * which is opened once, and its name there. Who listens or connects is the caller's.
 */
#ifndef SCB_BASE_SOCKET_PLACE_H
#define SCB_BASE_SOCKET_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "scb/error.h"

struct scb_socket_place {
    int dir_fd;
    char name[NAME_MAX + 1];
    struct sockaddr_un address; /* sun_path is good for as long as this process has dir_fd open */
};

/*
 * The place of an absolute path; its directory is made (0700) where create is set. NotFoundError
 * where that is not there, ValidationError for a path that names no socket.
 */
SCB_MUST_CHECK enum scb_status scb_socket_place_open(const char *path, bool create,
                                                     struct scb_socket_place *ret_place,
                                                     struct scb_error *error);
/* May be called twice, and with one that was never opened but has the dir_fd -1. */
void scb_socket_place_close(struct scb_socket_place *place);

#endif
