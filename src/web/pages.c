/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is given away as it is: the dashboard's files and the description of the API.
 */
#include <string.h>

#include "base/memory.h"
#include "web/call.h"
#include "web/embedded_pages.h"

static const struct {
    const char *name, *type;
    const unsigned char *data;
    const size_t *size;
} assets[] = {
#define SCB_PAGE(symbol, name, type) {name, type, scb_page_##symbol, &scb_page_##symbol##_size},
#include "web/embedded_pages.def"
#undef SCB_PAGE
};

enum scb_status scb_web_page(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    call->reply->is_page = true;
    call->reply->content_type = "text/html; charset=utf-8";
    call->reply->fixed = (struct scb_bytes){scb_page_index_html, scb_page_index_html_size};
    return SCB_OK;
}

enum scb_status scb_web_asset(struct scb_web_call *call, struct scb_error *error)
{
    for (size_t i = 0; i < SCB_LENGTH(assets); i++) {
        if (strcmp(assets[i].name, call->segment) != 0)
            continue;
        call->reply->content_type = assets[i].type;
        call->reply->fixed = (struct scb_bytes){assets[i].data, *assets[i].size};
        return SCB_OK;
    }
    return scb_error_set(error, SCB_ERROR_NOT_FOUND, "there is no such file");
}

enum scb_status scb_web_openapi(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    call->reply->fixed = (struct scb_bytes){scb_page_openapi_json, scb_page_openapi_json_size};
    return SCB_OK;
}
