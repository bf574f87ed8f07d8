/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of settings as they are written into YAML: in double quotes, or as plain numbers, which
 * mean the same in every place of it and to every reader ("off" is false to some).
 */
#ifndef SCB_CONFIG_YAML_WRITE_H
#define SCB_CONFIG_YAML_WRITE_H

#include "base/buffer.h"
#include "config/settings.h"
#include "scb/error.h"

/* Text holds no control characters, as no value does. */
SCB_MUST_CHECK enum scb_status scb_yaml_append_quoted(struct scb_buffer *out, const char *text,
                                                      struct scb_error *error);
/* A list in brackets, or the one text that the setting's value is given as. */
SCB_MUST_CHECK enum scb_status scb_yaml_append_value(struct scb_buffer *out,
                                                     const struct scb_setting *setting,
                                                     const struct scb_texts *value,
                                                     struct scb_error *error);

#endif
