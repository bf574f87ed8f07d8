// SPDX-License-Identifier: Apache-2.0
//
// Transactions a second: a restore against the same calls signed beforehand and sent raw, on the
// same kind of node (anvil, which mines at once), in pairs one after the other.
//
//   node bench/restore.mjs [ENTRIES] [PAIRS]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { privateKeyToAccount } from 'viem/accounts';
import { startAnvil } from '../tests/chain/anvil.mjs';
import { calldata, createEntries, deploy, totalKeys } from '../tests/chain/contract.mjs';
import { realisticEntries } from '../tests/chain/entries.mjs';
import { keystoreText, testKey } from '../tests/chain/keystore.mjs';
import { rpc } from '../tests/chain/rpc.mjs';
import { ANVIL_ARGS, Store, mustRun } from '../tests/integration/harness.mjs';
import { median } from './parts.mjs';

const CONNECTIONS = 16;
const count = Number(process.argv[2] ?? 1000);
const pairs = Number(process.argv[3] ?? 5);
const entries = realisticEntries(count);
const account = privateKeyToAccount(`0x${testKey(0).toString('hex')}`);

async function onNode(body) {
    const node = await startAnvil({ args: ANVIL_ARGS });
    try {
        return await body(node.url, await deploy(node.url));
    } finally {
        await node.stop();
    }
}

/** Signs all first, then sends over as many connections as satellite uses. */
function rawRate() {
    return onNode(async (url, to) => {
        const signed = [];
        for (const [i, entry] of entries.entries()) {
            signed.push(await account.signTransaction({
                type: 'eip1559',
                chainId: 31337,
                nonce: i + 1, // the deployment is 0
                to,
                gas: 400_000n,
                maxFeePerGas: 3_000_000_000n,
                maxPriorityFeePerGas: 1_000_000_000n,
                data: calldata('createKeyValue', [entry.key, entry.value, entry.versionId]),
            }));
        }
        const started = performance.now();
        let next = 0;
        await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
            while (next < count) await rpc(url, 'eth_sendRawTransaction', signed[next++]);
        }));
        while (await totalKeys(url, to) < count) await setTimeout(5);
        return count / (performance.now() - started) * 1000;
    });
}

/** The time is that of sending: simulation, journal and receipts included, the plan not. */
function restoreRate(store, directory) {
    return onNode(async (url, contract) => {
        const { stdout } = await mustRun(store.args('restore', '--yes', '--json', '--rpc-url', url,
            '--contract', contract, '--keystore', join(directory, 'key.json'),
            '--password-file', join(directory, 'password'), '--contract-confirmations', '0',
            '--max-total-cost', '1000ether'));
        return count / JSON.parse(stdout).sending_ms * 1000;
    });
}

const directory = mkdtempSync(join(tmpdir(), 'satellite-bench-'));
try {
    const store = await onNode(async (url, address) => {
        await createEntries(url, address, entries);
        const made = new Store(directory, { url, address }, { 'contract-block': 'latest' });
        await made.mustRun();
        return made;
    });
    writeFileSync(join(directory, 'key.json'), keystoreText(testKey(0), 'x'));
    writeFileSync(join(directory, 'password'), 'x');
    const ratios = [];
    for (let pair = 0; pair < pairs; pair++) {
        const raw = await rawRate();
        const restored = await restoreRate(store, directory);
        ratios.push(restored / raw);
        console.log(`raw ${raw.toFixed(0)} tx/s, restore ${restored.toFixed(0)} tx/s, ` +
            `ratio ${(restored / raw).toFixed(2)}`);
    }
    console.log(`median ratio ${median(ratios).toFixed(2)}`);
} finally {
    rmSync(directory, { recursive: true });
}
