/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/target: which request targets, hosts, origins, media ranges and listening
 * addresses are let through, and what is made of them.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "web/target.h"

static struct scb_error error;

static void targets_are_taken_apart(void **state)
{
    (void)state;
    struct scb_web_target target;
    assert_int_equal(
        scb_web_target_parse("/api/v1/x?limit=10&&a=b+c%20%41%c3%bc&flag", &target, &error),
        SCB_OK);
    assert_string_equal(target.path, "/api/v1/x");
    assert_int_equal(target.param_count, 3);
    assert_string_equal(scb_web_target_param(&target, "limit"), "10");
    assert_string_equal(scb_web_target_param(&target, "a"), "b c A\xc3\xbc");
    assert_string_equal(scb_web_target_param(&target, "flag"), "");
    assert_null(scb_web_target_param(&target, "other"));
    assert_int_equal(scb_web_target_parse("/", &target, &error), SCB_OK);
    assert_int_equal(scb_web_target_parse("/?", &target, &error), SCB_OK);
    assert_int_equal(target.param_count, 0);
    assert_int_equal(scb_web_target_parse("/...", &target, &error), SCB_OK);
}

static void odd_targets_are_refused(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",         "*",         "x",         "http://h/x", "//",          "/a//b",   "/a/",
        "/.",       "/..",       "/../a",     "/a/./b",     "/a/../b",     "/%61",    "/a b",
        "/a\\b",    "/\xc3\xbc", "/a;b",      "/a#b",       "/a?b=%",      "/a?b=%4", "/a?b=%zz",
        "/a?b=%00", "/a?b=%0a",  "/a?b=\x01", "/a?b=1&b=2", "/a?%62=1&b=2"};
    for (size_t i = 0; i < SCB_LENGTH(odd); i++) {
        struct scb_web_target target = {.param_count = 77};
        if (scb_web_target_parse(odd[i], &target, &error) != SCB_ERROR_VALIDATION)
            fail_msg("let through: %s", odd[i]);
        assert_int_equal(target.param_count, 77);
    }
}

static void targets_are_bounded(void **state)
{
    (void)state;
    struct scb_web_target target;
    char text[SCB_WEB_MAX_PATH + SCB_WEB_MAX_VALUE + 8];
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[SCB_WEB_MAX_PATH] = '\0';
    assert_int_equal(scb_web_target_parse(text, &target, &error), SCB_ERROR_VALIDATION);
    text[SCB_WEB_MAX_PATH - 1] = '\0';
    assert_int_equal(scb_web_target_parse(text, &target, &error), SCB_OK);
    memset(text, 'a', sizeof(text));
    memcpy(text, "/?b=", 4);
    text[4 + SCB_WEB_MAX_VALUE] = '\0';
    assert_int_equal(scb_web_target_parse(text, &target, &error), SCB_ERROR_VALIDATION);
    text[4 + SCB_WEB_MAX_VALUE - 1] = '\0';
    assert_int_equal(scb_web_target_parse(text, &target, &error), SCB_OK);
    assert_int_equal(scb_web_target_parse("/?a&b&c&d&e&f&g&h", &target, &error), SCB_OK);
    assert_int_equal(scb_web_target_parse("/?a&b&c&d&e&f&g&h&i", &target, &error),
                     SCB_ERROR_VALIDATION);
}

static void patterns_match_whole_paths(void **state)
{
    (void)state;
    char segment[SCB_WEB_MAX_VALUE] = "";
    assert_true(scb_web_path_matches("/a/{x}/c", "/a/b/c", segment));
    assert_string_equal(segment, "b");
    assert_true(scb_web_path_matches("/a/{x}", "/a/2024-01-15", segment));
    assert_string_equal(segment, "2024-01-15");
    static const char *const others[] = {"/a", "/a/", "/a/b/d", "/a/b/c/d", "/b/b/c", "/a//c"};
    for (size_t i = 0; i < SCB_LENGTH(others); i++)
        assert_false(scb_web_path_matches("/a/{x}/c", others[i], segment));
    assert_true(scb_web_path_matches("/", "/", segment));
    assert_false(scb_web_path_matches("/", "/a", segment));
}

static void hosts_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *host, *name; /* NULL: none */
        bool loopback, address;
    } table[] = {
        {"localhost", "localhost", true, false},
        {"LocalHost:9464", "localhost", true, false},
        {"127.0.0.1:80", "127.0.0.1", true, true},
        {"127.9.9.9", "127.9.9.9", true, true},
        {"[::1]:9464", "::1", true, true},
        {"[fe80::1]", "fe80::1", false, true},
        {"10.0.0.1", "10.0.0.1", false, true},
        {"backup.example", "backup.example", false, false},
        {"localhost.evil.example", "localhost.evil.example", false, false},
        {"127.0.0.1.evil.example", "127.0.0.1.evil.example", false, false},
        {"0x7f000001", "0x7f000001", false, false},
        {"", NULL, false, false},
        {":80", NULL, false, false},
        {"[::1", NULL, false, false},
        {"[::1]x", NULL, false, false},
        {"::1", NULL, false, false},
        {"a b", NULL, false, false},
        {"a/b", NULL, false, false},
        {"user@a", NULL, false, false},
        {"a:b", NULL, false, false},
        {"a:65536", NULL, false, false},
        {"a:-1", NULL, false, false},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char name[SCB_WEB_MAX_HOST] = "";
        if (scb_web_host_name(table[i].host, name) != (table[i].name != NULL))
            fail_msg("host: %s", table[i].host);
        if (table[i].name == NULL)
            continue;
        assert_string_equal(name, table[i].name);
        assert_int_equal(scb_web_host_is_loopback(name), table[i].loopback);
        assert_int_equal(scb_web_host_is_address(name), table[i].address);
    }
}

static void an_origin_is_the_same_or_not(void **state)
{
    (void)state;
    assert_true(scb_web_same_origin("http://localhost:9464", "localhost:9464", false));
    assert_true(scb_web_same_origin("HTTP://LOCALHOST:9464", "localhost:9464", false));
    assert_true(scb_web_same_origin("https://a", "a", true));
    assert_false(scb_web_same_origin("https://a", "a", false));
    assert_false(scb_web_same_origin("http://a", "a", true));
    assert_false(scb_web_same_origin("http://a:1", "a:2", false));
    assert_false(scb_web_same_origin("null", "a", false));
    assert_false(scb_web_same_origin("", "a", false));
    assert_false(scb_web_same_origin("http://a.evil", "a", false));
}

static void media_ranges_let_through(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool takes;
    } table[] = {
        {NULL, true},
        {"*/*", true},
        {"application/*", true},
        {"application/json", true},
        {"APPLICATION/JSON; charset=utf-8", true},
        {"text/html, application/json;q=0.1", true},
        {"text/html;q=1,*/*;q=0.1", true},
        {"", false},
        {"text/html", false},
        {"text/*", false},
        {"application/jso", false},
        {"application/jsonx", false},
        {"application/json;q=0", false},
        {"application/json; q=0.000", false},
        {",,;q=1", false},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        if (scb_web_accepts(table[i].accept, "application/json") != table[i].takes)
            fail_msg("Accept: %s", table[i].accept);
}

static void listening_addresses_have_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } table[] = {{"127.0.0.1:9464", "127.0.0.1", 9464},
                 {"[::1]:0", "::1", 0},
                 {"localhost:65535", "localhost", 65535},
                 {":9464", "", 9464},
                 {"0.0.0.0:1", "0.0.0.0", 1}};
    struct scb_web_listen listen;
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        assert_int_equal(scb_web_listen_parse(table[i].text, &listen, &error), SCB_OK);
        assert_string_equal(listen.host, table[i].host);
        assert_int_equal(listen.port, table[i].port);
    }
    static const char *const odd[] = {"127.0.0.1", "9464",    "::1:9464", "[::1]",      "a:",
                                      "a:x",       "a:70000", "a:1 ",     "http://a:1", "a:1:2"};
    for (size_t i = 0; i < SCB_LENGTH(odd); i++)
        if (scb_web_listen_parse(odd[i], &listen, &error) != SCB_ERROR_VALIDATION)
            fail_msg("server.listen: %s", odd[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(odd_targets_are_refused),
        cmocka_unit_test(targets_are_bounded),
        cmocka_unit_test(patterns_match_whole_paths),
        cmocka_unit_test(hosts_are_told_apart),
        cmocka_unit_test(an_origin_is_the_same_or_not),
        cmocka_unit_test(media_ranges_let_through),
        cmocka_unit_test(listening_addresses_have_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
