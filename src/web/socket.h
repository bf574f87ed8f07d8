/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket that server.listen names.
 */
#ifndef SCB_WEB_SOCKET_H
#define SCB_WEB_SOCKET_H

#include <stdbool.h>

#include "scb/error.h"

enum { SCB_WEB_URL_SIZE = 96 };

/*
 * Listens; *ret_loopback says whether only this machine reaches it. ValidationError for what is no
 * address; FileSystemError where it is taken.
 */
SCB_MUST_CHECK enum scb_status scb_web_socket_open(const char *listen, int *ret_fd,
                                                   bool *ret_loopback, struct scb_error *error);
/* "http://127.0.0.1:9464/", with the port that the kernel has chosen. */
void scb_web_socket_url(int fd, bool tls, char ret_url[SCB_WEB_URL_SIZE]);

#endif
