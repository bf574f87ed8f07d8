/* SPDX-License-Identifier: Apache-2.0 */
#include "format/manifest_signature.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/json_load.h"
#include "base/memory.h"
#include "base/text.h"

enum { FORMAT_VERSION = 1 };

static const char algorithm[] = "ecdsa-p256-sha256";

static enum scb_status refuse(const char *why, struct scb_error *error)
{
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY, SCB_MANIFEST_SIGNATURE_NAME ": %s", why);
    return SCB_ERROR_INTEGRITY;
}

enum scb_status scb_manifest_signature_write(const struct scb_identity *identity,
                                             const struct scb_identity_signature *signature,
                                             struct scb_buffer *out, struct scb_error *error)
{
    char node_id[SCB_NODE_ID_TEXT_SIZE];
    SCB_AUTO(buffer) struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_PEM};
    struct scb_bytes der = {signature->der, signature->size};
    enum scb_status status = scb_node_id_format(scb_identity_node_id(identity), node_id, error);
    if (status == SCB_OK)
        status = scb_identity_pem(identity, &pem, error);
    if (status == SCB_OK)
        status = scb_buffer_printf(out, error,
                                   "{\n"
                                   "  \"format_version\": %d,\n"
                                   "  \"algorithm\": \"%s\",\n"
                                   "  \"node_id\": \"%s\",\n"
                                   "  \"signature\": \"",
                                   FORMAT_VERSION, algorithm, node_id);
    if (status == SCB_OK)
        status = scb_text_base64_append(out, der, error);
    if (status == SCB_OK)
        status = scb_buffer_append_text(out, "\",\n  \"certificates\": \"", error);
    if (status == SCB_OK)
        status = scb_json_append_escaped(out, scb_buffer_bytes(&pem), error);
    return status == SCB_OK ? scb_buffer_append_text(out, "\"\n}\n", error) : status;
}

enum scb_status scb_manifest_sign(const struct scb_identity *identity,
                                  const uint8_t manifest_sha256[SCB_SHA256_SIZE],
                                  struct scb_buffer *out, struct scb_error *error)
{
    struct scb_identity_signature signature;
    enum scb_status status = scb_identity_sign(identity, manifest_sha256, &signature, error);
    return status == SCB_OK ? scb_manifest_signature_write(identity, &signature, out, error)
                            : status;
}

/* Tells a document of a later format from a broken one. */
static enum scb_status check_version(const json_t *root, struct scb_error *error)
{
    const json_t *version = json_object_get(root, "format_version");
    if (!json_is_integer(version))
        return refuse("it is not what satellite writes", error);
    if (json_integer_value(version) == FORMAT_VERSION)
        return SCB_OK;
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        SCB_MANIFEST_SIGNATURE_NAME ": format version %" JSON_INTEGER_FORMAT
                                                    ", this program knows %d",
                        json_integer_value(version), FORMAT_VERSION);
    (void)scb_error_hint(error, "check it with the version of satellite that wrote it");
    return SCB_ERROR_INTEGRITY;
}

static struct scb_bytes text_of(const json_t *root, const char *name)
{
    const json_t *text = json_object_get(root, name);
    return (struct scb_bytes){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static enum scb_status read_signature(const json_t *root, struct scb_identity_signature *ret_read,
                                      struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer der = {.max = SCB_MANIFEST_SIGNATURE_MAX};
    enum scb_status status = scb_text_base64_decode(&der, text_of(root, "signature"), error);
    if (status != SCB_OK) {
        (void)scb_error_wrap(error, SCB_MANIFEST_SIGNATURE_NAME ": signature");
        return status;
    }
    if (der.size == 0 || der.size > sizeof(ret_read->der))
        return refuse("its signature has a size that none has", error);
    memcpy(ret_read->der, der.data, der.size);
    ret_read->size = der.size;
    return SCB_OK;
}

/* What would be a wrong argument elsewhere is damage in this document. */
static enum scb_status read_identity(const json_t *root, struct scb_identity **ret_identity,
                                     struct scb_error *error)
{
    struct scb_error cause = {0};
    enum scb_status status =
        scb_identity_parse(text_of(root, "certificates"), ret_identity, &cause);
    if (status == SCB_ERROR_VALIDATION)
        return refuse(cause.message, error);
    if (status != SCB_OK && error != NULL)
        *error = cause;
    return status;
}

/* The one form: what was read, written again, is the same. */
static enum scb_status check_form(const struct scb_manifest_signature *read, struct scb_bytes text,
                                  struct scb_error *error)
{
    SCB_AUTO(buffer) struct scb_buffer again = {.max = 2 * SCB_MANIFEST_SIGNATURE_MAX};
    enum scb_status status =
        scb_manifest_signature_write(read->identity, &read->signature, &again, error);
    if (status == SCB_OK &&
        (again.size != text.size || memcmp(again.data, text.data, text.size) != 0))
        status = refuse("it is not what satellite writes", error);
    return status;
}

enum scb_status scb_manifest_signature_read(struct scb_bytes text,
                                            struct scb_manifest_signature *ret_read,
                                            struct scb_error *error)
{
    json_auto_t *root = NULL;
    struct scb_manifest_signature read = {0};
    if (text.size > SCB_MANIFEST_SIGNATURE_MAX)
        return refuse("it is too large", error);
    enum scb_status status = scb_json_load(text, &root, error);
    if (status == SCB_OK)
        status = check_version(root, error);
    if (status == SCB_OK)
        status = read_signature(root, &read.signature, error);
    if (status == SCB_OK)
        status = read_identity(root, &read.identity, error);
    if (status == SCB_OK)
        status = check_form(&read, text, error);
    if (status == SCB_OK)
        *ret_read = read;
    else
        scb_manifest_signature_free(&read);
    return status;
}

void scb_manifest_signature_free(struct scb_manifest_signature *signature)
{
    scb_identity_free(signature->identity);
    signature->identity = NULL;
}

static enum scb_status check_trust(const struct scb_node_ids *trusted,
                                   const struct scb_node_id *signer, struct scb_error *error)
{
    char text[SCB_NODE_ID_TEXT_SIZE];
    if (trusted == NULL || scb_node_ids_contain(trusted, signer))
        return SCB_OK;
    enum scb_status status = scb_node_id_format(signer, text, error);
    if (status != SCB_OK)
        return status;
    (void)scb_error_set(error, SCB_ERROR_INTEGRITY,
                        SCB_MANIFEST_SIGNATURE_NAME ": signed by %s, which is not trusted", text);
    (void)scb_error_hint(error, "if that is one of yours, add it to identity.trusted");
    return SCB_ERROR_INTEGRITY;
}

enum scb_status scb_manifest_verify(struct scb_bytes text,
                                    const uint8_t manifest_sha256[SCB_SHA256_SIZE],
                                    const struct scb_node_ids *trusted,
                                    struct scb_node_id *ret_signer, struct scb_error *error)
{
    struct scb_manifest_signature read;
    enum scb_status status = scb_manifest_signature_read(text, &read, error);
    if (status != SCB_OK)
        return status;
    struct scb_node_id signer = *scb_identity_node_id(read.identity);
    struct scb_bytes der = {read.signature.der, read.signature.size};
    status = scb_identity_verify(read.identity, manifest_sha256, der, error);
    if (status != SCB_OK)
        (void)scb_error_wrap(error, SCB_MANIFEST_SIGNATURE_NAME);
    scb_manifest_signature_free(&read);
    if (status == SCB_OK)
        status = check_trust(trusted, &signer, error);
    if (status == SCB_OK)
        *ret_signer = signer;
    return status;
}
