/* SPDX-License-Identifier: Apache-2.0 */
#include "access/caller.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static void name_user(uid_t uid, char *ret_text, size_t size)
{
    char memory[16384];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, memory, sizeof(memory), &found) == 0 && found != NULL &&
        found->pw_name[0] != '\0')
        (void)snprintf(ret_text, size, "user:%.60s", found->pw_name);
    else
        (void)snprintf(ret_text, size, "uid:%lu", (unsigned long)uid);
}

void scb_caller_user(uid_t uid, struct scb_caller *ret_caller)
{
    *ret_caller = (struct scb_caller){.kind = SCB_CALLER_USER, .uid = uid};
    name_user(uid, ret_caller->text, sizeof(ret_caller->text));
}

/* The kernel keeps who logged in through every sudo and su, where PAM sets it. */
static bool find_login(uid_t *ret_uid)
{
    char text[16] = "";
    size_t size = 0;
    uint64_t uid = 0;
    SCB_AUTO(fd) int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || scb_file_read(fd, "loginuid", text, sizeof(text) - 1, &size, NULL) != SCB_OK ||
        scb_text_parse_u64(text, &uid, NULL) != SCB_OK || uid >= UINT32_MAX)
        return false;
    *ret_uid = (uid_t)uid;
    return true;
}

void scb_caller_process(struct scb_caller *ret_caller)
{
    uid_t login = 0;
    scb_caller_user(getuid(), ret_caller);
    if (find_login(&login) && login != ret_caller->uid)
        name_user(login, ret_caller->login, sizeof(ret_caller->login));
}

enum scb_status scb_caller_node(const struct scb_node_id *node, struct scb_caller *ret_caller,
                                struct scb_error *error)
{
    char text[SCB_NODE_ID_TEXT_SIZE];
    enum scb_status status = scb_node_id_format(node, text, error);
    if (status != SCB_OK)
        return status;
    *ret_caller = (struct scb_caller){.kind = SCB_CALLER_NODE, .node = *node};
    (void)snprintf(ret_caller->text, sizeof(ret_caller->text), "node:%s", text);
    return SCB_OK;
}

void scb_caller_service(struct scb_caller *ret_caller)
{
    *ret_caller = (struct scb_caller){.kind = SCB_CALLER_SERVICE, .text = "service"};
}
