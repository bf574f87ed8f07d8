/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends that is ours to take apart: the request's target, Host, Origin, Accept. And
 * server.listen. Pure functions over text from anywhere; HTTP itself is libmicrohttpd's.
 */
#ifndef SCB_WEB_TARGET_H
#define SCB_WEB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

enum {
    SCB_WEB_MAX_PATH = 256,
    SCB_WEB_MAX_PARAMS = 8,
    SCB_WEB_MAX_NAME = 32,
    SCB_WEB_MAX_VALUE = 128,
    SCB_WEB_MAX_HOST = 256,
};

struct scb_web_param {
    char name[SCB_WEB_MAX_NAME];
    char value[SCB_WEB_MAX_VALUE];
};

struct scb_web_target {
    char path[SCB_WEB_MAX_PATH];
    struct scb_web_param params[SCB_WEB_MAX_PARAMS];
    size_t param_count;
};

/* A letter, a digit or one of "-._~" (RFC 3986, 2.3). */
bool scb_web_is_unreserved(char byte);

/*
 * "/path?name=value&…" (RFC 9112, 3.2.1). No path of ours needs an escape, so one that has any, or
 * "." or ".." or nothing between two slashes, is refused: ValidationError. A name stands once.
 */
SCB_MUST_CHECK enum scb_status
scb_web_target_parse(const char *text, struct scb_web_target *ret_target, struct scb_error *error);
/* The value, or NULL. */
const char *scb_web_target_param(const struct scb_web_target *target, const char *name);

/* Whether path is pattern, in which "{…}" stands for one segment; that is copied to ret_segment. */
bool scb_web_path_matches(const char *pattern, const char *path,
                          char ret_segment[SCB_WEB_MAX_VALUE]);

/* "name:port" of a Host header or an origin: the name in lower case, without the brackets of an
 * IPv6 address. False for what is none. */
bool scb_web_host_name(const char *host, char ret_name[SCB_WEB_MAX_HOST]);
/* An address of this machine itself, or localhost. */
bool scb_web_host_is_loopback(const char *name);
/* An IPv4 or IPv6 address in digits. */
bool scb_web_host_is_address(const char *name);

/* Whether an Origin header names the server that the Host header does (RFC 6454). */
bool scb_web_same_origin(const char *origin, const char *host, bool tls);

/* Whether an Accept header (RFC 9110, 12.5.1) lets type through: "text/html". NULL: all. */
bool scb_web_accepts(const char *accept, const char *type);

/* server.listen: "127.0.0.1:9464", "[::1]:9464", "localhost:0"; ":9464" is every IPv4 address. */
struct scb_web_listen {
    char host[SCB_WEB_MAX_HOST]; /* "" for every IPv4 address */
    uint16_t port;
};
SCB_MUST_CHECK enum scb_status
scb_web_listen_parse(const char *text, struct scb_web_listen *ret_listen, struct scb_error *error);

#endif
