/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"

static enum scb_status look_at(const char *path, struct stat *ret_about, struct scb_error *error)
{
    SCB_AUTO(string) char *nearest = scb_strdup(path, error);
    if (nearest == NULL)
        return SCB_ERROR_RESOURCE;
    while (stat(nearest, ret_about) != 0) {
        char *slash = strrchr(nearest, '/');
        bool is_gone = errno == ENOENT && strcmp(nearest, "/") != 0 && strcmp(nearest, ".") != 0;
        if (!is_gone)
            return scb_error_set_errno(error, SCB_ERROR_FILE, errno, "directory '%s' not opened",
                                       nearest);
        if (slash == NULL)
            memcpy(nearest, ".", sizeof("."));
        else
            slash[slash == nearest ? 1 : 0] = '\0';
    }
    return SCB_OK;
}

static enum scb_status become(uid_t uid, gid_t gid, const char *name, struct scb_error *error)
{
    /* Groups first: the user may not change them. */
    int failed = name != NULL ? initgroups(name, gid) : setgroups(1, &gid);
    if (failed == 0)
        failed = setresgid(gid, gid, gid);
    if (failed == 0)
        failed = setresuid(uid, uid, uid);
    if (failed == 0)
        return SCB_OK;
    (void)scb_error_set_errno(error, SCB_ERROR_ACCESS, errno,
                              "root does not become the owner of backup.backup_dir (uid %lu)",
                              (unsigned long)uid);
    return scb_error_hint(error, "run it as that user");
}

enum scb_status scb_owner_become(const char *backup_dir, char ret_name[SCB_OWNER_NAME_SIZE],
                                 struct scb_error *error)
{
    char memory[16384];
    struct stat about;
    struct passwd entry, *owner = NULL;
    ret_name[0] = '\0';
    if (geteuid() != 0)
        return SCB_OK;
    enum scb_status status = look_at(backup_dir, &about, error);
    if (status != SCB_OK || about.st_uid == 0)
        return status;
    if (getpwuid_r(about.st_uid, &entry, memory, sizeof(memory), &owner) != 0)
        owner = NULL;
    status = become(about.st_uid, owner != NULL ? owner->pw_gid : about.st_gid,
                    owner != NULL ? owner->pw_name : NULL, error);
    if (status != SCB_OK)
        return status;
    scb_process_protect(); /* another user's process would be dumpable again */
    if (owner != NULL)
        (void)snprintf(ret_name, SCB_OWNER_NAME_SIZE, "%.64s", owner->pw_name);
    else
        (void)snprintf(ret_name, SCB_OWNER_NAME_SIZE, "uid %lu", (unsigned long)about.st_uid);
    return SCB_OK;
}
