/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand next on a command line, out of the tables of commands and settings. The shells'
 * scripts (completion_commands.c) ask for it at each press of the key.
 */
#ifndef SCB_CLI_COMPLETION_H
#define SCB_CLI_COMPLETION_H

#include "base/buffer.h"
#include "scb/error.h"

/* What a line of the answer is instead of a word: the shell completes file names by itself. */
#define SCB_COMPLETION_FILES       ":files"
#define SCB_COMPLETION_DIRECTORIES ":directories"

/*
 * words are those behind the program's name, the last one the word under way ("" for a new one).
 * Appends a line "word<TAB>what it is" for each that goes on from it; a lone "=" between words, as
 * bash has it, is the one of --flag=value.
 */
SCB_MUST_CHECK enum scb_status scb_complete(const char *const *words, size_t count,
                                            struct scb_buffer *out, struct scb_error *error);

#endif
