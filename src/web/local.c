/* SPDX-License-Identifier: Apache-2.0 */
#include "web/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/socket_place.h"

enum {
    BACKLOG = 64,
    LOCK_TRIES = 100,
    /* What users are called whom this process's user namespace does not have, all of them. */
    NOT_NAMEABLE = 65534,
};

struct scb_web_local {
    struct scb_socket_place place;
    char *path, *lock_name;
    int lock_fd;
    bool bound;
};

static enum scb_status failed(const struct scb_web_local *local, struct scb_error *error)
{
    return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "server.socket %s", local->path);
}

static enum scb_status taken(const struct scb_web_local *local, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_FILE, "server.socket %s: another service listens there",
                        local->path);
    return scb_error_hint(error, "end it, or set server.socket to another path or to none");
}

/* Who ends removes the lock's file while he has it: what was locked may be gone by then. */
static bool is_present(const struct scb_web_local *local, int fd)
{
    struct stat locked, present;
    return fstat(fd, &locked) == 0 &&
           fstatat(local->place.dir_fd, local->lock_name, &present, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_dev == present.st_dev && locked.st_ino == present.st_ino;
}

static enum scb_status take_lock(struct scb_web_local *local, struct scb_error *error)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        SCB_AUTO(fd) int fd = -1;
        enum scb_status status = scb_file_open(local->place.dir_fd, local->lock_name,
                                               O_RDWR | O_CREAT, 0600, &fd, error);
        if (status != SCB_OK)
            return scb_error_wrap(error, "server.socket");
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            return errno == EWOULDBLOCK ? taken(local, error) : failed(local, error);
        if (is_present(local, fd)) {
            local->lock_fd = fd;
            fd = -1;
            return SCB_OK;
        }
    }
    return taken(local, error);
}

/* A socket that is left over refuses; one of somebody who knows nothing of the lock does not. */
static enum scb_status clear_place(const struct scb_web_local *local, struct scb_error *error)
{
    const struct scb_socket_place *place = &local->place;
    struct stat about;
    if (fstatat(place->dir_fd, place->name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? SCB_OK : failed(local, error);
    if (!S_ISSOCK(about.st_mode)) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION,
                            "server.socket %s: what stands there is no socket", local->path);
        return scb_error_hint(error, "remove it, or set server.socket to another path");
    }
    SCB_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(local, error);
    if (connect(fd, (const struct sockaddr *)&place->address, sizeof(place->address)) == 0 ||
        errno == EAGAIN)
        return taken(local, error);
    if (errno != ECONNREFUSED && errno != ENOENT)
        return failed(local, error);
    return scb_file_remove(place->dir_fd, place->name, error);
}

static enum scb_status listen_there(struct scb_web_local *local, int *ret_fd,
                                    struct scb_error *error)
{
    const struct scb_socket_place *place = &local->place;
    SCB_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&place->address, sizeof(place->address)) != 0)
        return failed(local, error);
    local->bound = true;
    /* The umask made it its owner's alone; there is nobody who could have changed it for a link. */
    if (fchmodat(place->dir_fd, place->name, 0666, 0) != 0 || listen(fd, BACKLOG) != 0)
        return failed(local, error);
    *ret_fd = fd;
    fd = -1; // NOLINT(clang-analyzer-deadcode.DeadStores): the end of the scope reads it
    return SCB_OK;
}

enum scb_status scb_web_local_open(const char *path, struct scb_web_local **ret_local, int *ret_fd,
                                   struct scb_error *error)
{
    struct scb_web_local *local = scb_alloc(1, sizeof(*local), error);
    if (local == NULL)
        return SCB_ERROR_RESOURCE;
    local->place.dir_fd = local->lock_fd = -1;
    local->path = scb_strdup(path, error);
    enum scb_status status = local->path == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    if (status == SCB_OK && scb_socket_place_open(path, true, &local->place, error) != SCB_OK)
        status = scb_error_wrap(error, "server.socket");
    if (status == SCB_OK) {
        local->lock_name = scb_format(error, "%s.lock", local->place.name);
        status = local->lock_name == NULL ? SCB_ERROR_RESOURCE : take_lock(local, error);
    }
    if (status == SCB_OK)
        status = clear_place(local, error);
    if (status == SCB_OK)
        status = listen_there(local, ret_fd, error);
    if (status != SCB_OK) {
        scb_web_local_close(local);
        return status;
    }
    *ret_local = local;
    return SCB_OK;
}

void scb_web_local_close(struct scb_web_local *local)
{
    if (local == NULL)
        return;
    if (local->bound)
        (void)unlinkat(local->place.dir_fd, local->place.name, 0);
    if (local->lock_fd >= 0) {
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a lock that is open has a name
        (void)unlinkat(local->place.dir_fd, local->lock_name, 0);
        (void)close(local->lock_fd);
    }
    scb_socket_place_close(&local->place);
    free(local->lock_name);
    free(local->path);
    free(local);
}

bool scb_web_local_peer(int fd, struct scb_web_peer *ret_peer, uint8_t ret_address[16])
{
    /* No host's address: ff… is multicast. */
    static const uint8_t user_prefix[12] = {0xff, 'u', 's', 'e', 'r'};
    struct ucred peer;
    int family = 0;
    socklen_t size = sizeof(family), peer_size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_UNIX)
        return false;
    *ret_peer = (struct scb_web_peer){.kind = SCB_WEB_PEER_REFUSED, .is_local = true};
    memset(ret_address, 0, 16);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0 ||
        peer.uid == NOT_NAMEABLE || peer.uid == (uid_t)-1)
        return true;
    ret_peer->kind = SCB_WEB_PEER_USER;
    ret_peer->uid = peer.uid;
    memcpy(ret_address, user_prefix, sizeof(user_prefix));
    memcpy(ret_address + sizeof(user_prefix), &peer.uid, 4);
    return true;
}

bool scb_web_local_same_user(int fd, int other)
{
    struct scb_web_peer peers[2];
    uint8_t addresses[2][16];
    return scb_web_local_peer(fd, &peers[0], addresses[0]) &&
           scb_web_local_peer(other, &peers[1], addresses[1]) &&
           memcmp(addresses[0], addresses[1], sizeof(addresses[0])) == 0;
}
