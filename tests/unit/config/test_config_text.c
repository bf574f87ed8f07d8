/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers config/config_text.c: the sample loads back, as it is and with every line taken in, and
 * docs/configuration.md is what the table says. `test_config_config_text --write` writes it anew.
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
#include "config/config_text.h"

static const char documentation[] = SCB_SOURCE_ROOT "/docs/configuration.md";

static struct scb_config *new_config(void)
{
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_config_new(&config, &error), SCB_OK);
    return config;
}

static void set(struct scb_config *config, const char *name, const char *value, const char *origin)
{
    struct scb_error error = {0};
    if (scb_config_set(config, name, value, origin, &error) != SCB_OK)
        fail_msg("%s", error.message);
}

/* The sample of config as NUL-terminated text, to be freed. */
static char *sample_of(const struct scb_config *config)
{
    struct scb_buffer out = {.max = 65536};
    struct scb_error error = {0};
    assert_int_equal(scb_config_sample(config, &out, &error), SCB_OK);
    assert_int_equal(scb_buffer_append(&out, "", 1, &error), SCB_OK);
    return (char *)out.data;
}

static struct scb_config *load(const char *text)
{
    char path[] = "/tmp/scb_sample_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    struct scb_config *config = new_config();
    struct scb_error error = {0};
    if (scb_config_load_file(config, path, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_int_equal(unlink(path), 0);
    return config;
}

static void assert_same_values(const struct scb_config *one, const struct scb_config *other)
{
    for (size_t i = 0; i < scb_config_count(); i++) {
        char one_text[4096], other_text[4096];
        struct scb_error error = {0};
        assert_int_equal(scb_config_value_text(one, i, one_text, sizeof(one_text), &error), SCB_OK);
        assert_int_equal(scb_config_value_text(other, i, other_text, sizeof(other_text), &error),
                         SCB_OK);
        assert_string_equal(one_text, other_text);
    }
}

static void the_sample_loads_back(void **state)
{
    (void)state;
    struct scb_config *defaults = new_config();
    char *sample = sample_of(defaults);
    assert_non_null(strstr(sample, "\n  address: \"\"\n"));
    assert_non_null(strstr(sample, "\n  rpc_urls: []\n"));
    assert_non_null(strstr(sample, "\n  #page_size: 100\n"));
    struct scb_config *loaded = load(sample);
    assert_same_values(loaded, defaults);
    set(loaded, "contract.address", "0x01", "x");
    set(loaded, "contract.rpc_urls", "http://h", "x");
    struct scb_error error = {0};
    assert_int_equal(scb_config_check(loaded, &error), SCB_OK);
    scb_config_free(loaded);
    scb_config_free(defaults);
    free(sample);
}

/* Every setting is in it, and what its comments call the default is the default. */
static void the_sample_is_complete(void **state)
{
    (void)state;
    struct scb_config *defaults = new_config();
    char *sample = sample_of(defaults);
    for (char *at = strstr(sample, "\n  #"); at != NULL; at = strstr(at + 1, "\n  #"))
        if (at[4] != ' ')
            memmove(at + 3, at + 4, strlen(at + 4) + 1);
    struct scb_config *loaded = load(sample);
    assert_same_values(loaded, defaults);
    for (size_t i = 0; i < scb_config_count(); i++) {
        struct scb_setting_view view;
        scb_config_describe(loaded, i, &view);
        assert_string_not_equal(view.origin, "default");
    }
    scb_config_free(loaded);
    scb_config_free(defaults);
    free(sample);
}

static void what_is_set_stands_in_the_sample(void **state)
{
    (void)state;
    struct scb_config *config = new_config();
    set(config, "backup.backup_dir", "/a \"b\"\\c: #d", "--backup-dir");
    set(config, "backup.page_size", "7", "--page-size");
    set(config, "contract.rpc_urls", "https://a.example/KEY,https://b.example", "--x");
    char *sample = sample_of(config);
    assert_non_null(strstr(sample, "\n  page_size: 7\n"));
    struct scb_config *loaded = load(sample);
    assert_same_values(loaded, config);
    assert_string_equal(scb_config_list(loaded, "contract.rpc_urls")[0], "https://a.example/KEY");
    scb_config_free(loaded);
    scb_config_free(config);
    free(sample);
}

static void the_documentation_is_the_table(void **state)
{
    (void)state;
    struct scb_buffer wanted = {.max = 65536};
    struct scb_error error = {0};
    assert_int_equal(scb_config_reference(&wanted, &error), SCB_OK);
    static char present[65536];
    FILE *file = fopen(documentation, "re");
    size_t size = file == NULL ? 0 : fread(present, 1, sizeof(present), file);
    if (file != NULL)
        (void)fclose(file);
    if (size != wanted.size || memcmp(present, wanted.data, size) != 0)
        fail_msg("docs/configuration.md is not what settings.def says; run make docs");
    scb_buffer_free(&wanted);
}

static int write_documentation(void)
{
    struct scb_buffer text = {.max = 65536};
    struct scb_error error = {0};
    FILE *file = fopen(documentation, "we");
    bool good = file != NULL && scb_config_reference(&text, &error) == SCB_OK &&
                fwrite(text.data, 1, text.size, file) == text.size;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    scb_buffer_free(&text);
    if (!good)
        (void)fprintf(stderr, "docs/configuration.md could not be written\n");
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_documentation();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_loads_back),
        cmocka_unit_test(the_sample_is_complete),
        cmocka_unit_test(what_is_set_stands_in_the_sample),
        cmocka_unit_test(the_documentation_is_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
