/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key in a file under a password: Web3 Secret Storage, version 3, as geth, ethers and
 * most wallets write it. Reading only. What the file asks for is bounded, so that a hostile one
 * costs neither memory nor hours.
 */
#ifndef SCB_EVM_KEYSTORE_H
#define SCB_EVM_KEYSTORE_H

#include <stdint.h>

#include "evm/signer.h"
#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_KEYSTORE_MAX_SIZE = 64 * 1024 };

/*
 * Takes the key out of a keystore's text. AccessError for a wrong password, ValidationError for
 * what is no keystore, asks for too much or is of another address than it says. The caller wipes
 * the password; all else is wiped here.
 */
SCB_MUST_CHECK enum scb_status scb_keystore_open(struct scb_bytes document,
                                                 struct scb_bytes password,
                                                 struct scb_signer **ret_signer,
                                                 struct scb_error *error);

#endif
