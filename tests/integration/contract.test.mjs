// SPDX-License-Identifier: Apache-2.0
//
// The contract itself, on a real node: who may write, what stays readable, how pages are cut.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createPublicClient, createWalletClient, http } from 'viem';
import { foundry } from 'viem/chains';
import { startAnvil } from '../chain/anvil.mjs';
import {
    artifact, createEntries, deploy, plantEntry, readAllPairs,
} from '../chain/contract.mjs';
import { bigEntry, oddEntries } from '../chain/entries.mjs';
import { rpc } from '../chain/rpc.mjs';
import { stateFile } from '../chain/state.mjs';
import { installSynthetic, syntheticEntry } from '../chain/synthetic.mjs';
import { ANVIL_ARGS, assertSameEntries, root, workspace } from './harness.mjs';

const { abi } = artifact;
const ZERO = `0x${'0'.repeat(40)}`;
let node;
let owner;
let other;
let third;
let address;

before(async () => {
    node = await startAnvil({ args: ANVIL_ARGS });
    [owner, other, third] = await rpc(node.url, 'eth_accounts');
});
after(() => node?.stop());
beforeEach(async () => { address = await deploy(node.url); });

function read(functionName, ...args) {
    const client = createPublicClient({ chain: foundry, transport: http(node.url) });
    return client.readContract({ address, abi, functionName, args });
}

/** Simulates first, so that a revert comes with its reason, then sends; returns the logs. */
async function write(account, functionName, ...args) {
    const options = { chain: foundry, transport: http(node.url) };
    const client = createPublicClient(options);
    const { request } = await client.simulateContract(
        { account, address, abi, functionName, args });
    const hash = await createWalletClient({ ...options, account }).writeContract(request);
    return client.waitForTransactionReceipt({ hash, pollingInterval: 5 });
}

function reverts(promise, reason) {
    return assert.rejects(promise, (error) => {
        assert.equal(error.walk?.((cause) => cause.reason)?.reason, reason, error.message);
        return true;
    });
}

describe('writing', () => {
    it('creates keys in order and finds them by version', async () => {
        await write(owner, 'createKeyValue', 'a', '1', 'v1');
        await write(owner, 'createKeyValue', 'b', '2', 'v1');
        assert.equal(await read('getTotalKeys'), 2n);
        assert.deepEqual(await read('getPaginatedKeyValues', 0n, 10n),
            [['a', 'b'], ['1', '2'], ['v1', 'v1']]);
        assert.deepEqual(await read('getKeyValueByVersion', 'b', 'v1'), ['2', true]);
        assert.deepEqual(await read('getKeyValueByVersion', 'b', 'v2'), ['', false]);
        assert.deepEqual(await read('getKeyValueByVersion', 'c', 'v1'), ['', false]);
    });

    it('keeps old versions readable, out of the pages', async () => {
        const long = 'x'.repeat(100);
        await write(owner, 'createKeyValue', 'a', long, 'v1');
        await write(owner, 'editKeyValue', 'a', '', 'v2');
        await write(owner, 'editKeyValue', 'a', 'three', 'v3');
        assert.deepEqual(await read('getPaginatedKeyValues', 0n, 10n), [['a'], ['three'], ['v3']]);
        assert.deepEqual(await read('getKeyValueByVersion', 'a', 'v1'), [long, true]);
        assert.deepEqual(await read('getKeyValueByVersion', 'a', 'v2'), ['', true]);
        assert.deepEqual(await read('getKeyValueByVersion', 'a', 'v3'), ['three', true]);
    });

    it('refuses what would lose something', async () => {
        await write(owner, 'createKeyValue', 'a', '1', 'v1');
        await reverts(write(owner, 'createKeyValue', 'a', '2', 'v2'), 'key exists');
        await reverts(write(owner, 'editKeyValue', 'b', '2', 'v2'), 'key does not exist');
        await reverts(write(owner, 'editKeyValue', 'a', '2', 'v1'), 'version exists');
        await write(owner, 'editKeyValue', 'a', '2', 'v2');
        await reverts(write(owner, 'editKeyValue', 'a', '3', 'v1'), 'version exists');
        await reverts(write(owner, 'editKeyValue', 'a', '3', 'v2'), 'version exists');
    });

    it('tells of what was written', async () => {
        const created = await write(owner, 'createKeyValue', 'a', '1', 'v1');
        const edited = await write(owner, 'editKeyValue', 'a', '2', 'v2');
        const client = createPublicClient({ chain: foundry, transport: http(node.url) });
        const events = await client.getContractEvents({
            address, abi, fromBlock: created.blockNumber, toBlock: edited.blockNumber,
        });
        assert.deepEqual(events.map(({ eventName, args }) => [eventName, args]), [
            ['KeyValueCreated', { key: 'a', value: '1', versionId: 'v1' }],
            ['KeyValueEdited', { key: 'a', newValue: '2', newVersionId: 'v2' }],
        ]);
    });
});

describe('permissions', () => {
    const REFUSED = 'caller is not the operator or the owner';

    it('lets the owner and the operator write, nobody else', async () => {
        await write(owner, 'setOperator', other);
        assert.equal((await read('operator')).toLowerCase(), other);
        await write(other, 'createKeyValue', 'a', '1', 'v1');
        await write(owner, 'editKeyValue', 'a', '2', 'v2');
        await reverts(write(third, 'createKeyValue', 'b', '1', 'v1'), REFUSED);
        await reverts(write(third, 'editKeyValue', 'a', '3', 'v3'), REFUSED);
    });

    it('lets only the owner hand anything over', async () => {
        await write(owner, 'setOperator', other);
        await reverts(write(other, 'setOperator', third), 'caller is not the owner');
        await reverts(write(other, 'transferOwnership', other), 'caller is not the owner');
        await reverts(write(owner, 'transferOwnership', ZERO), 'new owner is the zero address');
        await write(owner, 'transferOwnership', third);
        assert.equal((await read('owner')).toLowerCase(), third);
        await reverts(write(owner, 'createKeyValue', 'a', '1', 'v1'), REFUSED);
        await write(third, 'createKeyValue', 'a', '1', 'v1');
    });
});

describe('pages', () => {
    const LARGEST = 2n ** 256n - 1n;

    it('are clipped at the end and empty past it', async () => {
        for (const key of ['a', 'b', 'c']) await write(owner, 'createKeyValue', key, '', 'v1');
        const keysOf = async (...args) => (await read('getPaginatedKeyValues', ...args))[0];
        assert.deepEqual(await keysOf(0n, 2n), ['a', 'b']);
        assert.deepEqual(await keysOf(2n, 2n), ['c']);
        assert.deepEqual(await keysOf(1n, LARGEST), ['b', 'c']);
        assert.deepEqual(await keysOf(3n, 1n), []);
        assert.deepEqual(await keysOf(LARGEST, LARGEST), []);
        assert.deepEqual(await keysOf(0n, 0n), []);
    });

    it('hold any bytes as they were written', async () => {
        const entries = oddEntries();
        await createEntries(node.url, address, entries);
        assertSameEntries(await readAllPairs(node.url, address), entries);
    });

    it('hold an entry that was planted in storage', async () => {
        const entry = bigEntry(100_000);
        await createEntries(node.url, address, oddEntries().slice(0, 2));
        await plantEntry(node.url, address, entry);
        assertSameEntries((await readAllPairs(node.url, address)).slice(2), [entry]);
        assert.deepEqual(await read('getKeyValueByVersion', 'big', 'v1'),
            [entry.value.toString(), true]);
    });
});

describe('the tools around it', () => {
    it('a loaded state is what transactions would have made', async (t) => {
        const entries = oddEntries();
        const { file, address: loaded } = await stateFile({
            directory: workspace(t), count: entries.length, entryAt: (i) => entries[i],
        });
        const second = await startAnvil({ args: [...ANVIL_ARGS, '--load-state', file] });
        try {
            assertSameEntries(await readAllPairs(second.url, loaded), entries);
        } finally {
            await second.stop();
        }
    });

    it('the synthetic store answers as its description says', async () => {
        const synthetic = await installSynthetic(node.url, 1234);
        const expected = Array.from({ length: 1234 }, (_, i) => syntheticEntry(i));
        assertSameEntries(await readAllPairs(node.url, synthetic), expected);
        assert.equal(expected[7].value.length, 150);
    });

    it('the committed artifacts are what the sources compile to', () => {
        execFileSync(process.execPath, ['scripts/compile-contract.mjs', '--check'],
            { cwd: root, stdio: 'pipe' });
    });
});
