/* SPDX-License-Identifier: Apache-2.0 */
#include "access/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "crypto/digest.h"

#define PREFIX "satellite_"

enum {
    MAX_FILE = 1024 * 1024,
    SECRET_SIZE = 32,
    ID_DIGITS = SCB_TOKEN_ID_SIZE - 1,
    FORMAT_VERSION = 1
};
_Static_assert(SCB_TOKEN_TEXT_SIZE == sizeof(PREFIX) + ID_DIGITS + 1 + 2 * SECRET_SIZE,
               "a token's text fits");

static enum scb_status broken(struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        SCB_TOKENS_NAME ": it is not what satellite "
                                        "writes");
    return scb_error_hint(error, "put a copy of it back, or remove it: then no token counts");
}

static json_t *empty_file(void)
{
    return json_pack("{s:i, s:[]}", "format_version", FORMAT_VERSION, "tokens");
}

/* The document; an empty one where there is none yet. */
static enum scb_status load(int dir_fd, json_t **ret_root, struct scb_error *error)
{
    struct scb_error problem = {0};
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_FILE};
    enum scb_status status = scb_file_read_all(dir_fd, SCB_TOKENS_NAME, &text, &problem);
    if (status == SCB_ERROR_NOT_FOUND) {
        *ret_root = empty_file();
        return *ret_root != NULL ? SCB_OK : scb_error_set(error, SCB_ERROR_RESOURCE, "no memory");
    }
    if (status != SCB_OK) {
        if (error != NULL)
            *error = problem;
        return status;
    }
    json_auto_t *root = NULL;
    status = scb_json_load(scb_buffer_bytes(&text), &root, error);
    if (status != SCB_OK)
        return status;
    if (json_integer_value(json_object_get(root, "format_version")) != FORMAT_VERSION ||
        !json_is_array(json_object_get(root, "tokens")))
        return broken(error);
    *ret_root = SCB_TAKE(root);
    return SCB_OK;
}

static enum scb_status save(int dir_fd, const json_t *root, struct scb_error *error)
{
    struct stat dir;
    struct scb_durable_file file;
    char *text = json_dumps(root, JSON_INDENT(2));
    if (text == NULL)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for " SCB_TOKENS_NAME);
    enum scb_status status = scb_durable_open(&file, dir_fd, SCB_TOKENS_NAME, 0600, error);
    if (status == SCB_OK) {
        status = scb_durable_write(&file, text, strlen(text), error);
        /* What root writes is for who has the directory. */
        if (status == SCB_OK && geteuid() == 0 &&
            (fstat(dir_fd, &dir) != 0 || fchown(file.fd, dir.st_uid, dir.st_gid) != 0))
            status = scb_error_set_errno(error, SCB_ERROR_FILE, errno,
                                         SCB_TOKENS_NAME " not given to its owner");
        if (status == SCB_OK)
            status = scb_durable_commit(&file, error);
        else
            scb_durable_abort(&file);
    }
    scb_wipe(text, strlen(text));
    free(text);
    return status;
}

/* One writer at a time: the directory itself is locked, so that no lock file lies about. */
static enum scb_status open_locked(const char *state_dir, int *ret_dir_fd, struct scb_error *error)
{
    SCB_AUTO(fd) int dir_fd = -1;
    enum scb_status status = scb_dir_open(state_dir, false, 0700, &dir_fd, error);
    if (status != SCB_OK)
        return status;
    while (flock(dir_fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "%s not locked", state_dir);
    *ret_dir_fd = dir_fd;
    dir_fd = -1;
    return SCB_OK;
}

static bool take_text(const json_t *json, const char *name, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (text == NULL || strlen(text) >= size)
        return false;
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static bool take_time(const json_t *json, const char *name, int64_t *ret_ms)
{
    char text[SCB_TIMESTAMP_SIZE];
    return take_text(json, name, text, sizeof(text)) &&
           scb_timestamp_parse(text, ret_ms, NULL) == SCB_OK;
}

static bool read_token(const json_t *json, struct scb_token *ret_token,
                       uint8_t ret_hash[SCB_SHA256_SIZE])
{
    char role[16], hash[SCB_SHA256_TEXT_SIZE];
    struct scb_token token = {0};
    bool good = take_text(json, "id", token.id, sizeof(token.id)) &&
                strlen(token.id) == ID_DIGITS &&
                take_text(json, "name", token.name, sizeof(token.name)) &&
                take_text(json, "created_by", token.created_by, sizeof(token.created_by)) &&
                take_text(json, "role", role, sizeof(role)) &&
                scb_role_parse(role, &token.role, NULL) == SCB_OK &&
                take_time(json, "created_at", &token.created_at_ms) &&
                take_time(json, "expires_at", &token.expires_at_ms) &&
                take_text(json, "sha256", hash, sizeof(hash)) && strlen(hash) == sizeof(hash) - 1 &&
                scb_text_unhex(hash, SCB_SHA256_SIZE, ret_hash);
    if (good)
        *ret_token = token;
    return good;
}

static json_t *write_token(const struct scb_token *token, const uint8_t hash[SCB_SHA256_SIZE])
{
    char created[SCB_TIMESTAMP_SIZE], expires[SCB_TIMESTAMP_SIZE], hex[SCB_SHA256_TEXT_SIZE];
    scb_timestamp_format(token->created_at_ms, created);
    scb_timestamp_format(token->expires_at_ms, expires);
    scb_text_hex(hash, SCB_SHA256_SIZE, hex);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", token->id, "name", token->name,
                     "role", scb_role_name(token->role), "created_at", created, "created_by",
                     token->created_by, "expires_at", expires, "sha256", hex);
}

static enum scb_status hash_secret(const uint8_t secret[SECRET_SIZE],
                                   uint8_t ret_hash[SCB_SHA256_SIZE], struct scb_error *error)
{
    SCB_AUTO(digest) struct scb_digest digest = {0};
    return scb_digest_sha256(&digest, (struct scb_bytes){secret, SECRET_SIZE}, ret_hash, error);
}

/* Gives it its id and its secret. */
static enum scb_status draw(struct scb_token *token, char ret_text[SCB_TOKEN_TEXT_SIZE],
                            uint8_t ret_hash[SCB_SHA256_SIZE], struct scb_error *error)
{
    uint8_t id[ID_DIGITS / 2], secret[SECRET_SIZE];
    char hex[2 * SECRET_SIZE + 1];
    enum scb_status status = scb_random(id, sizeof(id), error);
    if (status == SCB_OK)
        status = scb_random(secret, sizeof(secret), error);
    if (status != SCB_OK)
        return status;
    scb_text_hex(id, sizeof(id), token->id);
    scb_text_hex(secret, sizeof(secret), hex);
    (void)snprintf(ret_text, SCB_TOKEN_TEXT_SIZE, PREFIX "%s_%s", token->id, hex);
    status = hash_secret(secret, ret_hash, error);
    scb_wipe(secret, sizeof(secret));
    scb_wipe(hex, sizeof(hex));
    return status;
}

static enum scb_status check_new(const struct scb_token *token, struct scb_error *error)
{
    struct scb_bytes name = {(const uint8_t *)token->name, strlen(token->name)};
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7f)
            return scb_error_set(error, SCB_ERROR_VALIDATION, "a control character is in the name");
    return scb_text_is_utf8(name)
               ? SCB_OK
               : scb_error_set(error, SCB_ERROR_VALIDATION, "the name is not UTF-8");
}

enum scb_status scb_token_create(const char *state_dir, struct scb_token *token,
                                 char ret_text[SCB_TOKEN_TEXT_SIZE], struct scb_error *error)
{
    SCB_AUTO(fd) int dir_fd = -1;
    json_auto_t *root = NULL;
    char text[SCB_TOKEN_TEXT_SIZE];
    uint8_t hash[SCB_SHA256_SIZE];
    enum scb_status status = check_new(token, error);
    if (status == SCB_OK)
        status = open_locked(state_dir, &dir_fd, error);
    if (status == SCB_OK)
        status = load(dir_fd, &root, error);
    if (status != SCB_OK)
        return status;
    json_t *tokens = json_object_get(root, "tokens");
    if (json_array_size(tokens) >= SCB_TOKEN_MAX_COUNT) {
        (void)scb_error_set(error, SCB_ERROR_RESOURCE, "there are %d tokens already",
                            SCB_TOKEN_MAX_COUNT);
        return scb_error_hint(error, "revoke those that have expired: satellite token list");
    }
    status = draw(token, text, hash, error);
    if (status == SCB_OK && json_array_append_new(tokens, write_token(token, hash)) != 0)
        status = scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for a token");
    if (status == SCB_OK)
        status = save(dir_fd, root, error);
    if (status == SCB_OK)
        memcpy(ret_text, text, sizeof(text));
    scb_wipe(text, sizeof(text));
    return status;
}

enum scb_status scb_token_revoke(const char *state_dir, const char *id, struct scb_error *error)
{
    SCB_AUTO(fd) int dir_fd = -1;
    json_auto_t *root = NULL;
    enum scb_status status = open_locked(state_dir, &dir_fd, error);
    if (status == SCB_OK)
        status = load(dir_fd, &root, error);
    if (status != SCB_OK)
        return status;
    json_t *tokens = json_object_get(root, "tokens");
    size_t count = json_array_size(tokens);
    for (size_t i = 0; i < count; i++) {
        const char *its = json_string_value(json_object_get(json_array_get(tokens, i), "id"));
        if (its != NULL && strcmp(its, id) == 0) {
            (void)json_array_remove(tokens, i);
            return save(dir_fd, root, error);
        }
    }
    char shown[64];
    (void)scb_text_printable((struct scb_bytes){(const uint8_t *)id, strlen(id)}, shown,
                             sizeof(shown));
    (void)scb_error_set(error, SCB_ERROR_NOT_FOUND, "there is no token %s", shown);
    return scb_error_hint(error, "satellite token list shows all");
}

/* Visits all with their hashes. */
static enum scb_status each(const char *state_dir,
                            enum scb_status (*visit)(void *state, const struct scb_token *token,
                                                     const uint8_t *hash, struct scb_error *error),
                            void *state, struct scb_error *error)
{
    SCB_AUTO(fd) int dir_fd = -1;
    json_auto_t *root = NULL;
    enum scb_status status = scb_dir_open(state_dir, false, 0700, &dir_fd, error);
    if (status == SCB_ERROR_NOT_FOUND)
        return SCB_OK; /* then there are none */
    if (status == SCB_OK)
        status = load(dir_fd, &root, error);
    const json_t *tokens = json_object_get(root, "tokens");
    for (size_t i = 0; status == SCB_OK && i < json_array_size(tokens); i++) {
        struct scb_token token;
        uint8_t hash[SCB_SHA256_SIZE];
        status = read_token(json_array_get(tokens, i), &token, hash)
                     ? visit(state, &token, hash, error)
                     : broken(error);
    }
    return status;
}

struct listing {
    scb_token_visitor visit;
    void *state;
};

static enum scb_status list_one(void *state, const struct scb_token *token, const uint8_t *hash,
                                struct scb_error *error)
{
    (void)hash;
    const struct listing *listing = state;
    return listing->visit(listing->state, token, error);
}

enum scb_status scb_token_list(const char *state_dir, scb_token_visitor visit, void *state,
                               struct scb_error *error)
{
    struct listing listing = {visit, state};
    return each(state_dir, list_one, &listing, error);
}

struct search {
    char id[SCB_TOKEN_ID_SIZE];
    uint8_t hash[SCB_SHA256_SIZE];
    struct scb_token found;
    bool is_found;
};

/* The id is no secret; the hash is compared in a time that says nothing of it. */
static enum scb_status compare(void *state, const struct scb_token *token, const uint8_t *hash,
                               struct scb_error *error)
{
    (void)error;
    struct search *search = state;
    if (strcmp(search->id, token->id) == 0 &&
        CRYPTO_memcmp(search->hash, hash, sizeof(search->hash)) == 0) {
        search->found = *token;
        search->is_found = true;
    }
    return SCB_OK;
}

/* False where it has not the form of one. */
static bool parse(const char *text, struct search *search, struct scb_error *error)
{
    uint8_t secret[SECRET_SIZE];
    const char *id = text + strlen(PREFIX), *digits = id + ID_DIGITS + 1;
    if (strlen(text) != SCB_TOKEN_TEXT_SIZE - 1 || strncmp(text, PREFIX, strlen(PREFIX)) != 0 ||
        id[ID_DIGITS] != '_' || !scb_text_unhex(digits, sizeof(secret), secret))
        return false;
    memcpy(search->id, id, ID_DIGITS);
    bool hashed = hash_secret(secret, search->hash, error) == SCB_OK;
    scb_wipe(secret, sizeof(secret));
    return hashed;
}

enum scb_status scb_access_token_check(const char *state_dir, const char *text, int64_t now_ms,
                                       struct scb_caller *ret_caller, struct scb_error *error)
{
    struct search search = {0};
    if (parse(text, &search, error)) {
        enum scb_status status = each(state_dir, compare, &search, error);
        if (status != SCB_OK)
            return status;
    }
    if (!search.is_found) {
        (void)scb_error_set(error, SCB_ERROR_ACCESS, "the token is not known here");
        return scb_error_hint(error, "make one with satellite token create --role ROLE");
    }
    const struct scb_token *token = &search.found;
    *ret_caller = (struct scb_caller){.kind = SCB_CALLER_TOKEN};
    (void)snprintf(ret_caller->text, sizeof(ret_caller->text), "token:%s%s%s", token->id,
                   token->name[0] == '\0' ? "" : ":", token->name);
    if (now_ms >= token->expires_at_ms) {
        char at[SCB_TIMESTAMP_SIZE];
        scb_timestamp_format(token->expires_at_ms, at);
        (void)scb_error_set(error, SCB_ERROR_ACCESS, "token %s expired at %s", token->id, at);
        return scb_error_hint(error, "make another with satellite token create --role %s",
                              scb_role_name(token->role));
    }
    ret_caller->role = token->role;
    return SCB_OK;
}
