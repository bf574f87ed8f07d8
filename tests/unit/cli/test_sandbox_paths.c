/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers cli/sandbox_paths: the directories of all that the configuration names, links, what stands
 * in "/", and the most that a configuration can name.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "../temp_dir.h"
#include "base/memory.h"
#include "cli/sandbox_paths.h"

static struct scb_config *config;
static struct scb_sandbox_paths paths;

static void set(const char *name, const char *value)
{
    struct scb_error error = {0};
    if (scb_config_set(config, name, value, "test", &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static int set_up(void **state)
{
    int result = temp_set_up(state);
    assert_int_equal(scb_config_new(&config, NULL), SCB_OK);
    temp_mkdir("backups");
    set("backup.backup_dir", temp_path("backups"));
    return result;
}

static int tear_down(void **state)
{
    scb_sandbox_paths_cleanup(&paths);
    scb_config_free(config);
    return temp_tear_down(state);
}

static void find(const char *config_path)
{
    struct scb_error error = {0};
    scb_sandbox_paths_cleanup(&paths);
    if (scb_sandbox_paths_find(config, config_path, &paths, &error) != SCB_OK)
        fail_msg("%s", error.message);
}

static bool has(const char *path, bool writable)
{
    bool found = false;
    for (size_t i = 0; i < paths.count; i++)
        found =
            found || (strcmp(paths.list[i].path, path) == 0 && paths.list[i].writable == writable);
    return found;
}

static void assert_read(const char *path)
{
    if (!has(path, false))
        fail_msg("%s is not read", path);
}

static void assert_written(const char *path)
{
    if (!has(path, true))
        fail_msg("%s is not written", path);
}

static void directories_of_what_is_named(void **state)
{
    (void)state;
    static const char *const files[] = {"contract.ca_file",         "encryption.identity_file",
                                        "identity.cert_path",       "identity.key_path",
                                        "server.tls_cert_path",     "server.tls_key_path",
                                        "server.tls_client_ca_path"};
    for (size_t i = 0; i < SCB_LENGTH(files); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/srv/of-%zu/file", i);
        set(files[i], path);
    }
    temp_mkdir("state");
    temp_mkdir("log");
    temp_mkdir("audit");
    char url[300];
    (void)snprintf(url, sizeof(url), "sqlite://%s", temp_path("state/x.db"));
    set("database.url", url);
    set("log.file", temp_path("log/satellite.log"));
    set("audit.path", temp_path("audit/audit.log"));
    set("notify.on_success", "/srv/bin/tell --who x,https://h.example/hook");
    set("notify.on_failure", "/srv/sbin/call");
    find("/srv/conf/config.yaml");
    for (size_t i = 0; i < SCB_LENGTH(files); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/srv/of-%zu", i);
        assert_read(path);
    }
    assert_read("/srv/conf");
    assert_read("/srv/bin");
    assert_read("/srv/sbin");
    assert_read("/usr");
    assert_read("/var/lib/ca-certificates"); /* where SUSE's /etc/ssl/certs leads */
    assert_written(temp_path("backups"));
    assert_written(temp_path("state"));
    assert_written(temp_path("log"));
    assert_written(temp_path("audit"));
    assert_false(has("/", true) || has("/", false));
    assert_null(paths.opens_all);
}

static void directories_of_secrets_in_files(void **state)
{
    (void)state;
    temp_mkdir("a");
    temp_mkdir("b");
    temp_write("a/urls", "https://h.example/KEY\n");
    temp_write("b/secret", "x\n");
    char text[600], variable[300];
    (void)snprintf(text, sizeof(text), "contract:\n  rpc_urls: [\"http://x\", \"file:%s\"]\n",
                   temp_path("a/urls"));
    temp_write("config.yaml", text);
    (void)snprintf(variable, sizeof(variable), "SATELLITE_NOTIFY_WEBHOOK_SECRET_FILE=%s",
                   temp_path("b/secret"));
    const char *const environment[] = {variable, NULL};
    assert_int_equal(scb_config_load_file(config, temp_path("config.yaml"), NULL), SCB_OK);
    assert_int_equal(scb_config_load_environment(config, environment, NULL, NULL, NULL), SCB_OK);
    set("contract.rpc_urls", "http://a.flag"); /* the file is still read with the others */
    find(NULL);
    assert_read(temp_path("a"));
    assert_read(temp_path("b"));
}

static void links_and_what_they_lead_to(void **state)
{
    (void)state;
    temp_mkdir("names");
    temp_mkdir("real");
    temp_write("real/ca.pem", "");
    temp_link("../real/ca.pem", "names/ca.pem");
    set("contract.ca_file", temp_path("names/ca.pem"));
    find(NULL);
    assert_read(temp_path("names"));
    assert_read(temp_path("real"));
}

static void a_directory_to_come(void **state)
{
    (void)state;
    set("backup.backup_dir", temp_path("new/one/two"));
    find(NULL);
    assert_written(temp_dir);
    assert_null(paths.opens_all);
}

static void what_stands_in_the_root(void **state)
{
    (void)state;
    set("contract.ca_file", "/ca.pem");
    set("notify.on_success", "/tell -x");
    set("identity.cert_path", "//./identity.cert"); /* the same directory by another name */
    find("/config.yaml");
    assert_read("/config.yaml");
    assert_read("/ca.pem");
    assert_read("/tell");
    assert_read("//./identity.cert");
    assert_false(has("/", false) || has("//.", false) || has("/", true));
    assert_null(paths.opens_all);
    set("log.file", "/satellite.log"); /* a new one is made there after a rotation */
    find("/config.yaml");
    assert_written("/");
    assert_string_equal(paths.opens_all, "/satellite.log");
    set("log.file", "");
    set("backup.backup_dir", "/not-there");
    find("/config.yaml");
    assert_string_equal(paths.opens_all, "/not-there");
}

/* As many files as there can be, every one of them a link to another directory. */
static void the_most_that_can_be_named(void **state)
{
    (void)state;
    enum { URLS = 16 };
    static char text[128 * 1024];
    static const char *const lists[] = {"notify.on_success", "notify.on_failure"};
    temp_mkdir("names");
    temp_mkdir("real");
    temp_write("real/url", "http://x\n");
    temp_link("../real/url", "names/url");
    size_t used = (size_t)snprintf(text, sizeof(text), "contract:\n  rpc_urls:\n");
    for (int i = 0; i < URLS; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "  - \"file:%s\"\n",
                                 temp_path("names/url"));
    used += (size_t)snprintf(text + used, sizeof(text) - used, "notify:\n");
    for (size_t j = 0; j < SCB_LENGTH(lists); j++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "  %s:\n",
                                 strchr(lists[j], '.') + 1);
        for (int i = 0; i < URLS; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "  - \"file:%s\"\n",
                                     temp_path("names/url"));
    }
    temp_write("config.yaml", text);
    struct scb_error error = {0};
    if (scb_config_load_file(config, temp_path("config.yaml"), &error) != SCB_OK)
        fail_msg("%s", error.message);
    for (size_t j = 0; j < SCB_LENGTH(lists); j++) { /* and from flags, over that */
        used = 0;
        for (int i = 0; i < URLS; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "" : ",",
                                     temp_path("names/url"));
        set(lists[j], text);
    }
    find(temp_path("config.yaml"));
    assert_read(temp_path("real"));
    assert_true(paths.count <= SCB_SANDBOX_MAX_PATHS);
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(directories_of_what_is_named), CASE(directories_of_secrets_in_files),
        CASE(links_and_what_they_lead_to),  CASE(a_directory_to_come),
        CASE(what_stands_in_the_root),      CASE(the_most_that_can_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
