/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/signer.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "evm/keccak.h"

struct scb_signer {
    secp256k1_context *context;
    struct scb_address address;
    uint8_t key[SCB_KEY_SIZE];
};

/* The last 20 bytes of the hash of the public key's two coordinates. */
static enum scb_status derive_address(struct scb_signer *signer, struct scb_error *error)
{
    secp256k1_pubkey public_key;
    uint8_t point[65], hash[SCB_KECCAK256_SIZE];
    size_t size = sizeof(point);
    if (secp256k1_ec_pubkey_create(signer->context, &public_key, signer->key) != 1)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "this is no private key of an account");
    (void)secp256k1_ec_pubkey_serialize(signer->context, point, &size, &public_key,
                                        SECP256K1_EC_UNCOMPRESSED);
    scb_keccak256(point + 1, sizeof(point) - 1, hash);
    memcpy(signer->address.bytes, hash + 12, sizeof(signer->address.bytes));
    return SCB_OK;
}

enum scb_status scb_signer_new(const uint8_t key[SCB_KEY_SIZE], struct scb_signer **ret_signer,
                               struct scb_error *error)
{
    struct scb_signer *signer = scb_alloc(1, sizeof(*signer), error);
    if (signer == NULL)
        return SCB_ERROR_RESOURCE;
    memcpy(signer->key, key, SCB_KEY_SIZE);
    uint8_t seed[32];
    signer->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    if (signer->context == NULL) {
        scb_signer_free(signer);
        return scb_error_set(error, SCB_ERROR_RESOURCE, "no memory for signing");
    }
    enum scb_status status = scb_random(seed, sizeof(seed), error);
    /* Blinds the arithmetic against who measures it. */
    if (status == SCB_OK && secp256k1_context_randomize(signer->context, seed) != 1)
        status = scb_error_set(error, SCB_ERROR_INTERNAL, "the signer was not blinded");
    if (status == SCB_OK)
        status = derive_address(signer, error);
    scb_wipe(seed, sizeof(seed));
    if (status != SCB_OK) {
        scb_signer_free(signer);
        return status;
    }
    *ret_signer = signer;
    return SCB_OK;
}

void scb_signer_free(struct scb_signer *signer)
{
    if (signer == NULL)
        return;
    if (signer->context != NULL)
        secp256k1_context_destroy(signer->context);
    scb_wipe(signer, sizeof(*signer));
    free(signer);
}

void scb_signer_cleanup(struct scb_signer **signer)
{
    scb_signer_free(*signer);
}

const struct scb_address *scb_signer_address(const struct scb_signer *signer)
{
    return &signer->address;
}

enum scb_status scb_signer_sign(const struct scb_signer *signer, const uint8_t hash[32],
                                struct scb_signature *ret_signature, struct scb_error *error)
{
    secp256k1_ecdsa_recoverable_signature signature;
    uint8_t compact[64];
    int recovery_id = 0;
    if (secp256k1_ecdsa_sign_recoverable(signer->context, &signature, hash, signer->key, NULL,
                                         NULL) != 1)
        return scb_error_set(error, SCB_ERROR_INTERNAL, "a transaction could not be signed");
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(signer->context, compact,
                                                                  &recovery_id, &signature);
    memcpy(ret_signature->r, compact, 32);
    memcpy(ret_signature->s, compact + 32, 32);
    ret_signature->recovery_id = recovery_id;
    return SCB_OK;
}
