/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup that had to wait for another one's lock leaves of the caller's error:
 *   lock_wait RPC_URL CONTRACT ABSOLUTE_DIRECTORY
 * The lock is let go when the wait begins (linked with --wrap=scb_cancel_sleep), so nothing depends
 * on time.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/thread.h"
#include "scb/service.h"
#include "store/store.h"

bool __wrap_scb_cancel_sleep(const struct scb_cancel *cancel, int64_t ms);

static struct scb_store_lock *held;
static unsigned waits;

bool __wrap_scb_cancel_sleep(const struct scb_cancel *cancel, int64_t ms)
{
    (void)cancel;
    (void)ms;
    if (held != NULL)
        waits++;
    scb_store_unlock(held);
    held = NULL;
    return false;
}

static enum scb_status configure(struct scb_config *config, char **arguments,
                                 struct scb_error *error)
{
    char database[4096];
    (void)snprintf(database, sizeof(database), "sqlite://%s/satellite.db", arguments[3]);
    const char *const settings[][2] = {{"contract.rpc_urls", arguments[1]},
                                       {"contract.address", arguments[2]},
                                       {"backup.backup_dir", arguments[3]},
                                       {"backup.min_free_space", "0"},
                                       {"database.url", database}};
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && status == SCB_OK; i++)
        status = scb_config_set(config, settings[i][0], settings[i][1], "argument", error);
    return status == SCB_OK ? scb_config_check(config, error) : status;
}

static enum scb_status wait_and_back_up(struct scb_service *service, const char *directory,
                                        struct scb_error *error)
{
    const struct scb_store_settings settings = {.dir = directory, .group = ""};
    const struct scb_backup_options options = {.force = true, .lock_wait_ms = 60000};
    struct scb_store *store = NULL;
    struct scb_backup_result result;
    enum scb_status status = scb_store_open(&settings, false, &store, error);
    if (status == SCB_OK)
        status = scb_store_lock_writer(store, scb_clock_system(), &held, error);
    if (status == SCB_OK)
        status = scb_service_backup(service, &options, &result, error);
    scb_store_close(store);
    return status;
}

int main(int argc, char **argv)
{
    struct scb_config *config = NULL;
    struct scb_service *service = NULL;
    struct scb_backup_result first;
    struct scb_error error = {0};
    if (argc != 4)
        return SCB_ERROR_USAGE;
    enum scb_status status = scb_config_new(&config, &error);
    if (status == SCB_OK)
        status = configure(config, argv, &error);
    if (status == SCB_OK)
        status = scb_service_new(&(struct scb_service_parts){.config = config}, &service, &error);
    if (status == SCB_OK)
        status = scb_service_backup(service, &(struct scb_backup_options){0}, &first, &error);
    if (status == SCB_OK)
        status = wait_and_back_up(service, argv[3], &error);
    (void)printf("%s, %u waits, error: %s '%s'\n", scb_status_name(status), waits,
                 scb_status_name(error.status), error.message);
    scb_service_free(service);
    scb_config_free(config);
    return 0;
}
