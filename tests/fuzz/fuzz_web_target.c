/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends to the service, from anywhere: the first byte says as what it is read. What
 * is let through has the form that its users rely on.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_load.h"
#include "web/target.h"

enum { MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_target(const char *text)
{
    struct scb_web_target target;
    char segment[SCB_WEB_MAX_VALUE] = "";
    if (scb_web_target_parse(text, &target, NULL) != SCB_OK)
        return;
    assert(target.path[0] == '/' && strstr(target.path, "/../") == NULL);
    assert(strlen(target.path) < 3 || strcmp(target.path + strlen(target.path) - 3, "/..") != 0);
    assert(strstr(target.path, "//") == NULL && strpbrk(target.path, "%\\?\" ") == NULL);
    for (size_t i = 0; i < target.param_count; i++)
        assert(scb_web_target_param(&target, target.params[i].name) == target.params[i].value);
    if (scb_web_path_matches("/api/v1/backups/{date}/pages", target.path, segment))
        assert(segment[0] != '\0' && strchr(segment, '/') == NULL);
    (void)scb_web_path_matches("/assets/{file}", target.path, segment);
}

static void try_host(const char *text)
{
    char name[SCB_WEB_MAX_HOST];
    if (!scb_web_host_name(text, name))
        return;
    assert(name[0] != '\0' && strpbrk(name, "[]/@ ") == NULL);
    assert(!scb_web_host_is_loopback(name) || strcmp(name, "localhost") == 0 ||
           scb_web_host_is_address(name));
}

static void try_body(const uint8_t *data, size_t size)
{
    json_t *body = NULL;
    if (scb_json_load((struct scb_bytes){data, size}, &body, NULL) == SCB_OK)
        json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_web_listen listen;
    if (size < 1 || size > MAX)
        return 0;
    char *text = malloc(size);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 0:
        try_target(text);
        break;
    case 1:
        try_host(text);
        break;
    case 2:
        (void)scb_web_accepts(text, "application/json");
        break;
    case 3:
        (void)scb_web_same_origin(text, "localhost:9464", false);
        break;
    case 4:
        if (scb_web_listen_parse(text, &listen, NULL) == SCB_OK)
            assert(strlen(listen.host) < SCB_WEB_MAX_HOST);
        break;
    case 5:
        try_body(data + 1, size - 1);
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
