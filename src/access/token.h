/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: 256 random bits that give their bearer a role until they expire. tokens.json in the state
 * directory holds their SHA-256 only: a random secret of that size needs no slow hash.
 */
#ifndef SCB_ACCESS_TOKEN_H
#define SCB_ACCESS_TOKEN_H

#include <stdint.h>

#include "access/caller.h"

#define SCB_TOKENS_NAME "tokens.json"

enum {
    SCB_TOKEN_ID_SIZE = 13,   /* 12 hex digits */
    SCB_TOKEN_TEXT_SIZE = 88, /* "satellite_<id>_<64 hex digits>" */
    SCB_TOKEN_MAX_NAME = 64,  /* bytes */
    SCB_TOKEN_MAX_COUNT = 1000,
};

/* What is known of a token, its secret apart. */
struct scb_token {
    char id[SCB_TOKEN_ID_SIZE];
    char name[SCB_TOKEN_MAX_NAME + 1]; /* "" for none */
    char created_by[128];
    enum scb_role role;
    int64_t created_at_ms, expires_at_ms;
};

/*
 * Makes one of this name, role, maker and expiry (the others are set here) and keeps it on the disk
 * before ret_text has it, which is the caller's to wipe. The directory must be there.
 */
SCB_MUST_CHECK enum scb_status scb_token_create(const char *state_dir, struct scb_token *token,
                                                char ret_text[SCB_TOKEN_TEXT_SIZE],
                                                struct scb_error *error);
/* NotFoundError where there is none with this id. */
SCB_MUST_CHECK enum scb_status scb_token_revoke(const char *state_dir, const char *id,
                                                struct scb_error *error);
typedef enum scb_status (*scb_token_visitor)(void *state, const struct scb_token *token,
                                             struct scb_error *error);
/* All, expired ones too, in the order in which they were made. */
SCB_MUST_CHECK enum scb_status scb_token_list(const char *state_dir, scb_token_visitor visit,
                                              void *state, struct scb_error *error);

/*
 * Who bears the token that text is: AccessError, the same for every text that is none, and another
 * for one that has expired, whose *ret_caller then has no role. Its file is read each time, so that
 * a revocation counts at once.
 */
SCB_MUST_CHECK enum scb_status scb_access_token_check(const char *state_dir, const char *text,
                                                      int64_t now_ms, struct scb_caller *ret_caller,
                                                      struct scb_error *error);

#endif
