/* SPDX-License-Identifier: Apache-2.0 */
#include "job/binding.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"

#define BINDING_NAME ".source.json"
enum { MAX_BINDING = 4096 };

struct texts {
    char genesis[67], contract[43];
};

static struct texts texts_of(const struct scb_pin *pin)
{
    struct texts texts = {"0x", "0x"};
    scb_text_hex(pin->genesis_hash, sizeof(pin->genesis_hash), texts.genesis + 2);
    scb_text_hex(pin->contract, sizeof(pin->contract), texts.contract + 2);
    return texts;
}

static enum scb_status write_binding(const struct scb_store *store, const struct scb_pin *pin,
                                     struct scb_error *error)
{
    struct texts texts = texts_of(pin);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_BINDING};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_open_object(&json, NULL);
    scb_json_unsigned(&json, "chain_id", pin->chain_id);
    scb_json_text(&json, "genesis_hash", texts.genesis);
    scb_json_text(&json, "contract_address", texts.contract);
    scb_json_close_object(&json);
    enum scb_status status = scb_json_finish(&json, error);
    if (status == SCB_OK)
        status = scb_buffer_append(&out, "\n", 1, error);
    return status != SCB_OK ? status
                            : scb_store_write(store, BINDING_NAME, out.data, out.size, error);
}

static bool same_text(const json_t *object, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strcmp(text, wanted) == 0;
}

static enum scb_status other_source(const char *what, struct scb_error *error)
{
    scb_error_set(error, SCB_ERROR_VALIDATION,
                  "backup_dir holds backups of another %s (see " BINDING_NAME " in it)", what);
    return scb_error_hint(error, "use a backup.backup_dir of its own for every contract");
}

static enum scb_status compare(const struct scb_buffer *text, const struct scb_pin *pin,
                               struct scb_error *error)
{
    json_t *object = NULL;
    enum scb_status status = scb_json_load(scb_buffer_bytes(text), &object, error);
    if (status != SCB_OK)
        return scb_error_wrap(error, BINDING_NAME);
    struct texts texts = texts_of(pin);
    const json_t *chain_id = json_object_get(object, "chain_id");
    if (!json_is_object(object) || !json_is_integer(chain_id)) {
        scb_error_set(error, SCB_ERROR_INTEGRITY, BINDING_NAME " is damaged");
        status = scb_error_hint(error, "remove it once you are sure what backup_dir holds");
    } else if ((uint64_t)json_integer_value(chain_id) != pin->chain_id) {
        status = other_source("chain id", error);
    } else if (!same_text(object, "genesis_hash", texts.genesis)) {
        status = other_source("chain (its first block differs)", error);
    } else if (!same_text(object, "contract_address", texts.contract)) {
        status = other_source("contract", error);
    }
    json_decref(object);
    return status;
}

enum scb_status scb_binding_check(const struct scb_store *store, const struct scb_pin *pin,
                                  bool bind, struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_BINDING};
    struct scb_error problem = {0};
    enum scb_status status = scb_store_read(store, BINDING_NAME, &text, &problem);
    if (status == SCB_ERROR_NOT_FOUND)
        return bind ? write_binding(store, pin, error) : SCB_OK;
    if (status != SCB_OK) {
        *error = problem;
        return status;
    }
    return compare(&text, pin, error);
}
