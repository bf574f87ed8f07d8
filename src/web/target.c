/* SPDX-License-Identifier: Apache-2.0 */
#include "web/target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static enum scb_status refuse(struct scb_error *error, const char *what)
{
    return scb_error_set(error, SCB_ERROR_VALIDATION, "request target: %s", what);
}

bool scb_web_is_unreserved(char byte)
{
    return isalnum((unsigned char)byte) != 0 || (byte != '\0' && strchr("-._~", byte) != NULL);
}

static bool is_dots(const char *segment, size_t size)
{
    return (size == 1 || size == 2) && memcmp(segment, "..", size) == 0;
}

static enum scb_status take_path(const char *text, size_t size, char ret_path[SCB_WEB_MAX_PATH],
                                 struct scb_error *error)
{
    if (size >= SCB_WEB_MAX_PATH)
        return refuse(error, "the path is too long");
    if (size == 0 || text[0] != '/')
        return refuse(error, "it does not begin with a slash");
    for (size_t at = 1, begin = 1; at <= size; at++) {
        if (at < size && text[at] != '/') {
            if (!scb_web_is_unreserved(text[at]))
                return refuse(error, "the path has a character that no path here has");
            continue;
        }
        if (is_dots(text + begin, at - begin) || (at == begin && size > 1))
            return refuse(error, "the path has an empty or a dotted segment");
        begin = at + 1;
    }
    memcpy(ret_path, text, size);
    ret_path[size] = '\0';
    return SCB_OK;
}

/* Takes "%41+b" apart into ret_text (room for room bytes with the NUL). */
static enum scb_status unescape(const char *text, size_t size, char *ret_text, size_t room,
                                struct scb_error *error)
{
    size_t used = 0;
    for (size_t at = 0; at < size; at++) {
        uint8_t byte = (uint8_t)text[at];
        if (byte == '+')
            byte = ' ';
        if (byte == '%') {
            if (size - at < 3 || !scb_text_unhex(text + at + 1, 1, &byte))
                return refuse(error, "the query has a bad escape");
            at += 2;
        }
        if (byte < 0x20 || byte == 0x7f)
            return refuse(error, "the query has a control character");
        if (used + 1 == room)
            return refuse(error, "a part of the query is too long");
        ret_text[used++] = (char)byte;
    }
    ret_text[used] = '\0';
    return SCB_OK;
}

static enum scb_status take_param(const char *text, size_t size, struct scb_web_target *target,
                                  struct scb_error *error)
{
    if (size == 0)
        return SCB_OK;
    if (target->param_count == SCB_WEB_MAX_PARAMS)
        return refuse(error, "the query has too many parts");
    struct scb_web_param param = {0};
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - text);
    enum scb_status status = unescape(text, name_size, param.name, sizeof(param.name), error);
    if (status == SCB_OK && equals != NULL)
        status =
            unescape(equals + 1, size - name_size - 1, param.value, sizeof(param.value), error);
    if (status == SCB_OK && scb_web_target_param(target, param.name) != NULL)
        status = refuse(error, "a name is in the query twice");
    if (status == SCB_OK)
        target->params[target->param_count++] = param;
    return status;
}

enum scb_status scb_web_target_parse(const char *text, struct scb_web_target *ret_target,
                                     struct scb_error *error)
{
    struct scb_web_target target = {0};
    size_t path_size = strcspn(text, "?");
    enum scb_status status = take_path(text, path_size, target.path, error);
    const char *rest = text + path_size + (text[path_size] == '?' ? 1 : 0);
    while (status == SCB_OK && *rest != '\0') {
        size_t size = strcspn(rest, "&");
        status = take_param(rest, size, &target, error);
        rest += size + (rest[size] == '&' ? 1 : 0);
    }
    if (status == SCB_OK)
        *ret_target = target;
    return status;
}

const char *scb_web_target_param(const struct scb_web_target *target, const char *name)
{
    for (size_t i = 0; i < target->param_count; i++)
        if (strcmp(target->params[i].name, name) == 0)
            return target->params[i].value;
    return NULL;
}

bool scb_web_path_matches(const char *pattern, const char *path,
                          char ret_segment[SCB_WEB_MAX_VALUE])
{
    size_t same = strcspn(pattern, "{");
    if (pattern[same] == '\0')
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, same) != 0)
        return false;
    size_t size = strcspn(path + same, "/");
    const char *after = pattern + same + strcspn(pattern + same, "}") + 1;
    if (size == 0 || size >= SCB_WEB_MAX_VALUE || strcmp(after, path + same + size) != 0)
        return false;
    memcpy(ret_segment, path + same, size);
    ret_segment[size] = '\0';
    return true;
}

/* Digits to the end, 0 to 65535. */
static bool take_port(const char *text, uint16_t *ret_port)
{
    uint64_t port = 0;
    if (strlen(text) > 5 || scb_text_parse_u64(text, &port, NULL) != SCB_OK || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* "host:port", where *ret_port becomes "" if there is none. The host without its brackets. */
static bool split_host(const char *text, char ret_name[SCB_WEB_MAX_HOST], const char **ret_port)
{
    bool brackets = text[0] == '[';
    size_t size = brackets ? strcspn(text, "]") : strcspn(text, ":");
    const char *name = brackets ? text + 1 : text;
    if (brackets && text[size] != ']')
        return false;
    const char *rest = text + size + (brackets ? 1 : 0);
    size -= brackets ? 1 : 0;
    if (size >= SCB_WEB_MAX_HOST || (*rest != '\0' && *rest != ':'))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!scb_web_is_unreserved(name[i]) && !(brackets && name[i] == ':'))
            return false;
        ret_name[i] = (char)tolower((unsigned char)name[i]);
    }
    ret_name[size] = '\0';
    *ret_port = *rest == ':' ? rest + 1 : rest;
    return true;
}

bool scb_web_host_name(const char *host, char ret_name[SCB_WEB_MAX_HOST])
{
    const char *port = NULL;
    uint16_t number = 0;
    return split_host(host, ret_name, &port) && ret_name[0] != '\0' &&
           (port[0] == '\0' || take_port(port, &number));
}

bool scb_web_host_is_loopback(const char *name)
{
    struct in_addr address;
    return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

bool scb_web_host_is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

bool scb_web_same_origin(const char *origin, const char *host, bool tls)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t size = strlen(scheme);
    return strncasecmp(origin, scheme, size) == 0 && strcasecmp(origin + size, host) == 0;
}

/* Whether a media range ("text/html", "text/" + "*", both "*") takes type in. */
static bool range_takes(const char *range, size_t size, const char *type)
{
    if (size == 3 && memcmp(range, "*/*", 3) == 0)
        return true;
    if (size > 2 && memcmp(range + size - 2, "/*", 2) == 0)
        return strncasecmp(range, type, size - 1) == 0;
    return strlen(type) == size && strncasecmp(range, type, size) == 0;
}

/* "; q=0", "; q=0.0": not at all. */
static bool is_refused(const char *parameters, size_t size)
{
    for (size_t at = 0; at + 2 < size; at++)
        if ((parameters[at] == 'q' || parameters[at] == 'Q') && parameters[at + 1] == '=')
            return strspn(parameters + at + 2, "0.") >= strcspn(parameters + at + 2, " ;,");
    return false;
}

bool scb_web_accepts(const char *accept, const char *type)
{
    if (accept == NULL)
        return true;
    while (*accept != '\0') {
        accept += strspn(accept, " \t,");
        size_t size = strcspn(accept, ",");
        size_t range = strcspn(accept, " \t;,");
        if (range > 0 && range_takes(accept, range, type) &&
            !is_refused(accept + range, size - range))
            return true;
        accept += size;
    }
    return false;
}

enum scb_status scb_web_listen_parse(const char *text, struct scb_web_listen *ret_listen,
                                     struct scb_error *error)
{
    struct scb_web_listen listen = {0};
    const char *port = NULL;
    if (split_host(text, listen.host, &port) && take_port(port, &listen.port)) {
        *ret_listen = listen;
        return SCB_OK;
    }
    scb_error_set(error, SCB_ERROR_VALIDATION, "server.listen: '%.100s' is no address with a port",
                  text);
    return scb_error_hint(error, "127.0.0.1:9464, [::1]:9464 or, for none, an empty text");
}
