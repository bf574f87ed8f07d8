/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/plain_file: only plain files are opened, through links too, without waiting; one with
 * a secret only where no other can read or write it.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/plain_file.h"

static enum scb_status try(const char *name, bool is_secret, struct scb_error *error)
{
    int fd = -1;
    enum scb_status status = scb_plain_file_open(temp_path(name), is_secret, &fd, error);
    assert_int_equal(fd >= 0, status == SCB_OK);
    if (fd >= 0)
        assert_int_equal(close(fd), 0);
    return status;
}

static void only_plain_files_are_opened(void **state)
{
    (void)state;
    struct scb_error error = {0};
    temp_write("plain", "x");
    assert_int_equal(symlink("plain", temp_path("link")), 0);
    assert_int_equal(mkfifo(temp_path("pipe"), 0600), 0);
    assert_int_equal(try("plain", false, &error), SCB_OK);
    assert_int_equal(try("link", false, &error), SCB_OK);
    assert_int_equal(try("none", false, &error), SCB_ERROR_NOT_FOUND);
    assert_int_equal(try("plain/x", false, &error), SCB_ERROR_FILE);
    assert_int_equal(try("pipe", false, &error), SCB_ERROR_VALIDATION); /* and is not waited for */
    assert_int_equal(try(".", false, &error), SCB_ERROR_VALIDATION);
}

static void a_secret_is_its_owners_alone(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool allowed, allowed_to_root;
    } modes[] = {{0600, true, true},   {0400, true, true},   {0700, true, true},
                 {0640, false, true},  {0440, false, true},  {0620, false, false},
                 {0602, false, false}, {0604, false, false}, {0660, false, false}};
    bool is_root = geteuid() == 0;
    temp_write("key", "x");
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        for (uid_t owner = 0; owner < (is_root ? 2u : 1u); owner++) {
            struct scb_error error = {0};
            if (is_root)
                assert_int_equal(chown(temp_path("key"), owner, 0), 0);
            assert_int_equal(chmod(temp_path("key"), modes[i].mode), 0);
            bool roots = is_root && owner == 0;
            bool allowed = roots ? modes[i].allowed_to_root : modes[i].allowed;
            if ((try("key", true, &error) == SCB_OK) != allowed)
                fail_msg("mode %o of user %u: %s", modes[i].mode, owner, error.message);
            assert_int_equal(try("key", false, &error), SCB_OK);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_set_up, temp_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(only_plain_files_are_opened),
                                       TEST(a_secret_is_its_owners_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
