/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes settings in the text of a YAML file and leaves everything else of it as it stands:
 * comments, order, quotes, line ends. It only knows where things are; whether the result means what
 * it should is its caller's to check (config_update.h).
 */
#ifndef SCB_CONFIG_EDIT_H
#define SCB_CONFIG_EDIT_H

#include "base/buffer.h"
#include "config/settings.h"
#include "scb/error.h"

/*
 * Appends text to out with the setting at index having value: a list's as texts, one for others.
 * ValidationError where text is not YAML, or of a form that cannot be edited.
 */
SCB_MUST_CHECK enum scb_status scb_config_edit(struct scb_bytes text, size_t index,
                                               const struct scb_texts *value,
                                               struct scb_buffer *out, struct scb_error *error);

#endif
