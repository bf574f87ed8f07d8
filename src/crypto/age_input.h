/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an age file as an input, for those who pull: age_reader pushes. Memory is that of a
 * reader and two chunks.
 */
#ifndef SCB_CRYPTO_AGE_INPUT_H
#define SCB_CRYPTO_AGE_INPUT_H

#include "base/stream.h"
#include "crypto/age_reader.h"

/* {0} with reader and file set, then begin. Both are borrowed. */
struct scb_age_input {
    struct scb_age_reader *reader;
    struct scb_input file;
    struct scb_buffer piece; /* of the file */
    struct scb_buffer text;  /* opened and not yet given */
    size_t given;            /* of text */
    bool ended;
};

SCB_MUST_CHECK enum scb_status scb_age_input_begin(struct scb_age_input *input,
                                                   struct scb_error *error);
/* The input may begin again. */
void scb_age_input_free(struct scb_age_input *input);
/*
 * Its end is reported only when the file's has been seen and found whole. Errors are those of
 * age_reader and of the file's own input.
 */
struct scb_input scb_age_input_text(struct scb_age_input *input);

#endif
