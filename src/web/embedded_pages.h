/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the HTTP server gives away, as they are in src/web/dashboard/ and docs/;
 * scripts/embed.py makes arrays of them.
 */
#ifndef SCB_WEB_EMBEDDED_PAGES_H
#define SCB_WEB_EMBEDDED_PAGES_H

#include <stddef.h>

extern const unsigned char scb_page_index[], scb_page_style[], scb_page_script[], scb_page_api[],
    scb_page_charts[], scb_page_details[], scb_page_format[], scb_page_icon[], scb_page_openapi[];
extern const size_t scb_page_index_size, scb_page_style_size, scb_page_script_size,
    scb_page_api_size, scb_page_charts_size, scb_page_details_size, scb_page_format_size,
    scb_page_icon_size, scb_page_openapi_size;

#endif
