/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads small JSON documents with jansson, and tells a broken document from a refused memory:
 * jansson 2.14 loses characters of a text without a word when it cannot grow it. Not for manifests
 * and pages, which are read as streams.
 */
#ifndef SCB_BASE_JSON_LOAD_H
#define SCB_BASE_JSON_LOAD_H

#include <jansson.h>

#include "base/buffer.h"
#include "scb/error.h"

/*
 * Gives the document, to be json_decref'ed, or NULL where text is none (two members of one name
 * make it none, too). ResourceError where there was not memory enough to tell.
 */
SCB_MUST_CHECK enum scb_status scb_json_load(struct scb_bytes text, json_t **ret_value,
                                             struct scb_error *error);

#endif
