/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backs a contract up through libscb:
 *   cc backup.c $(pkg-config --cflags --libs libscb) -o backup
 *   ./backup http://127.0.0.1:8545 0x5FbDB2315678afecb367f032d93F642f64180aa3 /tmp/backups
 */
#include <inttypes.h>
#include <stdio.h>

#include <scb/service.h>

static enum scb_status back_up(struct scb_config *config, char **arguments, struct scb_error *error)
{
    char database[4096];
    (void)snprintf(database, sizeof(database), "sqlite://%s/satellite.db", arguments[3]);
    const char *const settings[][2] = {{"contract.rpc_urls", arguments[1]},
                                       {"contract.address", arguments[2]},
                                       {"backup.backup_dir", arguments[3]},
                                       {"database.url", database}};
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < 4 && status == SCB_OK; i++)
        status = scb_config_set(config, settings[i][0], settings[i][1], "argument", error);
    if (status == SCB_OK)
        status = scb_config_check(config, error);
    struct scb_service *service = NULL;
    if (status == SCB_OK)
        status = scb_service_new(&(struct scb_service_parts){.config = config}, &service, error);
    struct scb_backup_result result;
    if (status == SCB_OK)
        status = scb_service_backup(service, &(struct scb_backup_options){0}, &result, error);
    if (status == SCB_OK)
        printf("%" PRId64 " keys in %s\n", result.backup.total_keys,
               result.backup.backup_file_path);
    scb_service_free(service);
    return status;
}

int main(int argc, char **argv)
{
    struct scb_config *config = NULL;
    struct scb_error error = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: backup RPC_URL CONTRACT ABSOLUTE_DIRECTORY\n");
        return SCB_ERROR_USAGE;
    }
    enum scb_status status = scb_config_new(&config, &error);
    if (status == SCB_OK)
        status = back_up(config, argv, &error);
    if (status != SCB_OK)
        fprintf(stderr, "%s: %s; %s\n", scb_status_name(status), error.message, error.hint);
    scb_config_free(config);
    return (int)status;
}
