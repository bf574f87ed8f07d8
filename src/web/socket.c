/* SPDX-License-Identifier: Apache-2.0 */
#include "web/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "web/target.h"

enum { BACKLOG = 64 };

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

static enum scb_status bind_to(const struct addrinfo *address, const char *listen_text, int *ret_fd,
                               struct scb_error *error)
{
    int yes = 1;
    *ret_fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret_fd >= 0 && setsockopt(*ret_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(*ret_fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*ret_fd, BACKLOG) == 0)
        return SCB_OK;
    bool taken = errno == EADDRINUSE;
    scb_error_set_errno(error, SCB_ERROR_FILE, errno, "server.listen %s", listen_text);
    if (taken)
        scb_error_hint(error, "another service listens there: end it, or set server.listen");
    return error->status;
}

enum scb_status scb_web_socket_open(const char *listen_text, int *ret_fd, bool *ret_loopback,
                                    struct scb_error *error)
{
    struct scb_web_listen where;
    char port[8];
    const struct addrinfo wanted = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    enum scb_status status = scb_web_listen_parse(listen_text, &where, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(port, sizeof(port), "%u", where.port);
    int result = getaddrinfo(where.host[0] == '\0' ? NULL : where.host, port, &wanted, &found);
    if (result != 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "server.listen %s: %s", listen_text,
                             gai_strerror(result));
    *ret_loopback = is_loopback(found->ai_addr);
    status = bind_to(found, listen_text, ret_fd, error);
    freeaddrinfo(found);
    return status;
}

void scb_web_socket_url(int fd, bool tls, char ret_url[SCB_WEB_URL_SIZE])
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN + 8] = "", port[8] = "";
    (void)getsockname(fd, (struct sockaddr *)&address, &size);
    (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    bool brackets = strchr(host, ':') != NULL;
    (void)snprintf(ret_url, SCB_WEB_URL_SIZE, "%s://%s%s%s:%s/", tls ? "https" : "http",
                   brackets ? "[" : "", host, brackets ? "]" : "", port);
}
