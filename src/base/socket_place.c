/* SPDX-License-Identifier: Apache-2.0 */
#include "base/socket_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static enum scb_status no_socket(const char *path, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_VALIDATION, "'%.200s' names no socket", path);
    return scb_error_hint(error, "write it like /run/satellite/satellite.sock");
}

/* Whoever may only pass through the directory may connect to what stands in it. */
static enum scb_status open_dir(const char *dir, bool create, int *ret_fd, struct scb_error *error)
{
    if (create)
        return scb_dir_open(dir, true, 0700, ret_fd, error);
    *ret_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd >= 0)
        return SCB_OK;
    enum scb_status status = errno == ENOENT ? SCB_ERROR_NOT_FOUND : SCB_ERROR_FILE;
    return scb_error_set_errno(error, status, errno, "directory '%s' not opened", dir);
}

enum scb_status scb_socket_place_open(const char *path, bool create,
                                      struct scb_socket_place *ret_place, struct scb_error *error)
{
    struct scb_socket_place place = {.dir_fd = -1, .address = {.sun_family = AF_UNIX}};
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : strlen(slash + 1);
    if (path[0] != '/' || length == 0 || length > NAME_MAX || strcmp(slash, "/.") == 0 ||
        strcmp(slash, "/..") == 0)
        return no_socket(path, error);
    memcpy(place.name, slash + 1, length + 1);
    SCB_AUTO(string) char *dir = scb_format(error, "%.*s", (int)(slash + 1 - path), path);
    if (dir == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status = open_dir(dir, create, &place.dir_fd, error);
    if (status != SCB_OK)
        return status;
    char shortened[sizeof(place.address.sun_path) + NAME_MAX + 1];
    int size =
        snprintf(shortened, sizeof(shortened), "/proc/self/fd/%d/%s", place.dir_fd, place.name);
    if (size < 0 || (size_t)size >= sizeof(place.address.sun_path)) {
        scb_socket_place_close(&place);
        return no_socket(path, error);
    }
    memcpy(place.address.sun_path, shortened, (size_t)size + 1);
    *ret_place = place;
    return SCB_OK;
}

void scb_socket_place_close(struct scb_socket_place *place)
{
    if (place->dir_fd >= 0)
        (void)close(place->dir_fd);
    place->dir_fd = -1;
}
