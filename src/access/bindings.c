/* SPDX-License-Identifier: Apache-2.0 */
#include "access/bindings.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { MAX_NAME = 256, MAX_LOOKUP = 64 * 1024, MAX_GROUPS = 65536 };

enum subject { USER, GROUP, UID, GID, NODE, SUBJECT_COUNT };

static const char *const prefixes[SUBJECT_COUNT] = {
    [USER] = "user:", [GROUP] = "group:", [UID] = "uid:", [GID] = "gid:", [NODE] = "node:"};

struct binding {
    enum subject subject;
    enum scb_role role;
    char name[MAX_NAME + 1]; /* of a user or a group */
    uint32_t id;             /* of uid: and gid: */
    struct scb_node_id node;
};

struct scb_bindings {
    size_t count;
    struct binding items[];
};

static enum scb_status parse_id(const char *text, uint32_t *ret_id, struct scb_error *error)
{
    uint64_t id = 0;
    enum scb_status status = scb_text_parse_u64(text, &id, error);
    if (status == SCB_OK && id >= UINT32_MAX) /* -1 means nobody to the kernel */
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%.40s' is no user's or group's number",
                             text);
    *ret_id = (uint32_t)id;
    return status;
}

/* What stands between the prefix and the "=". */
static enum scb_status parse_subject(const char *text, struct binding *binding,
                                     struct scb_error *error)
{
    if (binding->subject == NODE)
        return scb_node_id_parse(text, &binding->node, error);
    if (binding->subject == UID || binding->subject == GID)
        return parse_id(text, &binding->id, error);
    size_t length = strlen(text);
    if (length == 0 || length > MAX_NAME || strpbrk(text, ": \t") != NULL)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%.40s' is no name", text);
    memcpy(binding->name, text, length + 1);
    return SCB_OK;
}

static enum scb_status parse_one(const char *text, struct binding *binding, struct scb_error *error)
{
    const char *equals = strrchr(text, '=');
    char subject[MAX_NAME + 8];
    int kind = 0;
    while (kind < SUBJECT_COUNT && strncmp(text, prefixes[kind], strlen(prefixes[kind])) != 0)
        kind++;
    if (equals == NULL || kind == SUBJECT_COUNT || equals - text >= (int)sizeof(subject)) {
        (void)scb_error_set(error, SCB_ERROR_VALIDATION, "it binds nobody to a role");
        return scb_error_hint(error, "write it like user:alice=operator, group:backup=viewer, "
                                     "uid:1001=admin or node:<node ID>=viewer");
    }
    binding->subject = (enum subject)kind;
    (void)snprintf(subject, sizeof(subject), "%.*s", (int)(equals - text), text);
    enum scb_status status = scb_role_parse(equals + 1, &binding->role, error);
    return status == SCB_OK ? parse_subject(subject + strlen(prefixes[kind]), binding, error)
                            : status;
}

enum scb_status scb_bindings_parse(const char *const *texts, struct scb_bindings **ret_bindings,
                                   struct scb_error *error)
{
    size_t count = 0;
    while (texts[count] != NULL)
        count++;
    struct scb_bindings *bindings =
        scb_alloc(1, sizeof(*bindings) + count * sizeof(*bindings->items), error);
    if (bindings == NULL)
        return SCB_ERROR_RESOURCE;
    for (; bindings->count < count; bindings->count++) {
        const char *text = texts[bindings->count];
        enum scb_status status = parse_one(text, &bindings->items[bindings->count], error);
        if (status != SCB_OK) {
            (void)scb_error_wrap(error, "entry %zu, '%.80s'", bindings->count + 1, text);
            scb_bindings_free(bindings);
            return status;
        }
    }
    *ret_bindings = bindings;
    return SCB_OK;
}

void scb_bindings_free(struct scb_bindings *bindings)
{
    free(bindings);
}

/* A user as the system knows it. */
struct user {
    char name[MAX_NAME + 1]; /* "" for none */
    gid_t *groups;
    int group_count;
};

static void look_up(uid_t uid, struct user *ret_user)
{
    *ret_user = (struct user){0};
    SCB_AUTO(memory) char *memory = scb_alloc(MAX_LOOKUP, 1, NULL);
    struct passwd entry, *found = NULL;
    if (memory == NULL || getpwuid_r(uid, &entry, memory, MAX_LOOKUP, &found) != 0 || found == NULL)
        return;
    (void)snprintf(ret_user->name, sizeof(ret_user->name), "%s", found->pw_name);
    for (int room = 64; room <= MAX_GROUPS; room *= 4) {
        gid_t *groups = scb_realloc(ret_user->groups, (size_t)room, sizeof(*groups), NULL);
        if (groups == NULL)
            return;
        ret_user->groups = groups;
        ret_user->group_count = room;
        if (getgrouplist(found->pw_name, found->pw_gid, groups, &ret_user->group_count) >= 0)
            return;
    }
    ret_user->group_count = 0;
}

static bool is_in(const struct user *user, gid_t gid)
{
    for (int i = 0; i < user->group_count; i++)
        if (user->groups[i] == gid)
            return true;
    return false;
}

static bool is_in_named(const struct user *user, const char *name)
{
    SCB_AUTO(memory) char *memory = scb_alloc(MAX_LOOKUP, 1, NULL);
    struct group entry, *found = NULL;
    return memory != NULL && getgrnam_r(name, &entry, memory, MAX_LOOKUP, &found) == 0 &&
           found != NULL && is_in(user, found->gr_gid);
}

static bool fits(const struct binding *binding, const struct scb_caller *caller,
                 const struct user *user)
{
    if (binding->subject == NODE)
        return caller->kind == SCB_CALLER_NODE && scb_node_id_equal(&binding->node, &caller->node);
    if (caller->kind != SCB_CALLER_USER)
        return false;
    if (binding->subject == UID)
        return binding->id == caller->uid;
    if (binding->subject == GID)
        return is_in(user, binding->id);
    return binding->subject == USER
               ? user->name[0] != '\0' && strcmp(binding->name, user->name) == 0
               : is_in_named(user, binding->name);
}

/* The owner of one of them; or, where there are none, who runs this process and would be. */
static bool owns(const char *const *paths, uid_t uid)
{
    bool exists = false;
    for (; *paths != NULL; paths++) {
        struct stat about;
        bool found = stat(*paths, &about) == 0;
        exists = exists || found || errno != ENOENT;
        if (found && about.st_uid == uid)
            return true;
    }
    return !exists && uid == geteuid();
}

enum scb_role scb_bindings_role(const struct scb_bindings *bindings, const char *const *paths,
                                const struct scb_caller *caller)
{
    if (caller->kind == SCB_CALLER_SERVICE)
        return SCB_ROLE_ADMIN;
    if (caller->kind == SCB_CALLER_TOKEN)
        return caller->role;
    bool is_user = caller->kind == SCB_CALLER_USER;
    if (is_user && (caller->uid == 0 || owns(paths, caller->uid)))
        return SCB_ROLE_ADMIN;
    struct user user = {0};
    if (is_user && bindings->count > 0)
        look_up(caller->uid, &user);
    enum scb_role role = SCB_ROLE_NONE;
    for (size_t i = 0; i < bindings->count; i++)
        if (bindings->items[i].role > role && fits(&bindings->items[i], caller, &user))
            role = bindings->items[i].role;
    free(user.groups);
    return role;
}
