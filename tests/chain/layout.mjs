// SPDX-License-Identifier: Apache-2.0
//
// Where the compiled KeyValueStore keeps its entries: the storage layout that the Solidity
// documentation defines, so that a store can be filled without a transaction for each entry.

import { keccak256 } from 'viem';

const ENTRIES_SLOT = 0n; // entries: array of { key, value, versionId }
const POSITIONS_SLOT = 1n; // positions: mapping of key to index + 1
const OWNER_SLOT = 3n;
const OPERATOR_SLOT = 4n;
const SLOTS_PER_ENTRY = 3n;

export function word(number) {
    return `0x${number.toString(16).padStart(64, '0')}`;
}

const firstEntry = BigInt(keccak256(word(ENTRIES_SLOT)));
const positionsSlot = Buffer.from(word(POSITIONS_SLOT).slice(2), 'hex');

/** Up to 31 bytes share a slot with their length; longer ones leave 2 * length + 1 there. */
function* stringSlots(slot, bytes) {
    if (bytes.length < 32) {
        const data = Buffer.alloc(32);
        bytes.copy(data);
        data[31] = 2 * bytes.length;
        yield [word(slot), `0x${data.toString('hex')}`];
        return;
    }
    yield [word(slot), word(2n * BigInt(bytes.length) + 1n)];
    let dataSlot = BigInt(keccak256(word(slot)));
    for (let at = 0; at < bytes.length; at += 32, dataSlot++) {
        const data = bytes.subarray(at, at + 32).toString('hex').padEnd(64, '0');
        yield [word(dataSlot), `0x${data}`];
    }
}

/** The slots that one entry sets, as pairs of 32-byte hex words. */
export function* entrySlots(index, { key, value, versionId }) {
    const slot = firstEntry + SLOTS_PER_ENTRY * BigInt(index);
    yield* stringSlots(slot, key);
    yield* stringSlots(slot + 1n, value);
    yield* stringSlots(slot + 2n, versionId);
    yield [keccak256(Buffer.concat([key, positionsSlot])), word(BigInt(index) + 1n)];
}

/** The slots that belong to the store as a whole. */
export function* storeSlots(totalKeys, owner) {
    yield [word(ENTRIES_SLOT), word(BigInt(totalKeys))];
    yield [word(OWNER_SLOT), word(BigInt(owner))];
    yield [word(OPERATOR_SLOT), word(BigInt(owner))];
}
