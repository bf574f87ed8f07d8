// SPDX-License-Identifier: Apache-2.0
//
// backup restore: a backup put back onto a real chain, all of it, and nothing twice.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { privateKeyToAddress } from 'viem/accounts';
import { startAnvil } from '../chain/anvil.mjs';
import { spawnChild } from '../chain/children.mjs';
import { createEntries, deploy, editEntry, readAllPairs, totalKeys } from '../chain/contract.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { startMeddler } from '../chain/meddler.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, DATE, Store, archivedEntries, assertFailed, assertSameEntries, program, run, start,
    unzip, whileRunning, workspace,
} from './harness.mjs';

const PASSWORD = 'correct horse';

/** A backup of entries, made from a chain that is gone when it is used. */
async function backUp(directory, entries) {
    const chain = await startAnvil({ args: ANVIL_ARGS });
    try {
        const address = await deploy(chain.url);
        await createEntries(chain.url, address, entries);
        const store = new Store(directory, { url: chain.url, address },
            { 'contract-block': 'latest', 'page-size': 50 });
        await store.mustRun();
        return store;
    } finally {
        await chain.stop();
    }
}

/** The flags of one restore; `more` are added or replace. */
function restoreArgs(t, store, url, contract, more = {}) {
    const directory = workspace(t);
    const key = join(directory, 'key.json');
    const password = join(directory, 'password');
    writeFileSync(key, keystoreText(more.key ?? testKey(0), PASSWORD));
    writeFileSync(password, `${more.password ?? PASSWORD}\n`);
    const { key: _, password: __, ...flags } = more;
    const options = {
        'rpc-url': url,
        contract,
        keystore: key,
        'password-file': password,
        'max-total-cost': '100ether',
        'contract-confirmations': 0,
        ...flags,
    };
    return store.args('restore', ...Object.entries(options)
        .filter(([, value]) => value !== null)
        .flatMap(([name, value]) => [`--${name}`, String(value)]));
}

async function restore(t, store, url, contract, more, ...words) {
    const { code, stdout, stderr } =
        await run([...restoreArgs(t, store, url, contract, more), '--yes', '--json', ...words]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
}

async function pairsOf(url, address) {
    return (await readAllPairs(url, address)).map((pair) => Object.fromEntries(
        Object.entries(pair).map(([name, hex]) => [name, Buffer.from(hex.slice(2), 'hex')])));
}

async function sentBy(url, index = 0) {
    const account = privateKeyToAddress(`0x${testKey(index).toString('hex')}`);
    return Number(await rpc(url, 'eth_getTransactionCount', account, 'latest'));
}

async function withAnvil(t, ...args) {
    const chain = await startAnvil({ args: [...ANVIL_ARGS, ...args] });
    t.after(() => chain.stop());
    return chain;
}

/** Of every transaction in every block; an automining node may well make an empty one last. */
async function typesOfTransactions(url) {
    const types = [];
    const latest = Number(await rpc(url, 'eth_blockNumber'));
    for (let number = 0; number <= latest; number++) {
        const block = await rpc(url, 'eth_getBlockByNumber', `0x${number.toString(16)}`, true);
        types.push(...block.transactions.map(({ type }) => type));
    }
    return types;
}

describe('a thousand entries and odd ones', () => {
    const entries = [...oddEntries(), ...realisticEntries(1000)];
    const directory = workspace({ after });
    let store;
    before(async () => { store = await backUp(directory, entries); });

    test('come back, and a backup of them is the same', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const result = await restore(t, store, chain.url, target);
        assert.equal(result.plan.create, entries.length);
        assert.equal(result.plan.fees, 'eip1559');
        assert.equal(result.sent, entries.length);
        assert.equal(result.equal, entries.length);
        assert.equal(await sentBy(chain.url), 1 + entries.length, 'nothing was sent twice');
        assertSameEntries(await pairsOf(chain.url, target), entries);

        const again = new Store(join(workspace(t), 'again'), { url: chain.url, address: target },
            { 'contract-block': 'latest', 'page-size': 50 });
        await again.mustRun();
        assertSameEntries(archivedEntries(again.archivePath()), entries);
        assert.deepEqual(unzip('-p', again.archivePath(), 'page_*'),
            unzip('-p', store.archivePath(), 'page_*'), 'the pages are the same, byte for byte');
    });

    test('on a chain without base fees', async (t) => {
        const chain = await withAnvil(t, '--hardfork', 'berlin');
        const target = await deploy(chain.url, { gasPrice: '0x77359400' });
        const result = await restore(t, store, chain.url, target);
        assert.equal(result.plan.fees, 'legacy');
        assert.equal(result.sent, entries.length);
        assertSameEntries(await pairsOf(chain.url, target), entries);
        const types = await typesOfTransactions(chain.url);
        assert.equal(types.length, 1 + entries.length);
        assert.deepEqual([...new Set(types)], ['0x0']);
    });

    test('half of them are there: only the others are sent', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const there = entries.filter((_, i) => i % 2 === 0);
        await createEntries(chain.url, target, there);
        const sentBefore = await sentBy(chain.url);
        const result = await restore(t, store, chain.url, target);
        assert.equal(result.plan.equal, there.length);
        assert.equal(result.plan.create, entries.length - there.length);
        assert.equal(await sentBy(chain.url) - sentBefore, entries.length - there.length);
        const pairs = await pairsOf(chain.url, target);
        const sorted = (list) => [...list].sort((a, b) => Buffer.compare(a.key, b.key));
        assertSameEntries(sorted(pairs), sorted(entries));
    });
});

describe('some hundred entries', () => {
    const entries = realisticEntries(300);
    const directory = workspace({ after });
    let store;
    before(async () => { store = await backUp(directory, entries); });

    test('a contract that differs: edited, created, and what is only there stays', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const other = (entry) => ({ ...entry, value: Buffer.from('other'),
            versionId: Buffer.from('v0') });
        const extra = { key: Buffer.from('only here'), value: Buffer.from('1'),
            versionId: Buffer.from('v') };
        await createEntries(chain.url, target, [
            ...entries.slice(0, 50), extra, ...entries.slice(50, 120).map(other)]);
        const result = await restore(t, store, chain.url, target);
        assert.equal(result.plan.equal, 50);
        assert.equal(result.plan.edit, 70);
        assert.equal(result.plan.create, 180);
        assert.equal(result.plan.only_on_chain, 1);
        assert.deepEqual(result.plan.only_on_chain_indexes, [50]);
        const pairs = await pairsOf(chain.url, target);
        assertSameEntries(pairs.filter(({ key }) => !key.equals(extra.key)), entries);
        assertSameEntries(pairs.slice(50, 51), [extra]);
    });

    test('a version that its key has had already is refused, and a suffix is the way on', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        await createEntries(chain.url, target, entries.slice(0, 10));
        for (const entry of entries.slice(0, 3)) {
            await editEntry(chain.url, target,
                { ...entry, value: Buffer.from('newer'), versionId: Buffer.from('v9') });
        }
        const args = restoreArgs(t, store, chain.url, target);
        const dry = await run([...args, '--dry-run', '--json']);
        assert.equal(dry.code, 8, 'the plan says it beforehand');
        const refused = await run([...args, '--yes', '--json']);
        assert.equal(refused.code, 8, refused.stderr);
        assert.match(refused.stderr, /3 of 300 entries were not restored.*version exists/);
        assert.match(refused.stderr, /--new-version-suffix/);
        const result = JSON.parse(refused.stdout);
        assert.equal(result.refused, 3);
        assert.deepEqual(result.refusals.map(({ entry }) => entry), [0, 1, 2]);
        assert.equal(result.equal, 297, 'the others are restored');

        const suffixed = await restore(t, store, chain.url, target,
            { 'new-version-suffix': '-restored' });
        assert.equal(suffixed.sent, 3);
        assert.equal(suffixed.equal, 300);
        const pairs = await pairsOf(chain.url, target);
        assert.deepEqual(pairs[0].value, entries[0].value);
        assert.equal(pairs[0].versionId.toString(), `${entries[0].versionId}-restored`);
        const third = await restore(t, store, chain.url, target,
            { 'new-version-suffix': '-restored' });
        assert.equal(third.sent, 0, 'the second time there is nothing to do');
    });

    test('--dry-run shows the plan and sends nothing', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const args = restoreArgs(t, store, chain.url, target,
            { keystore: null, 'password-file': null });
        const { code, stdout } = await run([...args, '--dry-run']);
        assert.equal(code, 0);
        assert.match(stdout, /to create +300/);
        assert.match(stdout, /cost, about +0\.\d+ ether/);
        assert.equal(await sentBy(chain.url), 1);
        const plan = JSON.parse((await run([...args, '--dry-run', '--json'])).stdout).plan;
        const { gas_used } = await restore(t, store, chain.url, target);
        const ratio = plan.gas / gas_used;
        assert.ok(ratio > 0.95 && ratio < 1.1, `the gas was estimated well: ${ratio}`);
    });

    test('killed at random instants and run again: nothing is sent twice', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const args = [...restoreArgs(t, store, chain.url, target), '--yes', '--json'];
        let kills = 0;
        let last;
        for (let goal = 1; !last; goal += 40) {
            const child = start(args);
            const reached = (async () => {
                while (await totalKeys(chain.url, target) < goal) await setTimeout(3);
                await setTimeout(Math.random() * 60);
            })();
            last = await Promise.race([child.done, reached]);
            if (last) break;
            const signal = kills % 2 === 0 ? 'SIGKILL' : 'SIGINT';
            child.kill(signal);
            const end = await child.done;
            if (signal === 'SIGINT' && end.signal !== 'SIGINT') { // which it is before main
                assert.equal(end.code, 130, JSON.stringify(end));
            }
            kills++;
            if (goal > 300) last = await run(args);
        }
        assert.ok(kills >= 1);
        assert.equal(last.code, 0, last.stderr);
        assert.equal(JSON.parse(last.stdout).resumed, true);
        assert.equal(await sentBy(chain.url), 301, 'one transaction an entry, and the deployment');
        const pairs = await pairsOf(chain.url, target);
        const sorted = (list) => [...list].sort((a, b) => Buffer.compare(a.key, b.key));
        assertSameEntries(sorted(pairs), sorted(entries));
    });

    test('what was recorded and never sent is sent by the next run, the very same', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const args = [...restoreArgs(t, store, chain.url, target), '--yes', '--json'];
        await rpc(chain.url, 'evm_setAutomine', false); // all stays in the pool
        const child = start(args);
        await whileRunning(child, (async () => {
            while (Number((await rpc(chain.url, 'txpool_status')).pending) < 20) await setTimeout(5);
        })());
        child.kill('SIGKILL');
        await child.done;
        const waiting = await rpc(chain.url, 'txpool_content');
        const hashes = Object.values(Object.values(waiting.pending)[0]).map(({ hash }) => hash);
        await rpc(chain.url, 'anvil_dropAllTransactions');
        await rpc(chain.url, 'evm_setAutomine', true);
        const { code, stdout, stderr } = await run(args);
        assert.equal(code, 0, stderr);
        assert.equal(JSON.parse(stdout).resumed, true);
        assert.equal(await sentBy(chain.url), 301);
        for (const hash of hashes) {
            const receipt = await rpc(chain.url, 'eth_getTransactionReceipt', hash);
            assert.equal(receipt?.status, '0x1', `${hash} is on the chain`);
        }
    });

    test('gas gets dearer: what waits is replaced', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        await rpc(chain.url, 'evm_setAutomine', false);
        const child = start([...restoreArgs(t, store, chain.url, target,
            { 'replace-after': '300ms' }), '--yes', '--json']);
        await whileRunning(child, (async () => {
            while (Number((await rpc(chain.url, 'txpool_status')).pending) < 20) await setTimeout(5);
            await rpc(chain.url, 'anvil_setNextBlockBaseFeePerGas', '0x2540be400'); // 10 gwei
            await rpc(chain.url, 'evm_mine');
            await rpc(chain.url, 'evm_setIntervalMining', 1);
        })());
        const { code, stdout, stderr } = await child.done;
        assert.equal(code, 0, stderr);
        const result = JSON.parse(stdout);
        assert.ok(result.replaced > 0, 'some were replaced');
        assert.equal(result.equal, 300);
        assert.equal(await sentBy(chain.url), 301);
    });

    const balance = async (url) => BigInt(await rpc(url, 'eth_getBalance',
        privateKeyToAddress(`0x${testKey(0).toString('hex')}`), 'latest'));

    test('gas gets much dearer: what is replaced stays within --max-total-cost', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const had = await balance(chain.url);
        await rpc(chain.url, 'evm_setAutomine', false);
        const child = start([...restoreArgs(t, store, chain.url, target,
            { 'replace-after': '300ms', 'max-total-cost': '0.3ether' }), '--yes', '--quiet']);
        const spoiler = (async () => {
            while (Number((await rpc(chain.url, 'txpool_status')).pending) < 20) await setTimeout(5);
            await setTimeout(300);
            await rpc(chain.url, 'anvil_setNextBlockBaseFeePerGas', '0x9502f9000'); // 40 gwei
            await rpc(chain.url, 'evm_mine');
            let over = false;
            child.done.then(() => { over = true; });
            for (let i = 0; !over; i++) {
                await setTimeout(i === 0 ? 3000 : 100);
                await rpc(chain.url, 'evm_mine');
            }
        })();
        assertFailed(await child.done, 7, 'ResourceError', /over --max-fee-per-gas or --max-total-cost|pass .*--max-total-cost/);
        await spoiler;
        await rpc(chain.url, 'anvil_mine', '0x10');
        const spent = had - await balance(chain.url);
        assert.ok(spent <= 3n * 10n ** 17n, `${spent} wei are spent`);
    });

    test('--max-total-cost is of all runs of a restore, a killed one too', async (t) => {
        const chain = await withAnvil(t, '--hardfork', 'berlin');
        const target = await deploy(chain.url, { gasPrice: '0x77359400' });
        const dry = await run([...restoreArgs(t, store, chain.url, target), '--dry-run', '--json']);
        const { cost_wei: cost, gas_price_wei: price } = JSON.parse(dry.stdout).plan;
        const limit = BigInt(cost) * 11n / 10n;
        const args = [...restoreArgs(t, store, chain.url, target,
            { 'max-total-cost': `${limit}wei` }), '--yes', '--quiet'];
        const had = await balance(chain.url);
        const child = start(args);
        await whileRunning(child, (async () => {
            while (await totalKeys(chain.url, target) < 170) await setTimeout(3);
            await rpc(chain.url, 'evm_setAutomine', false);
        })());
        child.kill('SIGKILL');
        await child.done;
        await rpc(chain.url, 'evm_mine');
        await rpc(chain.url, 'evm_setAutomine', true);
        // What is left would be within the limit at three times the price, had nothing been spent.
        await rpc(chain.url, 'anvil_setMinGasPrice', `0x${(BigInt(price) * 3n).toString(16)}`);
        assertFailed(await run(args), 7, 'ResourceError', /in all, over --max-total-cost/);
        assert.ok(had - await balance(chain.url) <= limit);
        await restore(t, store, chain.url, target);
        assert.equal(await totalKeys(chain.url, target), 300);
        assert.equal(await sentBy(chain.url), 301);
    });

    test('it is done when the last transaction is deep enough', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const child = start([...restoreArgs(t, store, chain.url, target,
            { 'contract-confirmations': 5 }), '--yes', '--json']);
        await whileRunning(child, (async () => {
            while (await totalKeys(chain.url, target) < 300) await setTimeout(20);
            for (let i = 0; i < 5; i++) await rpc(chain.url, 'evm_mine');
        })());
        const { code, stdout, stderr } = await child.done;
        assert.equal(code, 0, stderr);
        const head = Number(await rpc(chain.url, 'eth_blockNumber'));
        assert.ok(JSON.parse(stdout).read_back_block <= head - 5);
    });

    test('at a terminal the password and the address are asked for', async (t) => {
        const chain = await withAnvil(t);
        const target = await deploy(chain.url);
        const args = restoreArgs(t, store, chain.url, target, { 'password-file': null });
        const command = [program, ...args].map((word) => `'${word}'`).join(' ');
        const typed = async (address) => {
            const child = spawnChild('script', ['-qec', command, '/dev/null'],
                { stdio: ['pipe', 'pipe', 'pipe'] });
            let shown = '';
            const steps = [[/Password of keystore/, PASSWORD], [/Type the contract/, address]];
            child.stdout.on('data', (text) => {
                shown += text;
                if (steps.length > 0 && steps[0][0].test(shown)) {
                    child.stdin.write(`${steps.shift()[1]}\r`);
                }
            });
            const { code } = await child.ended;
            return { code, shown };
        };
        const wrong = await typed('0x0000000000000000000000000000000000000001');
        assert.equal(wrong.code, 130, wrong.shown);
        assert.equal(await sentBy(chain.url), 1);
        assert.ok(!wrong.shown.includes(PASSWORD), 'the password is not shown');
        const right = await typed(target);
        assert.equal(right.code, 0, right.shown);
        assert.equal(await totalKeys(chain.url, target), 300);
    });

    describe('a drill on a scratch chain', () => {
        const drill = async (more) => {
            const { code, stdout, stderr } = await run(store.args('test-restore', '--json', ...more));
            assert.equal(code, 0, stderr);
            return JSON.parse(stdout);
        };

        test('paid by an account of the node', async (t) => {
            const chain = await withAnvil(t);
            const result = await drill(['--rpc-url', chain.url]);
            assert.equal(result.outcome, 'valid');
            assert.equal(result.equal, 300);
            assertSameEntries(await pairsOf(chain.url, result.contract), entries);
            const { checks } = await store.json('status');
            const check = checks.find(({ kind }) => kind === 'test_restore_chain');
            assert.equal(check.outcome, 'valid');
            assert.equal(check.keys, 300);
        });

        test('on another chain than the configured one', async (t) => {
            const chain = await withAnvil(t);
            const result = await drill(['--rpc-url', chain.url, '--contract-chain-id', '50']);
            assert.equal(result.equal, 300);
        });

        test('an entry that the chain does not take says nothing about the backup', async (t) => {
            const chain = await withAnvil(t);
            const key = entries[7].key.toString('hex');
            const meddler = await startMeddler(chain.url, ({ method, params }) =>
                (method === 'eth_estimateGas' && params[0].data.includes(key)
                    ? { error: { code: 3, message: 'execution reverted: not here' } } : undefined));
            t.after(() => meddler.stop());
            const result = await run(store.args('test-restore', '--rpc-url', meddler.url));
            assert.equal(result.code, 8, result.stderr);
            assert.match(result.stderr, /entry 7: .*not here/);
            const { checks } = await store.json('status');
            const check = checks.find(({ kind }) => kind === 'test_restore_chain');
            assert.equal(check.outcome, 'not_checked');
        });

        test('a node that is not there says nothing about the backup', async () => {
            const result = await run(store.args('test-restore', '--rpc-url', 'http://127.0.0.1:1',
                '--retry-attempts', '1'));
            assertFailed(result, 4, 'ContractConnectionError');
            const { checks } = await store.json('status');
            const check = checks.find(({ kind }) => kind === 'test_restore_chain');
            assert.equal(check.outcome, 'not_checked');
        });

        test('on a chain without base fees', async (t) => {
            const chain = await withAnvil(t, '--hardfork', 'berlin');
            assert.equal((await drill(['--rpc-url', chain.url])).equal, 300);
        });

        test('paid by a keystore', async (t) => {
            const chain = await withAnvil(t);
            const directory = workspace(t);
            writeFileSync(join(directory, 'key.json'), keystoreText(testKey(1), PASSWORD));
            writeFileSync(join(directory, 'password'), PASSWORD);
            const result = await drill(['--rpc-url', chain.url,
                '--keystore', join(directory, 'key.json'),
                '--password-file', join(directory, 'password')]);
            assert.equal(result.equal, 300);
            assert.equal(await sentBy(chain.url, 1), 301);
        });
    });

    describe('what goes wrong is one clear line, and nothing is sent', () => {
        let chain;
        let target;
        before(async () => {
            chain = await startAnvil({ args: ANVIL_ARGS });
            target = await deploy(chain.url);
        });
        after(() => chain.stop());

        const cases = [
            ['a wrong password', { password: 'wrong' }, 9, 'AccessError', /password is wrong/],
            ['a wrong chain id', { 'contract-chain-id': 5 }, 3, 'ValidationError',
                /on chain 31337, not 5/],
            ['no right to write', { key: testKey(1) }, 9, 'AccessError',
                /may not write.*setOperator\(0x70997970C51812dc3A010C7d01b50e0d17dc79C8\)/],
            ['too little allowed', { 'max-total-cost': '0.001ether' }, 7, 'ResourceError',
                /over --max-total-cost 0\.001 ether/],
            ['gas too dear', { 'max-fee-per-gas': '1wei' }, 7, 'ResourceError',
                /over --max-fee-per-gas 1 wei/],
            ['no unit', { 'max-total-cost': '1' }, 2, 'UsageError', /no amount/],
            ['no keystore', { keystore: '/nonexistent' }, 11, 'NotFoundError', /keystore/],
            ['no such backup', { 'backup-date': '2020-01-01' }, 11, 'NotFoundError', /2020-01-01/],
            ['no contract there', { contract: '0x0000000000000000000000000000000000001234' }, 3,
                'ValidationError', /no (code|contract)/],
            ['no node there', { 'rpc-url': 'http://127.0.0.1:1', 'retry-attempts': 1 }, 4,
                'ContractConnectionError', /127\.0\.0\.1:1/],
        ];
        for (const [name, more, code, type, pattern] of cases) {
            test(name, async (t) => {
                const args = restoreArgs(t, store, chain.url, target, more);
                assertFailed(await run([...args, '--yes']), code, type, pattern);
                assert.equal(await sentBy(chain.url), 1);
            });
        }

        test('an account without money', async (t) => {
            await rpc(chain.url, 'anvil_setBalance',
                privateKeyToAddress(`0x${testKey(0).toString('hex')}`), '0x38d7ea4c68000');
            t.after(() => rpc(chain.url, 'anvil_setBalance',
                privateKeyToAddress(`0x${testKey(0).toString('hex')}`), '0x3635c9adc5dea00000'));
            const args = restoreArgs(t, store, chain.url, target);
            assertFailed(await run([...args, '--yes']), 7, 'ResourceError', /0\.001 ether/);
            assert.equal(await sentBy(chain.url), 1);
        });

        test('--yes without --max-total-cost, and nobody to ask', async (t) => {
            const args = restoreArgs(t, store, chain.url, target, { 'max-total-cost': null });
            assertFailed(await run([...args, '--yes']), 2, 'UsageError', /--max-total-cost/);
            assertFailed(await run(args), 2, 'UsageError', /--yes/);
        });

        test('a damaged archive', async (t) => {
            const archive = store.archivePath();
            const bytes = readFileSync(archive);
            t.after(() => writeFileSync(archive, bytes));
            const damaged = Buffer.from(bytes);
            damaged[Math.floor(damaged.length / 2)] ^= 1;
            writeFileSync(archive, damaged);
            const args = restoreArgs(t, store, chain.url, target);
            const result = await run([...args, '--yes']);
            assert.equal(result.code, 8, result.stderr);
            assert.equal(await sentBy(chain.url), 1);
        });

        test('a whole archive that is not the recorded one: nobody reads it', async (t) => {
            const other = await backUp(workspace(t), realisticEntries(290));
            const bytes = readFileSync(store.archivePath());
            const recordSize = (size) => execFileSync('sqlite3', [
                join(store.directory, 'satellite.db'),
                `UPDATE backup_final_status SET file_size = ${size}`]);
            t.after(() => {
                writeFileSync(store.archivePath(), bytes);
                recordSize(bytes.length);
            });
            writeFileSync(store.archivePath(), other.archiveBytes());
            const args = restoreArgs(t, store, chain.url, target);
            const refuse = async (pattern) => {
                for (const words of [['--yes'], ['--dry-run']])
                    assertFailed(await run([...args, ...words]), 8, 'IntegrityError', pattern);
                for (const command of [['export', '--output', '-'], ['test-restore'],
                    ['diff', DATE, DATE]]) {
                    assertFailed(await store.command(...command), 8, 'IntegrityError', pattern);
                }
                assert.equal(await sentBy(chain.url), 1);
            };
            await refuse(/\d+ bytes; the database says \d+/);
            assertFailed(await store.command('get', 'a'), 8, 'IntegrityError', /bytes; the database/);
            recordSize(other.archiveBytes().length);
            await refuse(/its SHA-256 is \w+; the database says/);
        });
    });
});
