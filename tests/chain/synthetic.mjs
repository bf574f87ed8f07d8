// SPDX-License-Identifier: Apache-2.0
//
// A store of any size on a test node: contracts/test/SyntheticStore.sol computes its entries, so
// millions of keys need neither time to load nor memory in the node.

import { readArtifact } from './contract.mjs';
import { word } from './layout.mjs';
import { rpc } from './rpc.mjs';

export const SYNTHETIC_ADDRESS = '0x0000000000000000000000000000000000005a7e';

/** Installs it with that many keys, in a block of its own; a second call changes the number. */
export async function installSynthetic(url, totalKeys) {
    const { deployedBytecode } = readArtifact('test/SyntheticStore');
    await rpc(url, 'anvil_setCode', SYNTHETIC_ADDRESS, deployedBytecode);
    await rpc(url, 'anvil_setStorageAt', SYNTHETIC_ADDRESS, word(0n), word(BigInt(totalKeys)));
    await rpc(url, 'evm_mine');
    return SYNTHETIC_ADDRESS;
}

/** What the contract answers for one index. */
export function syntheticEntry(index) {
    const digits = String(index).padStart(10, '0');
    return {
        key: Buffer.from(`user_profile_${digits}`),
        value: Buffer.from(`{"id":"${digits}","plan":"pro","email":"u${digits}@example.org",` +
            '"created_at":"2024-01-15T10:30:00Z","bucket":"backups-eu-west-1",' +
            '"quota_bytes":1500}'),
        versionId: Buffer.from(`v1.0.${digits}`),
    };
}
