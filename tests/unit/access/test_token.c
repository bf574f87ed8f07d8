/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers access/token.c: a token is good for its role until it expires or is revoked; its file
 * holds no secret, is nobody else's, and has one writer at a time.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <sys/wait.h>

#include "../temp_dir.h"
#include "access/token.h"
#include "base/memory.h"

#define NOW INT64_C(1700000000000)

static struct scb_error error;

static struct scb_token make(enum scb_role role, const char *name, char text[SCB_TOKEN_TEXT_SIZE])
{
    struct scb_token token = {.role = role, .created_at_ms = NOW, .expires_at_ms = NOW + 1000};
    (void)snprintf(token.name, sizeof(token.name), "%s", name);
    (void)snprintf(token.created_by, sizeof(token.created_by), "user:root");
    error = (struct scb_error){0};
    if (scb_token_create(temp_dir, &token, text, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return token;
}

static enum scb_status check(const char *text, int64_t now_ms, struct scb_caller *caller)
{
    error = (struct scb_error){0};
    return scb_access_token_check(temp_dir, text, now_ms, caller, &error);
}

static void a_token_is_its_bearers_role(void **state)
{
    (void)state;
    struct scb_caller caller;
    char one[SCB_TOKEN_TEXT_SIZE], other[SCB_TOKEN_TEXT_SIZE], expected[160];
    struct scb_token viewer = make(SCB_ROLE_VIEWER, "grafana", one);
    struct scb_token admin = make(SCB_ROLE_ADMIN, "", other);
    assert_string_not_equal(one, other);
    assert_int_equal(check(one, NOW, &caller), SCB_OK);
    assert_int_equal(caller.kind, SCB_CALLER_TOKEN);
    assert_int_equal(caller.role, SCB_ROLE_VIEWER);
    (void)snprintf(expected, sizeof(expected), "token:%s:grafana", viewer.id);
    assert_string_equal(caller.text, expected);
    assert_int_equal(check(other, NOW, &caller), SCB_OK);
    assert_int_equal(caller.role, SCB_ROLE_ADMIN);
    (void)snprintf(expected, sizeof(expected), "token:%s", admin.id);
    assert_string_equal(caller.text, expected);
}

static void any_other_text_is_none(void **state)
{
    (void)state;
    struct scb_caller caller;
    char text[SCB_TOKEN_TEXT_SIZE];
    (void)make(SCB_ROLE_ADMIN, "", text);
    for (size_t i = 0; i < strlen(text); i++) {
        char changed[SCB_TOKEN_TEXT_SIZE];
        memcpy(changed, text, sizeof(changed));
        changed[i] = changed[i] == '0' ? '1' : '0';
        assert_int_equal(check(changed, NOW, &caller), SCB_ERROR_ACCESS);
        assert_string_equal(error.message, "the token is not known here");
        changed[i] = '\0';
        assert_int_equal(check(changed, NOW, &caller), SCB_ERROR_ACCESS);
    }
    assert_int_equal(check("", NOW, &caller), SCB_ERROR_ACCESS);
    assert_int_equal(check(text, NOW, &caller), SCB_OK);
}

static void it_expires(void **state)
{
    (void)state;
    struct scb_caller caller;
    char text[SCB_TOKEN_TEXT_SIZE];
    (void)make(SCB_ROLE_VIEWER, "", text);
    assert_int_equal(check(text, NOW + 999, &caller), SCB_OK);
    assert_int_equal(check(text, NOW + 1000, &caller), SCB_ERROR_ACCESS);
    assert_non_null(strstr(error.message, "expired at 2023-11-14T22:13:21.000Z"));
    assert_int_equal(caller.role, SCB_ROLE_NONE);
}

static void a_revoked_one_is_useless(void **state)
{
    (void)state;
    struct scb_caller caller;
    char one[SCB_TOKEN_TEXT_SIZE], other[SCB_TOKEN_TEXT_SIZE];
    struct scb_token token = make(SCB_ROLE_VIEWER, "", one);
    (void)make(SCB_ROLE_VIEWER, "", other);
    assert_int_equal(scb_token_revoke(temp_dir, token.id, &error), SCB_OK);
    assert_int_equal(check(one, NOW, &caller), SCB_ERROR_ACCESS);
    assert_int_equal(check(other, NOW, &caller), SCB_OK);
    assert_int_equal(scb_token_revoke(temp_dir, token.id, &error), SCB_ERROR_NOT_FOUND);
}

static void its_file_keeps_its_secret(void **state)
{
    (void)state;
    char text[SCB_TOKEN_TEXT_SIZE];
    struct scb_token token = make(SCB_ROLE_VIEWER, "", text);
    assert_int_equal(temp_mode(SCB_TOKENS_NAME), 0600);
    const char *content = temp_read(SCB_TOKENS_NAME);
    assert_non_null(strstr(content, token.id));
    assert_null(strstr(content, text + strlen(text) - 64));
}

static enum scb_status count(void *state, const struct scb_token *token, struct scb_error *unused)
{
    (void)unused;
    assert_int_equal(token->role, SCB_ROLE_VIEWER);
    ++*(int *)state;
    return SCB_OK;
}

static void writers_wait_for_each_other(void **state)
{
    (void)state;
    enum { WRITERS = 4, EACH = 10 };
    pid_t children[WRITERS];
    int tokens = 0;
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char text[SCB_TOKEN_TEXT_SIZE];
            for (int j = 0; j < EACH; j++)
                (void)make(SCB_ROLE_VIEWER, "", text);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(scb_token_list(temp_dir, count, &tokens, &error), SCB_OK);
    assert_int_equal(tokens, WRITERS * EACH);
}

static void a_broken_file_lets_nobody_in(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "", "{", "[]", "{\"format_version\": 2, \"tokens\": []}",
        "{\"format_version\": 1, \"tokens\": [{\"id\": \"x\"}]}"};
    struct scb_caller caller;
    struct scb_token token = {.role = SCB_ROLE_VIEWER};
    char text[SCB_TOKEN_TEXT_SIZE];
    (void)make(SCB_ROLE_VIEWER, "", text);
    for (size_t i = 0; i < SCB_LENGTH(contents); i++) {
        temp_write(SCB_TOKENS_NAME, contents[i]);
        assert_int_equal(check(text, NOW, &caller), SCB_ERROR_INTEGRITY);
    }
    temp_write(SCB_TOKENS_NAME, contents[0]);
    assert_int_equal(scb_token_create(temp_dir, &token, text, &error), SCB_ERROR_INTEGRITY);
    assert_string_equal(temp_read(SCB_TOKENS_NAME), "");
}

static void a_name_is_plain_text(void **state)
{
    (void)state;
    struct scb_token token = {.role = SCB_ROLE_VIEWER, .name = "a\nb"};
    char text[SCB_TOKEN_TEXT_SIZE];
    assert_int_equal(scb_token_create(temp_dir, &token, text, &error), SCB_ERROR_VALIDATION);
    memcpy(token.name, "\xff", 2);
    assert_int_equal(scb_token_create(temp_dir, &token, text, &error), SCB_ERROR_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEMP(a_token_is_its_bearers_role),
        IN_TEMP(any_other_text_is_none),
        IN_TEMP(it_expires),
        IN_TEMP(a_revoked_one_is_useless),
        IN_TEMP(its_file_keeps_its_secret),
        IN_TEMP(writers_wait_for_each_other),
        IN_TEMP(a_broken_file_lets_nobody_in),
        IN_TEMP(a_name_is_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
