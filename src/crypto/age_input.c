/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_input.h"

#include <string.h>

#include "base/memory.h"

enum {
    PIECE = 64 * 1024,
    MAX_TEXT = 3 * 64 * 1024 /* a piece can end one chunk and hold another */
};

enum scb_status scb_age_input_begin(struct scb_age_input *input, struct scb_error *error)
{
    input->piece.max = PIECE;
    input->text.max = MAX_TEXT;
    input->given = 0;
    input->ended = false;
    scb_buffer_clear(&input->text);
    scb_age_reader_begin(input->reader, scb_buffer_sink(&input->text));
    scb_buffer_clear(&input->piece);
    return scb_buffer_reserve(&input->piece, PIECE, error);
}

void scb_age_input_free(struct scb_age_input *input)
{
    scb_buffer_free(&input->text);
    scb_buffer_free(&input->piece);
}

/* Has text to give, or has seen the end. */
static enum scb_status fill(struct scb_age_input *input, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    scb_buffer_clear(&input->text);
    input->given = 0;
    while (status == SCB_OK && input->text.size == 0 && !input->ended) {
        size_t got = 0;
        status = input->file.read(input->file.state, input->piece.data, PIECE, &got, error);
        if (status != SCB_OK)
            return status;
        input->ended = got == 0;
        status = input->ended ? scb_age_reader_end(input->reader, error)
                              : scb_age_reader_write(input->reader, input->piece.data, got, error);
    }
    return status;
}

static enum scb_status read_text(void *state, void *data, size_t size, size_t *ret_size,
                                 struct scb_error *error)
{
    struct scb_age_input *input = state;
    if (input->given == input->text.size) {
        enum scb_status status = fill(input, error);
        if (status != SCB_OK)
            return status;
    }
    size_t left = input->text.size - input->given;
    *ret_size = size < left ? size : left;
    if (*ret_size > 0)
        memcpy(data, input->text.data + input->given, *ret_size);
    input->given += *ret_size;
    return SCB_OK;
}

struct scb_input scb_age_input_text(struct scb_age_input *input)
{
    return (struct scb_input){read_text, input};
}
