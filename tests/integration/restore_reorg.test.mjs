// SPDX-License-Identifier: Apache-2.0
//
// backup restore on a chain that takes mined transactions back: they are noticed and sent again.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { keccak256 } from 'viem';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy, readAllPairs, totalKeys } from '../chain/contract.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { startMeddler } from '../chain/meddler.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, Store, archivedEntries, assertSameEntries, run, start, whileRunning, workspace,
} from './harness.mjs';

const ENTRIES = 150;
const DEPTH = 12;
const directory = workspace({ after });
let store;

before(async () => {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    try {
        const address = await deploy(chain.url);
        await createEntries(chain.url, address, realisticEntries(ENTRIES));
        store = new Store(directory, { url: chain.url, address }, { 'contract-block': 'latest' });
        await store.mustRun();
    } finally {
        await chain.stop();
    }
    writeFileSync(join(directory, 'key.json'), keystoreText(testKey(0), 'x'));
    writeFileSync(join(directory, 'password'), 'x');
});

async function height(url) {
    return Number(await rpc(url, 'eth_blockNumber'));
}

async function target(t) {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const contract = await deploy(chain.url);
    return { chain, contract, deployedAt: await height(chain.url) };
}

function restoreArgs(url, contract, confirmations = 0) {
    return [...store.args('restore', '--yes', '--rpc-url', url, '--contract', contract,
        '--keystore', join(directory, 'key.json'), '--password-file', join(directory, 'password'),
        '--max-total-cost', '10ether'), '--json', '--log-level', 'warn',
        '--contract-confirmations', String(confirmations)];
}

/** Waits until the contract has so many keys, then takes the newest blocks back, never its own. */
async function reorganise({ chain, contract, deployedAt }, keys, most = DEPTH) {
    while (await totalKeys(chain.url, contract) < keys) await setTimeout(3);
    // Mining goes on only then: anvil's state is neither chain's while it reorganises.
    await rpc(chain.url, 'evm_setAutomine', false);
    await setTimeout(300);
    const depth = Math.min(most, await height(chain.url) - deployedAt);
    await rpc(chain.url, 'anvil_reorg', depth, []);
    const left = await totalKeys(chain.url, contract);
    await rpc(chain.url, 'evm_setAutomine', true);
    assert.ok(left < ENTRIES, `${left} keys are left`);
}

async function assertEqual({ chain, contract }) {
    const byKey = (a, b) => (a.key < b.key ? -1 : 1);
    const inHex = ({ key, value, versionId }) => Object.fromEntries(
        Object.entries({ key, value, versionId })
            .map(([name, bytes]) => [name, `0x${bytes.toString('hex')}`]));
    assertSameEntries((await readAllPairs(chain.url, contract)).sort(byKey),
        archivedEntries(store.archivePath()).map(inHex).sort(byKey));
}

test('while it sends', async (t) => {
    const to = await target(t);
    const child = start(restoreArgs(to.chain.url, to.contract));
    await whileRunning(child, reorganise(to, 20));
    const { code, stdout, stderr } = await child.done;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /reorganis/);
    assert.equal(JSON.parse(stdout).equal, ENTRIES);
    await assertEqual(to);
});

test('while it waits for confirmations', async (t) => {
    const to = await target(t);
    const child = start(restoreArgs(to.chain.url, to.contract, 3));
    await whileRunning(child, reorganise(to, ENTRIES));
    let over = false;
    child.done.then(() => { over = true; });
    while (!over) {
        await rpc(to.chain.url, 'evm_mine');
        await setTimeout(200);
    }
    const { code, stdout, stderr } = await child.done;
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).equal, ENTRIES);
    await assertEqual(to);
});

test('between a kill and the next run', async (t) => {
    const to = await target(t);
    const child = start(restoreArgs(to.chain.url, to.contract));
    await whileRunning(child, (async () => {
        while (await totalKeys(to.chain.url, to.contract) < 60) await setTimeout(3);
    })());
    child.kill('SIGKILL');
    await child.done;
    await reorganise(to, 60);
    const { code, stdout, stderr } = await run(restoreArgs(to.chain.url, to.contract));
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).resumed, true);
    await assertEqual(to);
    const [account] = await rpc(to.chain.url, 'eth_accounts');
    assert.equal(Number(await rpc(to.chain.url, 'eth_getTransactionCount', account, 'latest')) - 1,
        ENTRIES, 'one transaction an entry');
});

test('what a node has no receipts for is not named as refused', async (t) => {
    const to = await target(t);
    const last = realisticEntries(ENTRIES).slice(-3).map(({ key }) => key.toString('hex'));
    const silent = new Set();
    const meddler = await startMeddler(to.chain.url, ({ method, params }) => {
        if (method === 'eth_sendRawTransaction' && last.some((key) => params[0].includes(key)))
            silent.add(keccak256(params[0]));
        return method === 'eth_getTransactionReceipt' && silent.has(params[0])
            ? { result: null } : undefined;
    });
    t.after(() => meddler.stop());
    // One block less than those three: the newest of them is not in the block that is compared.
    const child = start(restoreArgs(meddler.url, to.contract, 1));
    let over = false;
    child.done.then(() => { over = true; });
    while (!over) {
        await setTimeout(200);
        if (/took its nonce[^]*took its nonce[^]*took its nonce/.test(child.soFar.stderr)) {
            await setTimeout(1500);
            await rpc(to.chain.url, 'evm_mine');
        }
    }
    const { code, stdout, stderr } = await child.done;
    assert.equal(code, 0, stderr);
    assert.equal(silent.size, 3);
    assert.equal(JSON.parse(stdout).refused, 0);
    assert.equal(JSON.parse(stdout).equal, ENTRIES);
});
