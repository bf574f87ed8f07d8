/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no single value shows: required settings, pairs that exclude each other, sums.
 */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/settings.h"
#include "config/socket_path.h"

static enum scb_status check_required(const struct scb_config *config, struct scb_error *error)
{
    for (size_t i = 0; i < SCB_SETTING_COUNT; i++) {
        const struct scb_setting *setting = &scb_settings[i];
        if ((setting->flags & SCB_SETTING_REQUIRED) == 0 || scb_config_is_given(config, i))
            continue;
        char variable[SCB_CONFIG_NAME_SIZE], flag[SCB_CONFIG_NAME_SIZE];
        scb_setting_environment(setting, variable);
        scb_config_flag(i, flag);
        scb_error_set(error, SCB_ERROR_VALIDATION, "%s is not set", setting->name);
        return scb_error_hint(error, "set it in the configuration file, by %s or by %s", variable,
                              flag);
    }
    return SCB_OK;
}

/*
 * What encryption takes beyond that: 8 MiB a worker for a page between its plain and its encrypted
 * form, and half a MiB for each page that comes in pieces and is being encrypted on the way, which
 * all may be that the source has: four times those in flight, or 64.
 */
static int64_t encryption_memory(const struct scb_config *config)
{
    int64_t pages = 4 * scb_config_integer(config, "backup.max_concurrent_pages");
    if (scb_config_list(config, "encryption.recipients")[0] == NULL)
        return 0;
    return (INT64_C(8) << 20) * scb_config_integer(config, "backup.worker_concurrency") +
           (INT64_C(512) << 10) * (pages < 64 ? 64 : pages);
}

/* Two of the largest entries on their way and two being written, 16 MiB a worker for a page and its
 * deflated form; the bounds of the settings keep this far from an overflow. */
static enum scb_status check_memory(const struct scb_config *config, struct scb_error *error)
{
    int64_t needed = 4 * (scb_config_integer(config, "backup.max_value_size") +
                          2 * scb_config_integer(config, "backup.max_key_size")) +
                     (INT64_C(16) << 20) * scb_config_integer(config, "backup.worker_concurrency") +
                     (INT64_C(32) << 20) + encryption_memory(config);
    if (scb_config_integer(config, "backup.memory_limit") >= needed)
        return SCB_OK;
    char text[32];
    scb_text_format_size((uint64_t)needed, text, sizeof(text));
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "backup.memory_limit is less than the %s that backup.max_value_size, "
                  "max_key_size and worker_concurrency need "
                  "(4 x (value + 2 x key) + 16MiB a worker + 32MiB; encryption takes "
                  "8MiB a worker and half a MiB for each of 4 x max_concurrent_pages more)",
                  text);
    return scb_error_hint(error, "raise backup.memory_limit to %s or lower one of the others",
                          text);
}

/* A certificate without its key cannot sign, nor a key without its certificate. */
static enum scb_status check_identity(const struct scb_config *config, struct scb_error *error)
{
    bool cert = scb_config_text(config, "identity.cert_path")[0] != '\0';
    bool key = scb_config_text(config, "identity.key_path")[0] != '\0';
    if (cert == key)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION, "identity.%s_path is set, identity.%s_path is not",
                  cert ? "cert" : "key", cert ? "key" : "cert");
    return scb_error_hint(error, "set both to sign manifests, or neither");
}

/* Of whichever directory: what is said of that is said where it is needed. */
static enum scb_status check_socket(const struct scb_config *config, struct scb_error *error)
{
    SCB_AUTO(string) char *path = scb_config_socket_path(config, SCB_RUNTIME_DIR, error);
    return path == NULL ? error->status : SCB_OK;
}

/* An endpoint that is named twice is one endpoint. */
static enum scb_status check_quorum(const struct scb_config *config, struct scb_error *error)
{
    const char *const *urls = scb_config_list(config, "contract.rpc_urls");
    size_t different = 0;
    for (size_t i = 0; urls[i] != NULL; i++) {
        size_t first = 0;
        while (strcmp(urls[first], urls[i]) != 0)
            first++;
        different += first == i;
    }
    if ((int64_t)different >= scb_config_integer(config, "contract.quorum"))
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "contract.quorum is more than the %zu different contract.rpc_urls", different);
    return scb_error_hint(error, "name more endpoints or lower contract.quorum");
}

enum scb_status scb_config_check(const struct scb_config *config, struct scb_error *error)
{
    enum scb_status status = check_required(config, error);
    if (status != SCB_OK)
        return status;
    if (scb_config_integer(config, "backup.retry_max_delay") <
        scb_config_integer(config, "backup.retry_delay")) {
        scb_error_set(error, SCB_ERROR_VALIDATION,
                      "backup.retry_max_delay is less than backup.retry_delay");
        return scb_error_hint(error, "raise backup.retry_max_delay or lower backup.retry_delay");
    }
    status = check_quorum(config, error);
    if (status == SCB_OK)
        status = check_identity(config, error);
    if (status == SCB_OK)
        status = check_socket(config, error);
    return status != SCB_OK ? status : check_memory(config, error);
}
