/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers config/config_file.c: what the YAML file may hold, and that everything else is refused
 * with file, line and the nearest known name.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "scb/config.h"

static char path[32];

/* Loads text as a file into a fresh configuration. */
static enum scb_status load(const char *text, size_t size, struct scb_config **ret_config,
                            struct scb_error *error)
{
    (void)strcpy(path, "/tmp/scb_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(close(fd), 0);
    assert_int_equal(scb_config_new(ret_config, error), SCB_OK);
    enum scb_status status = scb_config_load_file(*ret_config, path, error);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void a_whole_file_is_taken(void **state)
{
    (void)state;
    static const char text[] = "%YAML 1.1\n"
                               "---\n"
                               "# comment\n"
                               "backup:\n"
                               "  page_size: 250   # keys\n"
                               "  backup_dir: \"/srv/\\u00e9\"\n"
                               "  keep_page_files: false\n"
                               "  chore_interval: 6h\n"
                               "contract: { address: '0xAb', chain_id: \"50\",\n"
                               "            rpc_urls: [\"https://a,b.example/x,y\",\n"
                               "                       \"https://c.example\"] }\n"
                               "database:\n"
                               "log: ~\n";
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    /* "a,b.example" is no host, but the second form is: commas do not split a YAML list. */
    assert_int_equal(load(text, strlen(text), &config, &error), SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, ":10: contract.rpc_urls: URL 1 is not"));
    scb_config_free(config);

    char good[sizeof(text)];
    (void)strcpy(good, text);
    memcpy(strstr(good, "a,b.example"), "aab.example", 11);
    error = (struct scb_error){0};
    if (load(good, strlen(good), &config, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 250);
    assert_string_equal(scb_config_text(config, "backup.backup_dir"), "/srv/\xc3\xa9");
    assert_false(scb_config_boolean(config, "backup.keep_page_files"));
    assert_int_equal(scb_config_integer(config, "backup.chore_interval"), 6 * 3600 * 1000);
    assert_int_equal(scb_config_integer(config, "contract.chain_id"), 50);
    assert_string_equal(scb_config_list(config, "contract.rpc_urls")[0], "https://aab.example/x,y");
    assert_string_equal(scb_config_list(config, "contract.rpc_urls")[1], "https://c.example");
    struct scb_setting_view view;
    scb_config_describe(config, (size_t)scb_config_find_flag("--page-size"), &view);
    char origin[64];
    (void)snprintf(origin, sizeof(origin), "%s:5", path);
    assert_string_equal(view.origin, origin);
    scb_config_free(config);
}

static void an_empty_file_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "\n",  "# nothing\n", "---\n",
                                        "---\n...\n", "~\n", "{}\n",        "backup: {}\n"};
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        struct scb_config *config = NULL;
        struct scb_error error = {0};
        if (load(texts[i], strlen(texts[i]), &config, &error) != SCB_OK)
            fail_msg("%zu: %s", i, error.message);
        scb_config_free(config);
    }
}

static void lists_take_a_sequence_or_one_scalar(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"contract:\n  rpc_urls: http://a", 1},
        {"contract:\n  rpc_urls: http://a,http://b", 2},
        {"contract:\n  rpc_urls:\n  - http://a\n  - http://b\n  - http://c\n", 3},
        {"contract:\n  rpc_urls: []", 0},
        {"contract:\n  rpc_urls: \"\"", 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_config *config = NULL;
        struct scb_error error = {0};
        assert_int_equal(load(cases[i].text, strlen(cases[i].text), &config, &error), SCB_OK);
        size_t count = 0;
        while (scb_config_list(config, "contract.rpc_urls")[count] != NULL)
            count++;
        assert_int_equal(count, cases[i].count);
        scb_config_free(config);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"backup:\n  page_siez: 5\n", ":2: unknown setting 'backup.page_siez'",
         "did you mean page_size?"},
        {"backup:\n  address: 5\n", ":2: unknown setting 'backup.address'",
         "did you mean contract.address?"},
        {"backup:\n  qwertyuiop: 5\n", "unknown setting", "satellite help settings"},
        {"bakup:\n  page_size: 5\n", ":1: unknown section 'bakup'", "did you mean backup?"},
        {"\"a\\nb\": 1\n", "unknown section 'a\\x0ab'", ""},
        {"backup:\n  page_size: 0\n", ":2: backup.page_size: '0' is out of bounds",
         "give 1 to 10000 keys"},
        {"backup:\n  page_size: [1]\n", ":2: backup.page_size: a list where one value", ""},
        {"backup:\n  page_size: {a: 1}\n", ":2: backup.page_size: a mapping where one value", ""},
        {"contract:\n  rpc_urls: {a: 1}\n", "a mapping where a list is expected", ""},
        {"contract:\n  rpc_urls: [[http://a]]\n", "contract.rpc_urls: an entry that is not", ""},
        {"contract:\n  rpc_urls: [http://a, ~]\n", "contract.rpc_urls: an entry that is not", ""},
        {"backup:\n  page_size:\n", ":2: backup.page_size: no value", "remove the line"},
        {"backup:\n  page_size: null\n", "backup.page_size: no value", ""},
        {"backup:\n  page_size: 1\n  page_size: 1\n", ":3: backup.page_size: set twice", ""},
        {"backup: {}\nlog: {}\nbackup: {}\n", ":3: section backup: there twice", ""},
        {"backup: 5\n", ":1: section backup: no settings in it", ""},
        {"backup: [5]\n", ":1: section backup: no settings in it", ""},
        {"- backup\n", ":1: no section there", ""},
        {"backup\n", ":1: no section there", ""},
        {"? [a]\n: b\n", ":1: a section's name is not a word", ""},
        {"backup:\n  ? {a: b}\n  : c\n", ":2: a setting's name is not a word", ""},
        {"backup: &a\n  page_size: 1\n", "anchors and aliases", ""},
        {"backup:\n  page_size: &a 1\n", ":2: YAML anchors and aliases", ""},
        {"backup:\n  page_size: *a\n", ":2: YAML anchors and aliases", ""},
        {"contract:\n  rpc_urls: &a [http://a]\n", "anchors and aliases", ""},
        {"backup:\n  page_size: !!int 1\n", ":2: YAML tags are not taken", ""},
        {"backup: !x\n  page_size: 1\n", "YAML tags are not taken", ""},
        {"contract:\n  rpc_urls: !x [http://a]\n", "YAML tags are not taken", ""},
        {"backup: {}\n---\nlog: {}\n", "a second YAML document", "keep one"},
        {"backup:\n  page_size: \"a\n", "not valid YAML", ""},
        {"backup:\n\tpage_size: 1\n", ":2:1: not valid YAML", ""},
        {"backup:\n  backup_dir: \"/a\\0b\"\n", ":2: a NUL byte", ""},
        {"backup:\n  backup_dir: \"/a\\nb\"\n", ":2: a control character", ""},
        {"backup:\n  backup_dir: /\xff\n", "not valid YAML", ""},
        {"encryption:\n  recipients: []\n", ":2: encryption.recipients: not in this version yet",
         "remove it"},
        {"access:\n  bindings:\n  - {user: x, role: admin}\n",
         ":3: access.bindings: an entry that is not a value", "make each entry one value"},
        {"contract:\n  rpc_urls: \"file:x\"\n", "not an absolute path", ""},
        {"contract:\n  rpc_urls: [\"file:/nonexistent/x\"]\n", ":2: file '/nonexistent/x' not", ""},
        {"backup:\n  group: \"file:/etc/hostname/x/with/a/long/path/that/is/over/the/limit/of/64\"",
         "backup.group: its length is out of bounds", ""},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_config *config = NULL;
        struct scb_error error = {0};
        enum scb_status status = load(cases[i].text, strlen(cases[i].text), &config, &error);
        if (status == SCB_OK || strncmp(error.message, path, strlen(path)) != 0 ||
            strstr(error.message, cases[i].message) == NULL ||
            strstr(error.hint, cases[i].hint) == NULL)
            fail_msg("%s gives: %s; %s", cases[i].text, error.message, error.hint);
        assert_null(strchr(error.message, '\n'));
        scb_config_free(config);
    }
}

static void a_secret_can_stand_in_a_file(void **state)
{
    (void)state;
    char secret[] = "/tmp/scb_secret_XXXXXX", text[128];
    int fd = mkstemp(secret);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "http://b/KEY\nhttp://c\n", 22), 22);
    assert_int_equal(close(fd), 0);
    (void)snprintf(text, sizeof(text), "contract:\n  rpc_urls: [http://a, 'file:%s']\n", secret);
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    assert_int_equal(load(text, strlen(text), &config, &error), SCB_OK);
    const char *const *urls = scb_config_list(config, "contract.rpc_urls");
    assert_string_equal(urls[0], "http://a");
    assert_string_equal(urls[1], "http://b/KEY");
    assert_string_equal(urls[2], "http://c");
    assert_null(urls[3]);
    scb_config_free(config);
    assert_int_equal(unlink(secret), 0);
}

static void hostile_sizes_are_bounded(void **state)
{
    (void)state;
    enum { SIZE = 1024 * 1024 + 1 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    static const char fillers[] = {'#', '[', '-', 'a', '{', ' '};
    for (size_t i = 0; i < sizeof(fillers); i++) {
        struct scb_config *config = NULL;
        struct scb_error error = {0};
        memset(text, fillers[i], SIZE);
        /* A comment of exactly the largest size is fine, one byte more is not. */
        enum scb_status status = load(text, SIZE - 1, &config, &error);
        bool is_blank = fillers[i] == '#' || fillers[i] == ' ';
        assert_int_equal(status, is_blank ? SCB_OK : SCB_ERROR_VALIDATION);
        scb_config_free(config);
        status = load(text, SIZE, &config, &error);
        assert_int_equal(status, SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, "larger than 1048576 bytes"));
        scb_config_free(config);
    }
    free(text);
}

static void a_missing_file_is_an_error(void **state)
{
    (void)state;
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_config_new(&config, &error), SCB_OK);
    assert_int_equal(scb_config_load_file(config, "/nonexistent/x.yaml", &error), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "/nonexistent/x.yaml"));
    assert_int_equal(scb_config_load_file(config, "/", &error), SCB_ERROR_FILE);
    scb_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_taken),
        cmocka_unit_test(an_empty_file_changes_nothing),
        cmocka_unit_test(lists_take_a_sequence_or_one_scalar),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(a_secret_can_stand_in_a_file),
        cmocka_unit_test(hostile_sizes_are_bounded),
        cmocka_unit_test(a_missing_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
