/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the HTTP server gives away, as they are in src/web/dashboard/ and docs/;
 * scripts/embed.py makes arrays of them.
 */
#ifndef SCB_WEB_EMBEDDED_PAGES_H
#define SCB_WEB_EMBEDDED_PAGES_H

#include <stddef.h>

#define SCB_PAGE(symbol, name, type)                                                               \
    extern const unsigned char scb_page_##symbol[];                                                \
    extern const size_t scb_page_##symbol##_size;
#include "web/embedded_pages.def"
SCB_PAGE(index_html, , )
SCB_PAGE(openapi_json, , )
#undef SCB_PAGE

#endif
