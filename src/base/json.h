/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON into a buffer: small documents, log lines, --json output. Not for page files, whose
 * exact form is format/page's own. Reading small documents is jansson's.
 */
#ifndef SCB_BASE_JSON_H
#define SCB_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "scb/error.h"

/*
 * A writer with a sticky error: calls after a failure do nothing, scb_json_finish reports it.
 * Members are given a name, elements of arrays and the outermost value NULL.
 */
struct scb_json {
    struct scb_buffer *out;
    enum scb_status status;
    struct scb_error error;
    bool needs_comma;
};

void scb_json_begin(struct scb_json *json, struct scb_buffer *out);
void scb_json_open_object(struct scb_json *json, const char *name);
void scb_json_close_object(struct scb_json *json);
void scb_json_open_array(struct scb_json *json, const char *name);
void scb_json_close_array(struct scb_json *json);
/* Malformed UTF-8 is replaced by U+FFFD; a NULL text is written as null. */
void scb_json_text(struct scb_json *json, const char *name, const char *text);
void scb_json_bytes(struct scb_json *json, const char *name, struct scb_bytes text);
void scb_json_integer(struct scb_json *json, const char *name, int64_t value);
void scb_json_unsigned(struct scb_json *json, const char *name, uint64_t value);
/* null where it is not known, below 0. */
void scb_json_count(struct scb_json *json, const char *name, int64_t value);
/* In UTC, as 2024-01-15T08:30:00.123Z; null where there is none, 0 or less. */
void scb_json_time(struct scb_json *json, const char *name, int64_t real_ms);
/* digits is a JSON number, taken as it is: "0.25". */
void scb_json_number(struct scb_json *json, const char *name, const char *digits);
void scb_json_boolean(struct scb_json *json, const char *name, bool value);
void scb_json_null(struct scb_json *json, const char *name);
SCB_MUST_CHECK enum scb_status scb_json_finish(struct scb_json *json, struct scb_error *error);

/*
 * Appends text with JSON's escapes, no quotes around it: \" \\ \b \f \n \r \t, other controls as
 * \u00xx in lower case, everything else as it is (SPEC 9). Text must be well-formed UTF-8.
 */
SCB_MUST_CHECK enum scb_status
scb_json_append_escaped(struct scb_buffer *out, struct scb_bytes text, struct scb_error *error);

#endif
