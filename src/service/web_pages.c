/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is given away as it is: the dashboard's files and the description of the API.
 */
#include "service/embedded_pages.h"
#include "service/web_call.h"

static enum scb_status give(struct scb_web_call *call, const unsigned char *data, size_t size)
{
    call->reply->fixed = (struct scb_bytes){data, size};
    return SCB_OK;
}

enum scb_status scb_web_page(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    call->reply->is_page = true;
    call->reply->content_type = "text/html; charset=utf-8";
    return give(call, scb_page_html, scb_page_html_size);
}

enum scb_status scb_web_style(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    call->reply->content_type = "text/css; charset=utf-8";
    return give(call, scb_page_css, scb_page_css_size);
}

enum scb_status scb_web_script(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    call->reply->content_type = "text/javascript; charset=utf-8";
    return give(call, scb_page_js, scb_page_js_size);
}

enum scb_status scb_web_openapi(struct scb_web_call *call, struct scb_error *error)
{
    (void)error;
    return give(call, scb_openapi_json, scb_openapi_json_size);
}
