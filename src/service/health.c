/* SPDX-License-Identifier: Apache-2.0 */
#include "scb/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "service/health_chain.h"
#include "store/inventory.h"

enum {
    CLOCK_WARN_MS = 30000,      /* a block from our future */
    CLOCK_FAIL_MS = 3600000,    /* the same, or our clock is of no use */
    STALE_WARN_MS = 10 * 60000, /* no new block for that long */
};

const char *scb_health_state_name(enum scb_health_state state)
{
    static const char *const names[] = {"ok", "warn", "fail", "unknown"};
    return names[state];
}

/* A look at everything. */
struct look {
    struct scb_service *service;
    scb_health_visitor visit;
    void *visit_state;
    struct scb_probe *probes;
    size_t count, good; /* endpoints, and those that answered */
    struct scb_error worst;
};

static const struct scb_config *config_of(const struct look *look)
{
    return look->service->parts.config;
}

static void report(struct look *look, const struct scb_health_check *check)
{
    if (check->state == SCB_HEALTH_FAIL && look->worst.status == SCB_OK)
        look->worst = check->error;
    look->visit(look->visit_state, check);
}

SCB_PRINTF(5, 6)
static void say(struct look *look, const char *name, const char *target,
                enum scb_health_state state, const char *format, ...)
{
    struct scb_health_check check = {.name = name, .state = state, .latency_ms = -1};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check.detail, sizeof(check.detail), format, arguments);
    va_end(arguments);
    (void)snprintf(check.target, sizeof(check.target), "%s", target);
    report(look, &check);
}

static void say_error(struct look *look, const char *name, const char *target,
                      enum scb_health_state state, const struct scb_error *error)
{
    struct scb_health_check check = {
        .name = name, .state = state, .latency_ms = -1, .error = *error};
    (void)snprintf(check.target, sizeof(check.target), "%s", target);
    (void)snprintf(check.detail, sizeof(check.detail), "%.511s", error->message);
    report(look, &check);
}

/* --- on this machine --- */

static void look_at_database(struct look *look, struct scb_catalog **ret_catalog)
{
    struct scb_error error = {0};
    enum scb_status status = scb_service_open_catalog(look->service, ret_catalog, &error);
    if (status == SCB_OK)
        say(look, "database", "", SCB_HEALTH_OK, "it opens");
    else if (status == SCB_ERROR_NOT_FOUND)
        say(look, "database", "", SCB_HEALTH_WARN, "not there yet; the first backup makes it");
    else
        say_error(look, "database", "", SCB_HEALTH_FAIL, &error);
}

/* *ret_store stays NULL where there is no directory to look at. */
static void look_at_directory(struct look *look, const char *dir, struct scb_store **ret_store)
{
    struct scb_error error = {0};
    enum scb_status status = scb_service_open_store(look->service, false, ret_store, &error);
    if (status == SCB_ERROR_NOT_FOUND) {
        say(look, "directory", dir, SCB_HEALTH_WARN, "not there yet; the first backup makes it");
        return;
    }
    if (status == SCB_OK && access(dir, R_OK | W_OK | X_OK) != 0) {
        (void)scb_error_set_errno(&error, SCB_ERROR_FILE, errno, "'%s' cannot be written", dir);
        status = scb_error_hint(&error, "run as its owner, or change the owner");
    }
    if (status == SCB_OK)
        say(look, "directory", dir, SCB_HEALTH_OK, "it can be written");
    else
        say_error(look, "directory", dir, SCB_HEALTH_FAIL, &error);
}

/* What a backup would say; and whether it would soon. */
static void look_at_space(struct look *look, const char *dir, const struct scb_store *store)
{
    struct scb_error error = {0};
    uint64_t used = 0, bytes = 0;
    if (store == NULL) {
        say(look, "free_space", dir, SCB_HEALTH_UNKNOWN, "there is no directory");
        return;
    }
    enum scb_status status = scb_store_check_space(store, &error);
    if (status == SCB_OK)
        status = scb_store_space(store, &used, &bytes, &error);
    if (status != SCB_OK) {
        say_error(look, "free_space", dir, SCB_HEALTH_FAIL, &error);
        return;
    }
    uint64_t wanted = (uint64_t)scb_config_integer(config_of(look), "backup.min_free_space");
    char free_text[32], wanted_text[32];
    scb_text_format_size_short(bytes, free_text, sizeof(free_text));
    scb_text_format_size_short(wanted, wanted_text, sizeof(wanted_text));
    say(look, "free_space", dir, bytes / 2 < wanted ? SCB_HEALTH_WARN : SCB_HEALTH_OK,
        "%s free; backup.min_free_space is %s", free_text, wanted_text);
}

static void look_at_last_backup(struct look *look, struct scb_catalog *catalog)
{
    struct scb_error error = {0};
    struct scb_backup_record backup;
    enum scb_status status =
        catalog == NULL ? SCB_ERROR_NOT_FOUND : scb_catalog_newest(catalog, true, &backup, &error);
    if (status == SCB_ERROR_NOT_FOUND) {
        say(look, "last_backup", "", SCB_HEALTH_WARN, "none is completed yet");
        return;
    }
    if (status != SCB_OK) {
        say_error(look, "last_backup", "", SCB_HEALTH_UNKNOWN, &error);
        return;
    }
    int64_t interval_ms = scb_config_integer(config_of(look), "backup.chore_interval");
    int64_t age_ms = scb_clock_real_ms(look->service->clock) - backup.completed_at_ms;
    char age[32], interval[32];
    scb_text_format_elapsed(age_ms < 0 ? 0 : age_ms, age, sizeof(age));
    scb_text_format_duration(interval_ms, interval, sizeof(interval));
    /* One that is under way now may take its time. */
    enum scb_health_state state = age_ms > 2 * interval_ms                 ? SCB_HEALTH_FAIL
                                  : age_ms > interval_ms + interval_ms / 4 ? SCB_HEALTH_WARN
                                                                           : SCB_HEALTH_OK;
    (void)scb_error_set(&error, SCB_ERROR_NOT_FOUND,
                        "completed %s ago; backup.chore_interval is %s", age, interval);
    (void)scb_error_hint(&error, "see satellite backup status and whether the service runs");
    if (state == SCB_HEALTH_OK)
        say(look, "last_backup", backup.backup_date, state, "%s", error.message);
    else
        say_error(look, "last_backup", backup.backup_date, state, &error);
}

/* --- the chain --- */

/* One that does not answer is a failure only where the others do not suffice. */
static void look_at_endpoints(struct look *look)
{
    size_t quorum = (size_t)scb_config_integer(config_of(look), "contract.quorum");
    for (size_t i = 0; i < look->count; i++)
        look->good += look->probes[i].status == SCB_OK;
    for (size_t i = 0; i < look->count; i++) {
        const struct scb_probe *probe = &look->probes[i];
        struct scb_health_check check = {.name = "endpoint", .latency_ms = -1};
        (void)snprintf(check.target, sizeof(check.target), "%s", probe->origin);
        if (probe->status == SCB_OK) {
            check.latency_ms = probe->latency_ms;
            (void)snprintf(check.detail, sizeof(check.detail),
                           "answers in %" PRId64 " ms; newest block %" PRIu64, probe->latency_ms,
                           probe->newest.number);
        } else {
            check.state = look->good < quorum ? SCB_HEALTH_FAIL : SCB_HEALTH_WARN;
            check.error = probe->error;
            (void)snprintf(check.detail, sizeof(check.detail), "%.511s", probe->error.message);
        }
        report(look, &check);
    }
}

static void look_at_clock(struct look *look)
{
    int64_t newest_ms = 0;
    for (size_t i = 0; i < look->count; i++)
        if (look->probes[i].status == SCB_OK && look->probes[i].newest.time < INT64_MAX / 2000 &&
            (int64_t)look->probes[i].newest.time * 1000 > newest_ms)
            newest_ms = (int64_t)look->probes[i].newest.time * 1000;
    int64_t age_ms = scb_clock_real_ms(look->service->clock) - newest_ms;
    int64_t most_ms = scb_config_integer(config_of(look), "contract.max_block_age");
    char text[32];
    struct scb_error error = {0};
    scb_text_format_elapsed(age_ms < 0 ? -age_ms : age_ms, text, sizeof(text));
    (void)scb_error_set(&error, SCB_ERROR_CONTRACT, "the newest block is %s %s by our clock", text,
                        age_ms < 0 ? "ahead" : "old");
    (void)scb_error_hint(&error, "check this machine's clock, and whether the chain goes on");
    bool fails = age_ms < -CLOCK_FAIL_MS || (most_ms > 0 && age_ms > most_ms);
    if (fails || age_ms < -CLOCK_WARN_MS || age_ms > STALE_WARN_MS)
        say_error(look, "clock", "", fails ? SCB_HEALTH_FAIL : SCB_HEALTH_WARN, &error);
    else
        say(look, "clock", "", SCB_HEALTH_OK, "%s", error.message);
}

static void look_at_chain_id(struct look *look)
{
    uint64_t wanted = (uint64_t)scb_config_integer(config_of(look), "contract.chain_id");
    for (size_t i = 0; i < look->count; i++) {
        const struct scb_probe *probe = &look->probes[i];
        if (probe->status != SCB_OK)
            continue;
        if (wanted == 0)
            wanted = probe->chain_id;
        if (probe->chain_id == wanted)
            continue;
        struct scb_error error = {0};
        (void)scb_error_set(&error, SCB_ERROR_VALIDATION,
                            "the endpoint is on chain %" PRIu64 ", not %" PRIu64, probe->chain_id,
                            wanted);
        (void)scb_error_hint(&error, "check contract.chain_id and contract.rpc_urls");
        say_error(look, "chain_id", probe->origin, SCB_HEALTH_FAIL, &error);
        return;
    }
    say(look, "chain_id", "", SCB_HEALTH_OK, "%" PRIu64, wanted);
}

static void look_at_code(struct look *look)
{
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&look->service->contract, address);
    for (size_t i = 0; i < look->count; i++) {
        const struct scb_probe *probe = &look->probes[i];
        if (probe->status != SCB_OK || probe->has_code)
            continue;
        struct scb_error error = {0};
        (void)scb_error_set(&error, SCB_ERROR_CONTRACT, "no contract at %s, says %s", address,
                            probe->origin);
        (void)scb_error_hint(&error, "check contract.address, and which chain this is");
        say_error(look, "contract_code", address, SCB_HEALTH_FAIL, &error);
        return;
    }
    say(look, "contract_code", address, SCB_HEALTH_OK, "it is there");
}

static void look_at_pin(struct look *look)
{
    struct scb_pin pin;
    struct scb_error error = {0};
    if (scb_probe_pin(look->service, &pin, &error) != SCB_OK)
        say_error(look, "pin", "", SCB_HEALTH_FAIL, &error);
    else
        say(look, "pin", "", SCB_HEALTH_OK, "block %" PRIu64 " (%s), %" PRIu64 " keys",
            pin.block_number, pin.reason, pin.total_keys);
}

static void look_at_chain(struct look *look)
{
    static const char *const names[] = {"clock", "chain_id", "contract_code", "pin"};
    look->count = scb_probe_all(look->service, look->probes);
    look_at_endpoints(look);
    for (size_t i = 0; i < SCB_LENGTH(names) && look->good == 0; i++)
        say(look, names[i], "", SCB_HEALTH_UNKNOWN, "no endpoint answers");
    if (look->good == 0)
        return;
    look_at_clock(look);
    look_at_chain_id(look);
    look_at_code(look);
    look_at_pin(look);
}

enum scb_status scb_service_health(struct scb_service *service, scb_health_visitor visit,
                                   void *state, struct scb_error *error)
{
    SCB_FILE_WATCHED(service->watch);
    struct look look = {.service = service, .visit = visit, .visit_state = state};
    struct scb_catalog *catalog = NULL;
    struct scb_store *store = NULL;
    look.probes = scb_alloc(SCB_MAX_PROBES, sizeof(*look.probes), error);
    if (look.probes == NULL)
        return SCB_ERROR_RESOURCE;
    const char *dir = scb_config_text(service->parts.config, "backup.backup_dir");
    say(&look, "config", "", SCB_HEALTH_OK, "it is valid");
    look_at_database(&look, &catalog);
    look_at_directory(&look, dir, &store);
    look_at_space(&look, dir, store);
    scb_store_close(store);
    look_at_chain(&look);
    look_at_last_backup(&look, catalog);
    scb_catalog_close(catalog);
    free(look.probes);
    if (look.worst.status != SCB_OK)
        *error = look.worst;
    return look.worst.status;
}
