/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers config/socket_path: what auto, none and a path come to, with and without a runtime
 * directory; what is neither.
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
#include "config/socket_path.h"

static void a_path_comes_of_setting_and_directory(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *runtime_dir, *path; /* path NULL: ValidationError */
    } cases[] = {{"auto", NULL, "/var/lib/satellite/satellite.sock"},
                 {"auto", "", "/var/lib/satellite/satellite.sock"},
                 {"auto", "relative", "/var/lib/satellite/satellite.sock"},
                 {"auto", "/run/satellite", "/run/satellite/satellite.sock"},
                 {"auto", "/run/one:/run/other", "/run/one/satellite.sock"},
                 {"none", "/run/satellite", ""},
                 {"/srv/a.sock", "/run/satellite", "/srv/a.sock"},
                 {"a.sock", NULL, NULL},
                 {"Auto", NULL, NULL}};
    struct scb_config *config = NULL;
    assert_int_equal(scb_config_new(&config, NULL), SCB_OK);
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_error error = {0};
        assert_int_equal(scb_config_set(config, "server.socket", cases[i].setting, "x", &error),
                         SCB_OK);
        SCB_AUTO(string) char *path = scb_config_socket_path(config, cases[i].runtime_dir, &error);
        if (cases[i].path == NULL) {
            assert_null(path);
            assert_int_equal(error.status, SCB_ERROR_VALIDATION);
            continue;
        }
        assert_non_null(path);
        assert_string_equal(path, cases[i].path);
    }
    scb_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_path_comes_of_setting_and_directory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
