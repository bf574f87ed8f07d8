/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers access/operation.c, caller.c and bindings.c: what a binding may look like, whom it fits,
 * who is admin without one; and that the tables of commands and operations belong together.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <grp.h>
#include <pwd.h>

#include "../temp_dir.h"
#include "access/bindings.h"
#include "base/memory.h"

#define NODE "12vha9oTFnerxYRgeQ2BZqoFrLrnmmf5UWTCY2jA77dF3YvWew7"

enum { NOBODY = 65534, STRANGER = 54321 };

static const char *owned[3];

static struct scb_bindings *parse(const char *one, const char *other)
{
    struct scb_bindings *bindings = NULL;
    struct scb_error error = {0};
    const char *const texts[] = {one, other, NULL};
    if (scb_bindings_parse(texts, &bindings, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return bindings;
}

/* The role of a user where a directory of root's is what is owned. */
static enum scb_role role_of(uid_t uid, const char *one, const char *other)
{
    struct scb_caller caller;
    struct scb_bindings *bindings = parse(one, other);
    scb_caller_user(uid, &caller);
    enum scb_role role = scb_bindings_role(bindings, owned, &caller);
    scb_bindings_free(bindings);
    return role;
}

static void owners_and_root_are_admins(void **state)
{
    (void)state;
    assert_int_equal(role_of(0, NULL, NULL), SCB_ROLE_ADMIN);
    assert_int_equal(role_of(getuid(), NULL, NULL), SCB_ROLE_ADMIN);
    assert_int_equal(role_of(STRANGER, NULL, NULL), SCB_ROLE_NONE);
    assert_int_equal(role_of(getuid(), "uid:54321=viewer", NULL), SCB_ROLE_ADMIN);
    if (getuid() == 0) { /* whoever owns one of them */
        temp_mkdir("his");
        assert_int_equal(chown(temp_path("his"), STRANGER, STRANGER), 0);
        char path[512];
        (void)snprintf(path, sizeof(path), "%s", temp_path("his"));
        owned[1] = path;
        assert_int_equal(role_of(STRANGER, NULL, NULL), SCB_ROLE_ADMIN);
        assert_int_equal(role_of(STRANGER + 1, NULL, NULL), SCB_ROLE_NONE);
    }
}

static void where_nothing_is_yet_it_will_be_this_user_s(void **state)
{
    (void)state;
    owned[0] = "/nowhere/at/all";
    assert_int_equal(role_of(STRANGER, NULL, NULL), SCB_ROLE_NONE);
    assert_int_equal(role_of(geteuid(), NULL, NULL), SCB_ROLE_ADMIN);
    if (getuid() != 0)
        return;
    assert_int_equal(seteuid(STRANGER), 0);
    enum scb_role own = role_of(STRANGER, NULL, NULL), others = role_of(STRANGER + 1, NULL, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(own, SCB_ROLE_ADMIN);
    assert_int_equal(others, SCB_ROLE_NONE);
}

static void the_highest_binding_counts(void **state)
{
    (void)state;
    assert_int_equal(role_of(STRANGER, "uid:54321=viewer", NULL), SCB_ROLE_VIEWER);
    assert_int_equal(role_of(STRANGER, "uid:54321=operator", "uid:54321=viewer"),
                     SCB_ROLE_OPERATOR);
    assert_int_equal(role_of(STRANGER, "uid:54321=viewer", "uid:54321=admin"), SCB_ROLE_ADMIN);
    assert_int_equal(role_of(STRANGER, "uid:54322=admin", "uid:5432=admin"), SCB_ROLE_NONE);
    assert_int_equal(role_of(STRANGER, "gid:54321=admin", "user:54321=admin"), SCB_ROLE_NONE);
}

static void names_and_groups_are_the_systems(void **state)
{
    (void)state;
    char user[300], group[300];
    const struct passwd *known = getpwuid(NOBODY);
    if (known == NULL || getuid() == NOBODY)
        skip();
    gid_t gid = known->pw_gid;
    (void)snprintf(user, sizeof(user), "user:%s=operator", known->pw_name);
    assert_int_equal(role_of(NOBODY, user, NULL), SCB_ROLE_OPERATOR);
    (void)snprintf(user, sizeof(user), "gid:%lu=viewer", (unsigned long)gid);
    assert_int_equal(role_of(NOBODY, user, NULL), SCB_ROLE_VIEWER);
    (void)snprintf(group, sizeof(group), "group:%s=viewer", getgrgid(gid)->gr_name);
    assert_int_equal(role_of(NOBODY, group, NULL), SCB_ROLE_VIEWER);
    assert_int_equal(role_of(NOBODY, "group:no-such-group=admin", "user:no-such=admin"),
                     SCB_ROLE_NONE);
    assert_int_equal(role_of(STRANGER, user, group), SCB_ROLE_NONE);
}

static void nodes_tokens_and_the_service(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_caller caller;
    struct scb_node_id id;
    struct scb_bindings *bindings = parse("node:" NODE "=viewer", "uid:0=admin");
    assert_int_equal(scb_node_id_parse(NODE, &id, &error), SCB_OK);
    assert_int_equal(scb_caller_node(&id, &caller, &error), SCB_OK);
    assert_string_equal(caller.text, "node:" NODE);
    assert_int_equal(scb_bindings_role(bindings, owned, &caller), SCB_ROLE_VIEWER);
    caller.node.bytes[0] ^= 1;
    assert_int_equal(scb_bindings_role(bindings, owned, &caller), SCB_ROLE_NONE);
    caller = (struct scb_caller){.kind = SCB_CALLER_TOKEN, .role = SCB_ROLE_OPERATOR};
    assert_int_equal(scb_bindings_role(bindings, owned, &caller), SCB_ROLE_OPERATOR);
    scb_caller_service(&caller);
    assert_int_equal(scb_bindings_role(bindings, owned, &caller), SCB_ROLE_ADMIN);
    scb_bindings_free(bindings);
}

static void what_is_no_binding_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"alice=viewer", "entry 2, 'alice=viewer': it binds nobody"},
                 {"user:alice", "it binds nobody"},
                 {"", "it binds nobody"},
                 {"User:alice=viewer", "it binds nobody"},
                 {"user:=viewer", "'' is no name"},
                 {"user:a b=viewer", "'a b' is no name"},
                 {"user:alice=Viewer", "'Viewer' is no role"},
                 {"user:alice=none", "'none' is no role"},
                 {"user:alice=", "'' is no role"},
                 {"user:alice=viewer ", "'viewer ' is no role"},
                 {"uid:-1=viewer", "'-1'"},
                 {"uid:4294967295=viewer", "is no user's or group's number"},
                 {"uid:99999999999999999999=viewer", "99999999999999999999"},
                 {"gid:x=viewer", "'x'"},
                 {"node:12v=viewer", "node ID"}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_bindings *bindings = NULL;
        struct scb_error error = {0};
        const char *const texts[] = {"uid:1=viewer", cases[i].text, NULL};
        assert_int_equal(scb_bindings_parse(texts, &bindings, &error), SCB_ERROR_VALIDATION);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].text, error.message);
        assert_null(bindings);
    }
}

static void every_operation_says_what_it_takes(void **state)
{
    (void)state;
    for (int i = SCB_OPERATION_NONE + 1; i < SCB_OPERATION_COUNT; i++) {
        const struct scb_operation *operation = scb_operation_of((enum scb_operation_id)i);
        assert_true(operation->name[0] != '\0' && operation->role <= SCB_ROLE_ADMIN);
        /* Who may only look changes nothing. */
        if (operation->role <= SCB_ROLE_VIEWER)
            assert_int_equal(operation->effect, SCB_EFFECT_READS);
    }
    assert_int_equal(scb_operation_of(SCB_OPERATION_backup_restore)->role, SCB_ROLE_ADMIN);
    assert_int_equal(scb_operation_of(SCB_OPERATION_backup_restore)->effect, SCB_EFFECT_CHANGES);
}

static int set_up(void **state)
{
    (void)temp_set_up(state);
    owned[0] = temp_dir;
    owned[1] = owned[2] = NULL;
    return 0;
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, set_up, temp_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(owners_and_root_are_admins),         CASE(where_nothing_is_yet_it_will_be_this_user_s),
        CASE(the_highest_binding_counts),         CASE(names_and_groups_are_the_systems),
        CASE(nodes_tokens_and_the_service),       CASE(what_is_no_binding_is_said),
        CASE(every_operation_says_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
