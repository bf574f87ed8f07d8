/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signer_option.h"

#include "base/memory.h"
#include "cli/secret.h"
#include "evm/keystore.h"

enum scb_status scb_signer_option(const struct scb_command_context *context,
                                  struct scb_signer **ret_signer, struct scb_error *error)
{
    const char *keystore = scb_command_option(context, "--keystore");
    const char *password_file = scb_command_option(context, "--password-file");
    if (keystore == NULL)
        return password_file == NULL ? SCB_OK
                                     : scb_error_set(error, SCB_ERROR_USAGE,
                                                     "--password-file is given without --keystore");
    char document[SCB_KEYSTORE_MAX_SIZE + 1];
    struct scb_secret password = {0};
    const struct scb_secret_question question = {"password", "keystore", keystore,
                                                 "--password-file"};
    size_t size = 0;
    enum scb_status status =
        scb_secret_read_file("keystore", keystore, document, sizeof(document), &size, error);
    if (status == SCB_OK)
        status = scb_secret_take(context, &question, &password, error);
    if (status == SCB_OK)
        status = scb_keystore_open(
            (struct scb_bytes){(const uint8_t *)document, size},
            (struct scb_bytes){(const uint8_t *)password.text, password.size}, ret_signer, error);
    scb_wipe(&password, sizeof(password));
    return status;
}
