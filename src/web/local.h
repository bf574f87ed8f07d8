/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Unix socket that server.socket names, and who is at its other end: the kernel says so
 * (SO_PEERCRED), whatever the client sends. Everybody may connect (0666); what they may do is the
 * gate's to say.
 *
 * Design: who listens holds a kernel lock on NAME.lock beside the socket, so that a socket without
 * one is left over from a process that was killed, and two who start at once do not take it away
 * from each other.
 */
#ifndef SCB_WEB_LOCAL_H
#define SCB_WEB_LOCAL_H

#include "web/peer.h"

struct scb_web_local;

/*
 * Listens, on *ret_fd, which is the caller's to close. FileSystemError where another process
 * listens there, ValidationError where something stands there that is no socket.
 */
SCB_MUST_CHECK enum scb_status scb_web_local_open(const char *path,
                                                  struct scb_web_local **ret_local, int *ret_fd,
                                                  struct scb_error *error);
/* Removes the socket; nobody new gets there. May be called with NULL. */
void scb_web_local_close(struct scb_web_local *local);

/*
 * Whether fd is a connection over a Unix socket; then *ret_peer is the user at its other end, or
 * refused where the kernel cannot name one, and ret_address stands for that user among addresses.
 */
bool scb_web_local_peer(int fd, struct scb_web_peer *ret_peer, uint8_t ret_address[16]);
/* Whether both are connections of one user over a Unix socket. */
bool scb_web_local_same_user(int fd, int other);

#endif
