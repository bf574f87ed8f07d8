/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running service tells of its own health. It asks no node for that: how the chain is, a
 * check of the files' owner says.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/backend_service.h"
#include "client/records.h"

/* A check of what /readyz has as "ok" or the name of an error. */
static void look_at(const json_t *ready, const char *member, struct scb_health_check *check)
{
    char word[64];
    scb_client_text(ready, member, word, sizeof(word));
    if (strcmp(word, "ok") == 0) {
        check->state = SCB_HEALTH_OK;
        (void)snprintf(check->detail, sizeof(check->detail), "the service works with it");
        return;
    }
    check->state = SCB_HEALTH_FAIL;
    SCB_AUTO(json) json_t *problem = json_pack("{s:s}", "error_type", word);
    (void)!scb_client_problem(problem, &check->error);
    (void)snprintf(check->detail, sizeof(check->detail), "%s; the service's log says more", word);
}

/* What the service says of its backups, in one word. */
static void judge_backups(const json_t *status, struct scb_health_check *check)
{
    static const struct {
        const char *word;
        enum scb_health_state state;
        enum scb_status status;
    } words[] = {{"ok", SCB_HEALTH_OK, SCB_OK},
                 {"empty", SCB_HEALTH_WARN, SCB_OK},
                 {"failing", SCB_HEALTH_WARN, SCB_OK},
                 {"late", SCB_HEALTH_FAIL, SCB_ERROR_NOT_FOUND},
                 {"damaged", SCB_HEALTH_FAIL, SCB_ERROR_INTEGRITY}};
    char word[32], reason[256];
    scb_client_text(status, "health", word, sizeof(word));
    scb_client_text(status, "health_reason", reason, sizeof(reason));
    check->state = SCB_HEALTH_UNKNOWN;
    for (size_t i = 0; i < SCB_LENGTH(words); i++) {
        if (strcmp(word, words[i].word) != 0)
            continue;
        check->state = words[i].state;
        check->error.status = words[i].status;
    }
    (void)snprintf(check->detail, sizeof(check->detail), "%s%s%s", word,
                   reason[0] == '\0' ? "" : ": ", reason);
}

enum scb_status scb_backend_service_health(struct scb_backend *backend, scb_health_visitor visit,
                                           void *state, struct scb_error *error)
{
    SCB_AUTO(json) json_t *status = NULL;
    SCB_AUTO(json) json_t *ready = NULL;
    enum scb_status result = scb_backend_ask(backend, NULL, &status, error, "/api/v1/status");
    if (result == SCB_OK)
        result = scb_backend_ask(backend, NULL, &ready, error, "/readyz");
    if (result != SCB_OK)
        return result;
    struct scb_health_check checks[] = {
        {.name = "database", .latency_ms = -1},
        {.name = "free_space", .latency_ms = -1},
        {.name = "last_backup", .latency_ms = -1},
        {.name = "chain",
         .state = SCB_HEALTH_UNKNOWN,
         .latency_ms = -1,
         .detail = "not asked: run this as the owner of the backups"}};
    look_at(ready, "database", &checks[0]);
    look_at(ready, "disk", &checks[1]);
    judge_backups(status, &checks[2]);
    for (size_t i = 0; i < SCB_LENGTH(checks); i++) {
        const struct scb_error *failure = &checks[i].error;
        visit(state, &checks[i]);
        if (checks[i].state == SCB_HEALTH_FAIL && result == SCB_OK)
            result = scb_error_set(error, failure->status, "%s: %.400s", checks[i].name,
                                   checks[i].detail);
    }
    return result;
}
