/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the HTTP server gives away, as they are in src/service/dashboard/ and docs/;
 * scripts/embed.py makes arrays of them.
 */
#ifndef SCB_SERVICE_EMBEDDED_PAGES_H
#define SCB_SERVICE_EMBEDDED_PAGES_H

#include <stddef.h>

extern const unsigned char scb_page_html[], scb_page_css[], scb_page_js[], scb_openapi_json[];
extern const size_t scb_page_html_size, scb_page_css_size, scb_page_js_size, scb_openapi_json_size;

#endif
