// SPDX-License-Identifier: Apache-2.0
//
// A file for `anvil --load-state` that holds a KeyValueStore with many entries: seconds, where
// sending them as transactions would take minutes. Written as a stream, entry by entry.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { realisticEntry } from './entries.mjs';
import { entrySlots, storeSlots } from './layout.mjs';

export const STATE_ADDRESS = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
const OWNER = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'; // anvil's first account
const CHUNK_CHARS = 1 << 20;

const artifactFile = new URL('../../contracts/KeyValueStore.json', import.meta.url);
const artifact = JSON.parse(readFileSync(artifactFile, 'utf8'));

function* slotsOf(count, entryAt) {
    yield* storeSlots(count, OWNER);
    for (let i = 0; i < count; i++) yield* entrySlots(i, entryAt(i));
}

/** The JSON text of the state, in pieces. */
function* stateText(count, entryAt) {
    const { head, tail } = frame();
    let chunk = head;
    let separator = '';
    for (const [slot, value] of slotsOf(count, entryAt)) {
        chunk += `${separator}"${slot}":"${value}"`;
        separator = ',';
        if (chunk.length >= CHUNK_CHARS) {
            yield chunk;
            chunk = '';
        }
    }
    yield chunk + tail;
}

function frame() {
    const storageHere = '"storage here"';
    const text = JSON.stringify({
        block: {
            number: '0x0',
            beneficiary: `0x${'0'.repeat(40)}`,
            timestamp: '0x1',
            gas_limit: 30_000_000,
            basefee: 0,
            difficulty: '0x0',
            prevrandao: `0x${'0'.repeat(64)}`,
            blob_excess_gas_and_price: { excess_blob_gas: 0, blob_gasprice: 1 },
        },
        best_block_number: 0,
        blocks: [],
        transactions: [],
        historical_states: null,
        accounts: {
            [OWNER]: { nonce: 0, balance: '0x21e19e0c9bab2400000', code: '0x', storage: {} },
            [STATE_ADDRESS]: {
                nonce: 1,
                balance: '0x0',
                code: artifact.deployedBytecode,
                storage: 'storage here',
            },
        },
    });
    const [before, after] = text.split(storageHere);
    return { head: `${before}{`, tail: `}${after}` };
}

/**
 * Writes the state of a store with `count` entries, or finds the one written before.
 *
 * @param {object} options
 * @param {string} options.directory where such files are kept
 * @param {number} options.count
 * @param {(index: number) => object} [options.entryAt] the entries; not cached when given
 * @returns {Promise<{file: string, address: string}>}
 */
export async function stateFile({ directory, count, entryAt }) {
    mkdirSync(directory, { recursive: true });
    // The name changes with everything that decides the contents.
    const identity = createHash('sha256');
    for (const source of ['./state.mjs', './layout.mjs', './entries.mjs']) {
        identity.update(readFileSync(new URL(source, import.meta.url)));
    }
    const hash = identity.update(artifact.deployedBytecode).digest('hex').slice(0, 12);
    const file = join(directory, `state-${count}-${entryAt ? 'own' : hash}.json`);
    if (entryAt || !existsSync(file)) {
        await writePieces(`${file}.tmp`, stateText(count, entryAt ?? realisticEntry));
        renameSync(`${file}.tmp`, file);
    }
    return { file, address: STATE_ADDRESS };
}

async function writePieces(path, pieces) {
    const stream = createWriteStream(path);
    for (const piece of pieces) {
        if (!stream.write(piece)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'close');
}
