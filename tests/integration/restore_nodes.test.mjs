// SPDX-License-Identifier: Apache-2.0
//
// backup restore against what nodes answer to those who send: every case ends with each entry sent
// once, or with one clear line.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { keccak256, parseTransaction } from 'viem';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy, totalKeys } from '../chain/contract.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { Cut, startMeddler } from '../chain/meddler.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, Store, assertFailed, run, start, whileRunning, workspace,
} from './harness.mjs';

const ENTRIES = 120;
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

function restoreArgs(url, target, max = '10ether') {
    return store.args('restore', '--yes', '--rpc-url', url,
        '--contract', target, '--keystore', join(directory, 'key.json'),
        '--password-file', join(directory, 'password'), '--contract-confirmations', '0',
        '--max-total-cost', max);
}

/** Restores through a meddler onto a new chain. */
async function restoreThrough(t, meddle, more = ['--json']) {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const target = await deploy(chain.url);
    const meddler = await startMeddler(chain.url, meddle);
    t.after(() => meddler.stop());
    const result = await run([...restoreArgs(meddler.url, target), ...more]);
    const [account] = await rpc(chain.url, 'eth_accounts');
    return {
        ...result,
        calls: meddler.calls,
        chain,
        sent: Number(await rpc(chain.url, 'eth_getTransactionCount', account, 'latest')) - 1,
        keys: await totalKeys(chain.url, target),
    };
}

function assertRestored({ code, stderr, stdout, sent, keys }) {
    assert.equal(code, 0, stderr);
    assert.equal(keys, ENTRIES);
    assert.equal(sent, ENTRIES, 'one transaction an entry');
    const result = JSON.parse(stdout);
    assert.equal(result.equal, ENTRIES);
    return result;
}

/** Meddles with every nth call of a method. */
function everyNth(n, method, said) {
    let count = 0;
    return (call) => (call.method === method && ++count % n === 0 ? said(call) : undefined);
}

/** Meddles with the first calls of a method. */
function first(n, method, said) {
    let count = 0;
    return (call) => (call.method === method && ++count <= n ? said(call) : undefined);
}

const refusal = (message, code = -32000) => () => ({ error: { code, message } });

test('the answer to every third transaction is lost: the node knows it already', async (t) => {
    const seen = new Set();
    const result = await restoreThrough(t, ({ method, params }) => {
        if (method !== 'eth_sendRawTransaction' || seen.has(params[0])) return undefined;
        seen.add(params[0]);
        return seen.size % 3 === 0 ? new Cut({ after: true }) : undefined;
    });
    assertRestored(result);
    assert.equal(result.calls.get('eth_sendRawTransaction'), ENTRIES + ENTRIES / 3);
});

test('every fifth call of any kind is cut off at first', async (t) => {
    const seen = new Set();
    assertRestored(await restoreThrough(t, ({ method, params }) => {
        const call = JSON.stringify([method, params]);
        if (seen.has(call)) return undefined;
        seen.add(call);
        return seen.size % 5 === 0 ? new Cut() : undefined;
    }));
});

test('the pool is full for a while', async (t) => {
    assertRestored(await restoreThrough(t,
        first(20, 'eth_sendRawTransaction', refusal('txpool is full'))));
});

for (const said of ['txpool is full', 'Nonce too high. Expected nonce to be 1 but got 2.']) {
    test(`"${said}" for ever: a warning, and an end`, async (t) => {
        const result = await restoreThrough(t, everyNth(1, 'eth_sendRawTransaction', refusal(said)),
            ['--replace-after', '100ms', '--log-level', 'warn', '--log-format', 'json']);
        assert.equal(result.code, 4, result.stderr);
        const lines = result.stderr.trimEnd().split('\n');
        assert.match(lines.at(-1), /none of the 64 .* was mined for 2 seconds/);
        const warnings = lines.filter((line) => line.includes('only later'));
        assert.ok(warnings.length > 0 && warnings[0].includes(said), result.stderr);
        assert.equal(result.sent, 0);
    });
}

test('the pool takes all and nothing is mined: an end, and the next run goes on', async (t) => {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const target = await deploy(chain.url);
    const args = restoreArgs(chain.url, target);
    await rpc(chain.url, 'evm_setAutomine', false);
    assertFailed(await run([...args, '--quiet', '--replace-after', '100ms']), 4,
        'ContractConnectionError', /none of the 64 transactions .* was mined/);
    await rpc(chain.url, 'evm_mine');
    await rpc(chain.url, 'evm_setAutomine', true);
    const { code, stderr } = await run([...args, '--json']);
    assert.equal(code, 0, stderr);
    assert.equal(await totalKeys(chain.url, target), ENTRIES);
});

test('the pool wants more for gas than the node had said', async (t) => {
    const seen = new Set();
    const result = assertRestored(await restoreThrough(t, ({ method, params }) => {
        if (method !== 'eth_sendRawTransaction' || seen.size >= 10) return undefined;
        seen.add(params[0]);
        return refusal('transaction underpriced')();
    }));
    assert.ok(result.replaced >= 5, `${result.replaced} were offered more for`);
});

test('killed, and the first version of a replaced one is mined: the next run knows it', async (t) => {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const target = await deploy(chain.url);
    await rpc(chain.url, 'evm_setAutomine', false);
    const firsts = new Map(); // by nonce
    let swallowed = 0;
    const meddler = await startMeddler(chain.url, ({ method, params }) => {
        if (method !== 'eth_sendRawTransaction') return undefined;
        const { nonce } = parseTransaction(params[0]);
        if (!firsts.has(nonce)) firsts.set(nonce, params[0]);
        if (firsts.get(nonce) === params[0]) return undefined;
        swallowed++;
        return { result: keccak256(params[0]) };
    });
    t.after(() => meddler.stop());
    const child = start([...restoreArgs(meddler.url, target), '--replace-after', '500ms']);
    await whileRunning(child, (async () => {
        while (swallowed < 1 || firsts.size < 20) await setTimeout(5);
    })());
    child.kill('SIGKILL');
    await child.done;
    await rpc(chain.url, 'evm_mine');
    await rpc(chain.url, 'evm_setAutomine', true);
    const { code, stdout, stderr } = await run([...restoreArgs(chain.url, target), '--json',
        '--log-level', 'warn']);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /took its nonce/);
    const result = JSON.parse(stdout);
    assert.equal(result.failed, 0);
    assert.equal(result.mined, ENTRIES);
    const [account] = await rpc(chain.url, 'eth_accounts');
    assert.equal(Number(await rpc(chain.url, 'eth_getTransactionCount', account, 'latest')) - 1,
        ENTRIES, 'one transaction an entry');
});

test('two restores of different contracts with one account: the second says so', async (t) => {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const [target, other] = [await deploy(chain.url), await deploy(chain.url)];
    await rpc(chain.url, 'evm_setAutomine', false);
    const child = start([...restoreArgs(chain.url, target), '--json']);
    await whileRunning(child, (async () => {
        while (Number((await rpc(chain.url, 'txpool_status')).pending) < 20) await setTimeout(5);
    })());
    assertFailed(await run([...restoreArgs(chain.url, other), '--quiet']), 10, 'BusyError',
        /another restore with account 0x\w{40} is running/);
    await rpc(chain.url, 'evm_mine');
    await rpc(chain.url, 'evm_setAutomine', true);
    assert.equal((await child.done).code, 0);
    assert.equal((await run([...restoreArgs(chain.url, other), '--json'])).code, 0);
    for (const address of [target, other])
        assert.equal(await totalKeys(chain.url, address), ENTRIES);
});

test('the pool wants more than is allowed', async (t) => {
    const result = await restoreThrough(t,
        everyNth(1, 'eth_sendRawTransaction', refusal('transaction underpriced')),
        ['--quiet', '--max-fee-per-gas', '3gwei']);
    assertFailed(result, 7, 'ResourceError', /--max-fee-per-gas/);
    assert.equal(result.sent, 0);
});

test('the chain has base fees and takes legacy transactions only', async (t) => {
    const result = await restoreThrough(t, ({ method, params }) =>
        (method === 'eth_sendRawTransaction' && params[0].startsWith('0x02')
            ? refusal('transaction type not supported')() : undefined));
    assertRestored(result);
    let block = await rpc(result.chain.url, 'eth_getBlockByNumber', 'latest', true);
    while (block.transactions.length === 0) // one that was mined while nothing waited
        block = await rpc(result.chain.url, 'eth_getBlockByHash', block.parentHash, true);
    assert.equal(block.transactions[0].type, '0x0');
});

test('a node that takes no type of transaction at all', async (t) => {
    const result = await restoreThrough(t, everyNth(1, 'eth_sendRawTransaction',
        refusal('transaction type not supported')), ['--quiet']);
    assertFailed(result, 4, 'ContractConnectionError', /type not supported/);
    assert.equal(result.sent, 0);
    const sends = result.calls.get('eth_sendRawTransaction');
    assert.ok(sends <= 2 * 64, `${sends} sends: each transaction of the window at most as two types`);
});

test('a node that takes one transaction at a time, in order', async (t) => {
    let under = 0;
    const result = await restoreThrough(t, async ({ method }) => {
        if (method !== 'eth_sendRawTransaction') return undefined;
        if (under > 0) return refusal('Nonce too high. Expected nonce to be 5 but got 7.')();
        under++;
        setTimeout(3).then(() => { under--; });
        return undefined;
    });
    assertRestored(result);
});

test('receipts come late', async (t) => {
    const asked = new Map();
    assertRestored(await restoreThrough(t, ({ method, params }) => {
        if (method !== 'eth_getTransactionReceipt') return undefined;
        const times = (asked.get(params[0]) ?? 0) + 1;
        asked.set(params[0], times);
        return times <= 2 ? { result: null } : undefined;
    }));
});

test('some entries are refused: the others are restored, and they are named', async (t) => {
    const refusedOnes = [3, 17, 18, 40, 41, 77, 100, 119];
    const entries = realisticEntries(ENTRIES);
    const keys = refusedOnes.map((i) => entries[i].key.toString('hex'));
    const result = await restoreThrough(t, ({ method, params }) =>
        (method === 'eth_estimateGas' && keys.some((key) => params[0].data.includes(key))
            ? refusal('execution reverted: not this one', 3)() : undefined));
    assert.equal(result.code, 8, result.stderr);
    assert.match(result.stderr, /8 of 120 entries were not restored, the first is entry 3: .*not this/);
    assert.deepEqual(JSON.parse(result.stdout).refusals.map(({ entry }) => entry), refusedOnes);
    assert.equal(result.keys, ENTRIES - refusedOnes.length);
});

test('a contract that refuses all: nothing is sent', async (t) => {
    const result = await restoreThrough(t, everyNth(1, 'eth_estimateGas',
        refusal('execution reverted: no', 3)), ['--quiet']);
    assertFailed(result, 3, 'ValidationError', /takes no new keys/);
    assert.equal(result.sent, 0);
});

test('no receipts at all: the newest block shows what is there, nothing is sent twice', async (t) => {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => chain.stop());
    const target = await deploy(chain.url);
    await createEntries(chain.url, target, realisticEntries(ENTRIES).map((entry) => (
        { ...entry, value: Buffer.from('old'), versionId: Buffer.from('v0') })));
    await rpc(chain.url, 'anvil_mine', '0x14');
    const meddler = await startMeddler(chain.url, everyNth(1, 'eth_getTransactionReceipt',
        () => ({ result: null })));
    t.after(() => meddler.stop());
    const [account] = await rpc(chain.url, 'eth_accounts');
    const count = async () =>
        Number(await rpc(chain.url, 'eth_getTransactionCount', account, 'latest'));
    const before_ = await count();
    const child = start([...restoreArgs(meddler.url, target), '--contract-confirmations', '12',
        '--new-version-suffix', '-r', '--json']);
    let over = false;
    const ticks = (async () => {
        while (!over) {
            await setTimeout(50);
            if (await count() - before_ >= ENTRIES) await rpc(chain.url, 'evm_mine');
        }
    })();
    const { code, stdout, stderr } = await child.done;
    over = true;
    await ticks;
    assert.equal(code, 0, stderr);
    assert.equal(await count() - before_, ENTRIES, 'each is edited once');
    assert.equal(JSON.parse(stdout).equal, ENTRIES);
});

test('a node without eth_maxPriorityFeePerGas', async (t) => {
    assertRestored(await restoreThrough(t,
        everyNth(1, 'eth_maxPriorityFeePerGas', refusal('the method does not exist', -32601))));
});

test('throttled: it takes longer, and that is all', async (t) => {
    assertRestored(await restoreThrough(t, everyNth(7, 'eth_estimateGas',
        refusal('too many requests', -32005))));
});

test('the money runs out on the way: one line, and the next run goes on', async (t) => {
    const result = await restoreThrough(t, everyNth(60, 'eth_sendRawTransaction',
        refusal('insufficient funds for gas * price + value: address 0x0 have 1 want 2')), ['--quiet']);
    assertFailed(result, 7, 'ResourceError', /insufficient funds.*run the same again/);
});
