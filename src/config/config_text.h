/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from the table of settings: the sample file of `config init` and the reference
 * docs/configuration.md.
 */
#ifndef SCB_CONFIG_TEXT_H
#define SCB_CONFIG_TEXT_H

#include "base/buffer.h"
#include "scb/config.h"
#include "scb/error.h"

/*
 * A commented YAML file of all settings of this version: those that config sets (and the required
 * ones) are set in it, the others stand in comments with their defaults. Secrets are written out,
 * so it is for a file that only its owner reads.
 */
SCB_MUST_CHECK enum scb_status scb_config_sample(const struct scb_config *config,
                                                 struct scb_buffer *out, struct scb_error *error);

/* docs/configuration.md. */
SCB_MUST_CHECK enum scb_status scb_config_reference(struct scb_buffer *out,
                                                    struct scb_error *error);

#endif
