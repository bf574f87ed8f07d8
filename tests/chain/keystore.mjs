// SPDX-License-Identifier: Apache-2.0
//
// Keystore files (Web3 Secret Storage, version 3) for tests: little work, so that they open at once.

import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { keccak256 } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';

/** anvil's and hardhat's own accounts: everybody knows their keys. */
const TEST_MNEMONIC = 'test test test test test test test test test test test junk';

export function testKey(index) {
    return Buffer.from(mnemonicToAccount(TEST_MNEMONIC, { addressIndex: index })
        .getHdKey().privateKey);
}

/** The text of a keystore that holds `key` under `password`. */
export function keystoreText(key, password) {
    const salt = randomBytes(32);
    const iv = randomBytes(16);
    const kdfparams = { dklen: 32, n: 1024, r: 8, p: 1, salt: salt.toString('hex') };
    const derived = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
    const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
    const ciphertext = Buffer.concat([cipher.update(key), cipher.final()]);
    return JSON.stringify({
        version: 3,
        id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
        crypto: {
            cipher: 'aes-128-ctr',
            cipherparams: { iv: iv.toString('hex') },
            ciphertext: ciphertext.toString('hex'),
            kdf: 'scrypt',
            kdfparams,
            mac: keccak256(Buffer.concat([derived.subarray(16), ciphertext])).slice(2),
        },
    });
}
