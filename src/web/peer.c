/* SPDX-License-Identifier: Apache-2.0 */
#include "web/peer.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/identity.h"

struct scb_web_certs {
    gnutls_x509_crt_t *certs;
    unsigned count;
};

enum scb_status scb_web_certs_parse(struct scb_bytes pem, const char *name,
                                    struct scb_web_certs **ret_list, struct scb_error *error)
{
    struct scb_web_certs *list = scb_alloc(1, sizeof(*list), error);
    if (list == NULL)
        return SCB_ERROR_RESOURCE;
    const gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem.data, (unsigned)pem.size};
    int result =
        gnutls_x509_crt_list_import2(&list->certs, &list->count, &text, GNUTLS_X509_FMT_PEM, 0);
    if (result < 0 || list->count == 0) {
        free(list);
        return scb_error_set(error, SCB_ERROR_VALIDATION, "'%s': no certificates in PEM: %s", name,
                             gnutls_strerror(result));
    }
    *ret_list = list;
    return SCB_OK;
}

void scb_web_certs_free(struct scb_web_certs *list)
{
    if (list == NULL)
        return;
    for (unsigned i = 0; i < list->count; i++)
        gnutls_x509_crt_deinit(list->certs[i]);
    gnutls_free(list->certs);
    free(list);
}

bool scb_web_certs_are_for(const struct scb_web_certs *list, const char *name)
{
    return gnutls_x509_crt_check_hostname2(list->certs[0], name, 0) != 0;
}

static bool is_accepted(const struct scb_web_certs *list, const gnutls_datum_t *der)
{
    for (unsigned i = 0; i < list->count; i++)
        if (gnutls_x509_crt_equals2(list->certs[i], der) != 0)
            return true;
    return false;
}

static enum scb_status append_pem(struct scb_buffer *out, const gnutls_datum_t *der,
                                  struct scb_error *error)
{
    gnutls_datum_t pem = {0};
    if (gnutls_pem_base64_encode2("CERTIFICATE", der, &pem) < 0)
        return scb_error_set(error, SCB_ERROR_RESOURCE, "certificate not encoded");
    enum scb_status status = scb_buffer_append(out, pem.data, pem.size, error);
    gnutls_free(pem.data);
    return status;
}

void scb_web_peer_find(gnutls_session_t session, const struct scb_web_certs *list,
                       struct scb_web_peer *ret_peer)
{
    unsigned count = 0;
    struct scb_error none = {0};
    bool accepted = false;
    enum scb_status status = SCB_OK;
    SCB_AUTO(buffer) struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_PEM};
    SCB_AUTO(identity) struct scb_identity *identity = NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    *ret_peer = (struct scb_web_peer){.kind = SCB_WEB_PEER_NONE};
    if (chain == NULL || count == 0)
        return;
    ret_peer->kind = SCB_WEB_PEER_REFUSED;
    if (list == NULL || count > SCB_IDENTITY_MAX_CHAIN)
        return;
    for (unsigned i = 0; i < count && status == SCB_OK; i++) {
        accepted = accepted || is_accepted(list, &chain[i]);
        status = append_pem(&pem, &chain[i], &none);
    }
    if (status == SCB_OK && accepted)
        status = scb_identity_parse(scb_buffer_bytes(&pem), &identity, &none);
    if (status != SCB_OK || identity == NULL)
        return;
    ret_peer->kind = SCB_WEB_PEER_NODE;
    ret_peer->node = *scb_identity_node_id(identity);
}
