/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers config/settings.c, value.c, config.c, config_check.c and config_environment.c: the table
 * itself, values and their bounds, the environment, secrets, what is checked across settings, what
 * a running service takes over.
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

static struct scb_config *new_config(void)
{
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_config_new(&config, &error), SCB_OK);
    return config;
}

static size_t index_of(const char *name)
{
    struct scb_config *config = new_config();
    size_t found = scb_config_count();
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, i, &view);
        if (strcmp(view.name, name) == 0)
            found = i;
    }
    scb_config_free(config);
    assert_true(found < scb_config_count());
    return found;
}

static const char *shown(const struct scb_config *config, const char *name)
{
    static char text[8192];
    struct scb_error error = {0};
    assert_int_equal(scb_config_value_text(config, index_of(name), text, sizeof(text), &error),
                     SCB_OK);
    return text;
}

static const char *origin_of(const struct scb_config *config, const char *name)
{
    struct scb_setting_view view;
    scb_config_describe(config, index_of(name), &view);
    return view.origin;
}

static void defaults_are_those_of_the_documentation(void **state)
{
    (void)state;
    struct scb_config *config = new_config();
    assert_string_equal(scb_config_text(config, "backup.backup_dir"), "/var/lib/satellite/backups");
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 100);
    assert_int_equal(scb_config_integer(config, "backup.chore_interval"), 86400000);
    assert_int_equal(scb_config_integer(config, "backup.retry_delay"), 500);
    assert_int_equal(scb_config_integer(config, "backup.max_value_size"), 16777216);
    assert_int_equal(scb_config_integer(config, "backup.max_backup_file_size"), 0);
    assert_true(scb_config_boolean(config, "backup.keep_page_files"));
    assert_string_equal(scb_config_text(config, "contract.block"), "auto");
    assert_string_equal(scb_config_text(config, "contract.total_function"), "getTotalKeys()");
    assert_null(scb_config_list(config, "contract.rpc_urls")[0]);
    assert_string_equal(scb_config_text(config, "log.format"), "auto");
    assert_string_equal(origin_of(config, "log.format"), "default");
    scb_config_free(config);
}

static void names_follow_one_rule(void **state)
{
    (void)state;
    static const struct {
        const char *name, *environment, *flag;
    } cases[] = {
        {"backup.page_size", "BACKUP_PAGE_SIZE", "--page-size"},
        {"backup.backup_dir", "BACKUP_DIR", "--backup-dir"},
        {"backup.max_concurrent_pages", "BACKUP_MAX_CONCURRENT_PAGES", "--max-concurrent-pages"},
        {"contract.rpc_urls", "SATELLITE_CONTRACT_RPC_URLS", "--contract-rpc-urls"},
        {"database.url", "SATELLITE_DATABASE_URL", "--database-url"},
        {"log.level", "SATELLITE_LOG_LEVEL", "--log-level"},
    };
    struct scb_config *config = new_config();
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_setting_view view;
        scb_config_describe(config, index_of(cases[i].name), &view);
        assert_string_equal(view.environment, cases[i].environment);
        assert_string_equal(view.flag, cases[i].flag);
        assert_int_equal(scb_config_find_flag(cases[i].flag), index_of(cases[i].name));
    }
    assert_int_equal(scb_config_find_flag("--page-siz"), -1);
    assert_int_equal(scb_config_find_flag("page-size"), -1);
    scb_config_free(config);
}

/* Names, variables and flags stand for one setting each; sections are in one piece. */
static void the_table_is_consistent(void **state)
{
    (void)state;
    struct scb_config *config = new_config();
    size_t count = scb_config_count();
    struct scb_setting_view *views = calloc(count, sizeof(*views));
    assert_non_null(views);
    for (size_t i = 0; i < count; i++) {
        scb_config_describe(config, i, &views[i]);
        assert_true(strlen(views[i].help) > 5);
        assert_true(views[i].help[strlen(views[i].help) - 1] != '.');
        size_t section = strcspn(views[i].name, ".") + 1;
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(views[i].name, views[j].name);
            assert_string_not_equal(views[i].environment, views[j].environment);
            assert_string_not_equal(views[i].flag, views[j].flag);
            if (strncmp(views[i].name, views[j].name, section) == 0)
                assert_int_equal(strncmp(views[i].name, views[i - 1].name, section), 0);
        }
    }
    free(views);
    scb_config_free(config);
}

static void set_takes_good_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *shown;
    } cases[] = {
        {"backup.page_size", "1", "1"},
        {"backup.page_size", "10000", "10000"},
        {"backup.max_concurrent_pages", "256", "256"},
        {"backup.chore_interval", "1s", "1s"},
        {"backup.chore_interval", "1h30m", "1h30m"},
        {"backup.max_backup_file_size", "0", "0B"},
        {"backup.max_backup_file_size", "10GB", "9765625KiB"},
        {"backup.memory_limit", "64MiB", "64MiB"},
        {"backup.keep_page_files", "false", "false"},
        {"backup.validation", "strict", "strict"},
        {"backup.group", "", ""},
        {"contract.block", "finalized", "finalized"},
        {"contract.block", "18446744073709551615", "18446744073709551615"},
        {"contract.block", "0x00000000000000000000000000000000000000000000000000000000000000aF",
         "0x00000000000000000000000000000000000000000000000000000000000000aF"},
        {"contract.chain_id", "9223372036854775771", "9223372036854775771"},
        {"contract.total_function", "count_$1()", "count_$1()"},
        {"contract.rpc_urls", "http://127.0.0.1:8545", "http://127.0.0.1:8545"},
        {"contract.rpc_urls", "http://[::1]:8545/", "http://[::1]:8545"},
        {"contract.rpc_urls", "https://a.example/v3/KEY, http://u:p@b.example:1?k=KEY",
         "https://a.example/***,http://b.example:1/***"},
        {"contract.rpc_urls", "", ""},
        {"database.url", "sqlite:///tmp/x.db", "sqlite:///tmp/x.db"},
        {"database.url", "postgres://user:word@db.example/x", "postgres://db.example/***"},
        {"database.url", "word", "***"},
    };
    struct scb_config *config = new_config();
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        if (scb_config_set(config, cases[i].name, cases[i].value, "--flag", &error) != SCB_OK)
            fail_msg("%s", error.message);
        assert_string_equal(shown(config, cases[i].name), cases[i].shown);
        assert_string_equal(origin_of(config, cases[i].name), "--flag");
    }
    scb_config_free(config);
}

static void set_refuses_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message, *hint;
    } cases[] = {
        {"backup.page_size", "0", "--f: backup.page_size: '0' is out of bounds",
         "give 1 to 10000 keys"},
        {"backup.page_size", "10001", "out of bounds", "10000"},
        {"backup.page_size", "18446744073709551615", "out of bounds", "10000"},
        {"backup.page_size", "-1", "not a whole number", ""},
        {"backup.page_size", "", "not a whole number", ""},
        {"backup.page_size", "1\n2", "control character", ""},
        {"backup.chore_interval", "999ms", "out of bounds", "give 1s to 8760h"},
        {"backup.chore_interval", "24", "not a duration", "24h"},
        {"backup.memory_limit", "63MiB", "out of bounds", "give 64MiB to 1TiB"},
        {"backup.max_value_size", "2GiB", "out of bounds", "1B to 1GiB"},
        {"backup.keep_page_files", "yes", "'yes' is not true or false", ""},
        {"backup.validation", "war", "'war' is not a choice", "give warn|strict"},
        {"backup.validation", "warm", "'warm' is not a choice", ""},
        {"backup.validation", "warn|strict", "not a choice", ""},
        {"backup.validation", "", "not a choice", ""},
        {"backup.backup_dir", "", "an empty text is out of bounds", ""},
        {"contract.block", "newest", "'newest' is not a block", "auto"},
        {"contract.block", "0x12", "is not a block", ""},
        {"contract.block", "0x000000000000000000000000000000000000000000000000000000000000000g",
         "is not a block", ""},
        {"contract.block", "18446744073709551616", "is not a block", ""},
        {"contract.total_function", "getTotalKeys", "not a function's signature", ""},
        {"contract.total_function", "1x()", "not a function's signature", ""},
        {"contract.total_function", "a(uint256, uint256)", "not a function's signature", ""},
        {"contract.rpc_urls", "https://good.example,ftp://bad.example", "URL 2 is not one of", ""},
        {"contract.rpc_urls", "https://", "URL 1 is not", ""},
        {"contract.rpc_urls", "https:///path", "URL 1 is not", ""},
        {"contract.rpc_urls", "https://good.example,", "URL 2 is not", ""},
        {"contract.rpc_urls", "https://two hosts", "URL 1 is not", ""},
        {"contract.rpc_urls", "rpc.example", "URL 1 is not", ""},
        {"encryption.recipients", "age1x,AGE-SECRET-KEY-1X", "entry 2: this is no age recipient",
         "give the public key"},
        {"notify.heartbeat_url", "ftp://x", "URL 1 is not", ""},
        {"notify.on_success", "https://good.example,true", "entry 2 is neither", "/usr/local/bin"},
        {"notify.on_failure", "httpx", "URL 1 is not", ""},
        {"backup.pagesize", "1", "unknown setting 'backup.pagesize'", ""},
    };
    struct scb_config *config = new_config();
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        assert_int_equal(scb_config_set(config, cases[i].name, cases[i].value, "--f", &error),
                         SCB_ERROR_VALIDATION);
        if (strstr(error.message, cases[i].message) == NULL ||
            strstr(error.hint, cases[i].hint) == NULL)
            fail_msg("%s=%s: %s; %s", cases[i].name, cases[i].value, error.message, error.hint);
        assert_null(strchr(error.message, '\n'));
    }
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 100);
    assert_string_equal(origin_of(config, "backup.page_size"), "default");
    scb_config_free(config);
}

static void at_most_sixteen_endpoints(void **state)
{
    (void)state;
    char urls[1024] = "http://h";
    struct scb_config *config = new_config();
    struct scb_error error = {0};
    for (int i = 1; i < 16; i++)
        (void)strcat(urls, ",http://h");
    assert_int_equal(scb_config_set(config, "contract.rpc_urls", urls, "x", &error), SCB_OK);
    assert_non_null(scb_config_list(config, "contract.rpc_urls")[15]);
    assert_null(scb_config_list(config, "contract.rpc_urls")[16]);
    (void)strcat(urls, ",http://h");
    assert_int_equal(scb_config_set(config, "contract.rpc_urls", urls, "x", &error),
                     SCB_ERROR_VALIDATION);
    scb_config_free(config);
}

static void no_message_holds_a_secret(void **state)
{
    (void)state;
    static const char *const values[] = {"htps://user:SECRET@h/SECRET", "https:///SECRET", "SECRET",
                                         "https://h/SECRET\x01"};
    struct scb_config *config = new_config();
    for (size_t i = 0; i < SCB_LENGTH(values); i++) {
        struct scb_error error = {0};
        assert_int_equal(scb_config_set(config, "contract.rpc_urls", values[i], "x", &error),
                         SCB_ERROR_VALIDATION);
        assert_null(strstr(error.message, "SECRET"));
        assert_null(strstr(error.hint, "SECRET"));
    }
    scb_config_free(config);
}

static void shown_text_must_fit(void **state)
{
    (void)state;
    char text[4];
    struct scb_config *config = new_config();
    struct scb_error error = {0};
    size_t index = index_of("backup.page_size");
    assert_int_equal(scb_config_value_text(config, index, text, 4, &error), SCB_OK);
    assert_string_equal(text, "100");
    assert_int_equal(scb_config_value_text(config, index, text, 3, &error), SCB_ERROR_RESOURCE);
    scb_config_free(config);
}

struct warnings {
    int count;
    char name[128], nearest[128];
};

static void note_warning(void *state, const char *name, const char *nearest)
{
    struct warnings *warnings = state;
    warnings->count++;
    (void)snprintf(warnings->name, sizeof(warnings->name), "%s", name);
    (void)snprintf(warnings->nearest, sizeof(warnings->nearest), "%s",
                   nearest == NULL ? "-" : nearest);
}

static void environment_sets_and_warns(void **state)
{
    (void)state;
    const char *const environment[] = {"PATH=/bin",
                                       "BACKUP_PAGE_SIZE=7",
                                       "BACKUP_DIR=/b=c",
                                       "SATELLITE_LOG_FILE=/l",
                                       "SATELLITE_CONTRACT_RPC_URLS=http://a,http://b",
                                       "BACKUP_PAGE_SIZES=9",
                                       NULL};
    struct warnings warnings = {0};
    struct scb_config *config = new_config();
    struct scb_error error = {0};
    assert_int_equal(
        scb_config_load_environment(config, environment, note_warning, &warnings, &error), SCB_OK);
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 7);
    assert_string_equal(origin_of(config, "backup.page_size"), "BACKUP_PAGE_SIZE");
    assert_string_equal(scb_config_text(config, "backup.backup_dir"), "/b=c");
    assert_string_equal(scb_config_text(config, "log.file"), "/l");
    assert_string_equal(scb_config_list(config, "contract.rpc_urls")[1], "http://b");
    assert_int_equal(warnings.count, 1);
    assert_string_equal(warnings.name, "BACKUP_PAGE_SIZES");
    assert_string_equal(warnings.nearest, "BACKUP_PAGE_SIZE");
    assert_int_equal(scb_config_load_environment(config, environment, NULL, NULL, &error), SCB_OK);
    scb_config_free(config);
}

static void environment_refuses_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *variables[3];
        const char *message;
    } cases[] = {
        {{"BACKUP_PAGE_SIZE=x"}, "BACKUP_PAGE_SIZE: backup.page_size: not a whole number: 'x'"},
        {{"SATELLITE_CONTRACT_RPC_URLS_FILE=relative"}, "not an absolute path"},
        {{"SATELLITE_CONTRACT_RPC_URLS_FILE=/nonexistent/x"}, "not opened"},
        {{"SATELLITE_CONTRACT_RPC_URLS_FILE=/dev/zero"}, "larger than 65536 bytes"},
        {{"SATELLITE_DATABASE_URL=sqlite:///a", "SATELLITE_DATABASE_URL_FILE=/dev/null"},
         "SATELLITE_DATABASE_URL_FILE: SATELLITE_DATABASE_URL is set too"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_config *config = new_config();
        struct scb_error error = {0};
        assert_int_not_equal(
            scb_config_load_environment(config, cases[i].variables, NULL, NULL, &error), SCB_OK);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s", error.message);
        scb_config_free(config);
    }
}

/* A file that holds content; its path is to be unlinked. */
static void write_file(char path[32], const char *content, size_t size)
{
    (void)strcpy(path, "/tmp/scb_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void a_secret_can_stand_in_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t size, count;
    } cases[] = {
        {"http://a", 8, 1},      {"http://a\n", 9, 1}, {"http://a\nhttp://b\n", 18, 2},
        {"http://a\n\n", 10, 0}, /* the second newline makes an empty entry: refused */
        {"http://a\0b", 10, 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        char path[32], variable[96];
        write_file(path, cases[i].content, cases[i].size);
        (void)snprintf(variable, sizeof(variable), "SATELLITE_CONTRACT_RPC_URLS_FILE=%s", path);
        const char *const environment[] = {variable, NULL};
        struct scb_config *config = new_config();
        struct scb_error error = {0};
        enum scb_status status =
            scb_config_load_environment(config, environment, NULL, NULL, &error);
        assert_int_equal(status, cases[i].count > 0 ? SCB_OK : SCB_ERROR_VALIDATION);
        size_t count = 0;
        while (scb_config_list(config, "contract.rpc_urls")[count] != NULL)
            count++;
        assert_int_equal(count, cases[i].count);
        if (count > 0)
            assert_string_equal(origin_of(config, "contract.rpc_urls"),
                                "SATELLITE_CONTRACT_RPC_URLS_FILE");
        scb_config_free(config);
        assert_int_equal(unlink(path), 0);
    }
}

static void check_sees_what_no_single_value_shows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message, *hint;
    } steps[] = {
        {"log.level", "info", "contract.address is not set",
         "set it in the configuration file, by SATELLITE_CONTRACT_ADDRESS or by "
         "--contract-address"},
        {"contract.address", "0x0", "contract.rpc_urls is not set", "--contract-rpc-urls"},
        {"contract.rpc_urls", "http://h", NULL, NULL},
        {"backup.memory_limit", "64MiB", "backup.memory_limit is less than the 164352KiB",
         "lower one of the others"},
        {"backup.max_key_size", "1KiB", "less than the 163848KiB", ""},
        {"backup.worker_concurrency", "1", "less than the 114696KiB", ""},
        {"backup.max_value_size", "3MiB", NULL, NULL},
        {"backup.retry_delay", "31s", "retry_max_delay is less", ""},
        {"backup.retry_delay", "30s", NULL, NULL},
        {"encryption.recipients", "age1x", "less than the 102408KiB", ""},
        {"encryption.recipients", "", NULL, NULL},
        {"identity.key_path", "/k", "identity.key_path is set, identity.cert_path is not", "both"},
        {"identity.cert_path", "/c", NULL, NULL},
        {"identity.key_path", "", "identity.cert_path is set, identity.key_path is not", "both"},
        {"identity.cert_path", "", NULL, NULL},
        {"server.socket", "a.sock", "server.socket 'a.sock' is neither", "/run/satellite/"},
        {"server.socket", "/run/a.sock", NULL, NULL},
    };
    struct scb_config *config = new_config();
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        struct scb_error error = {0};
        assert_int_equal(scb_config_set(config, steps[i].name, steps[i].value, "x", &error),
                         SCB_OK);
        enum scb_status status = scb_config_check(config, &error);
        assert_int_equal(status, steps[i].message == NULL ? SCB_OK : SCB_ERROR_VALIDATION);
        if (steps[i].message != NULL && (strstr(error.message, steps[i].message) == NULL ||
                                         strstr(error.hint, steps[i].hint) == NULL))
            fail_msg("%s; %s", error.message, error.hint);
    }
    scb_config_free(config);
}

struct seen_changes {
    char text[512];
};

static void note_change(void *state, const char *name, bool taken)
{
    struct seen_changes *seen = state;
    (void)snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text),
                   "%s%s ", name, taken ? "" : "(restart)");
}

static void a_running_service_takes_over_what_may_change(void **state)
{
    (void)state;
    struct scb_config *config = new_config(), *fresh = new_config();
    struct seen_changes seen = {0};
    for (int i = 0; i < 2; i++) {
        struct scb_config *one = i == 0 ? config : fresh;
        assert_int_equal(scb_config_set(one, "contract.address", "0x1", "f:1", NULL), SCB_OK);
        assert_int_equal(scb_config_set(one, "contract.rpc_urls", "http://a", "f:2", NULL), SCB_OK);
    }
    assert_int_equal(scb_config_set(fresh, "backup.page_size", "7", "f:3", NULL), SCB_OK);
    assert_int_equal(scb_config_set(fresh, "backup.backup_dir", "/x", "f:4", NULL), SCB_OK);
    assert_int_equal(scb_config_take_over(config, fresh, note_change, &seen, NULL), SCB_OK);
    assert_string_equal(seen.text, "backup.backup_dir(restart) backup.page_size ");
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 7);
    assert_string_equal(scb_config_text(config, "backup.backup_dir"), "/var/lib/satellite/backups");
    scb_config_free(fresh);

    fresh = new_config(); /* without an address: nothing of it */
    seen.text[0] = '\0';
    struct scb_error error = {0};
    assert_int_equal(scb_config_set(fresh, "backup.page_size", "8", "f:3", NULL), SCB_OK);
    assert_int_equal(scb_config_take_over(config, fresh, note_change, &seen, &error),
                     SCB_ERROR_VALIDATION);
    assert_string_equal(seen.text, "");
    assert_int_equal(scb_config_integer(config, "backup.page_size"), 7);
    assert_string_equal(scb_config_text(config, "contract.address"), "0x1");
    scb_config_free(fresh);
    scb_config_free(config);
}

/* TLS is renewed, but neither begun nor ended. */
static void a_running_service_keeps_whether_there_is_any(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *seen, *result;
    } cases[] = {{"/a", "/b", "server.tls_cert_path ", "/b"},
                 {"/a", "", "server.tls_cert_path(restart) ", "/a"},
                 {"", "/b", "server.tls_cert_path(restart) ", ""},
                 {"/a", "/a", "", "/a"}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_config *config = new_config(), *fresh = new_config();
        struct seen_changes seen = {0};
        for (int j = 0; j < 2; j++) {
            struct scb_config *one = j == 0 ? config : fresh;
            assert_int_equal(scb_config_set(one, "contract.address", "0x1", "f:1", NULL), SCB_OK);
            assert_int_equal(scb_config_set(one, "contract.rpc_urls", "http://h", "f:2", NULL),
                             SCB_OK);
        }
        assert_int_equal(scb_config_set(config, "server.tls_cert_path", cases[i].old, "f:3", NULL),
                         SCB_OK);
        assert_int_equal(scb_config_set(fresh, "server.tls_cert_path", cases[i].new, "f:3", NULL),
                         SCB_OK);
        assert_int_equal(scb_config_take_over(config, fresh, note_change, &seen, NULL), SCB_OK);
        assert_string_equal(seen.text, cases[i].seen);
        assert_string_equal(scb_config_text(config, "server.tls_cert_path"), cases[i].result);
        scb_config_free(config);
        scb_config_free(fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_documentation),
        cmocka_unit_test(names_follow_one_rule),
        cmocka_unit_test(the_table_is_consistent),
        cmocka_unit_test(set_takes_good_values),
        cmocka_unit_test(set_refuses_bad_values),
        cmocka_unit_test(at_most_sixteen_endpoints),
        cmocka_unit_test(no_message_holds_a_secret),
        cmocka_unit_test(shown_text_must_fit),
        cmocka_unit_test(environment_sets_and_warns),
        cmocka_unit_test(environment_refuses_bad_values),
        cmocka_unit_test(a_secret_can_stand_in_a_file),
        cmocka_unit_test(check_sees_what_no_single_value_shows),
        cmocka_unit_test(a_running_service_takes_over_what_may_change),
        cmocka_unit_test(a_running_service_keeps_whether_there_is_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
