// SPDX-License-Identifier: Apache-2.0
//
// backup verify: valid, invalid and not checked, for people and for programs; against the chain.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { RpcError, isPageCall, startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, assertFailed, workspace } from './harness.mjs';

const ENTRIES = [...realisticEntries(250), ...oddEntries()];
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

async function backedUp(t, settings, from = node) {
    const store = new Store(workspace(t), from, settings);
    await store.mustRun();
    return store;
}

async function verify(store, ...args) {
    const { code, stdout, stderr } = await store.command('verify', ...args, '--json');
    return { code, stderr, backups: stdout === '' ? undefined : JSON.parse(stdout).backups };
}

/** The index of keys as it was written, but for its seed, of which every verification has one. */
function indexSize(store) {
    return readFileSync(store.path(DATE, 'keys.index')).length;
}

function flipByte(path, offset) {
    const bytes = readFileSync(path);
    bytes[offset] ^= 1;
    writeFileSync(path, bytes);
}

describe('a whole backup', () => {
    it('can be verified by several at once', async (t) => {
        const store = await backedUp(t);
        await verify(store);
        const size = indexSize(store);
        for (let round = 0; round < 3; round += 1) {
            rmSync(store.path(DATE, 'keys.index'));
            const results = await Promise.all([verify(store), verify(store), verify(store)]);
            assert.deepEqual(results.map(({ code }) => code), [0, 0, 0]);
            assert.equal(indexSize(store), size);
            assert.deepEqual(readdirSync(store.path(DATE)).filter((name) => /tmp$/.test(name)), []);
        }
    });

    it('is valid, and says how much was looked at', async (t) => {
        const store = await backedUp(t);
        const { code, backups: [result] } = await verify(store);
        assert.equal(code, 0);
        assert.deepEqual(
            { ...result, bytes: undefined, duration_ms: undefined },
            {
                backup_date: DATE,
                findings: [],
                outcome: 'valid',
                problems: 0,
                warnings: 0,
                pages: Math.ceil(ENTRIES.length / 100),
                keys: ENTRIES.length,
                against_chain: false,
                signature: 'none',
                signer: null,
                encrypted: false,
                unseen: null,
                bytes: undefined,
                duration_ms: undefined,
            });
        const sizes = store.manifest().pages.map((page) => page.size);
        assert.equal(result.bytes, sizes.reduce((sum, size) => sum + size));
        const { stdout } = await store.command('verify');
        assert.match(stdout, /^Backup 2024-01-15 is valid: 311 keys in 4 pages, 0 problems/);
    });

    it('is valid without its page files too', async (t) => {
        const store = await backedUp(t, { 'keep-page-files': false });
        assert.ok(!readdirSync(store.path(DATE)).some((name) => name.startsWith('page_')));
        assert.equal((await verify(store)).backups[0].outcome, 'valid');
    });

    it('that has a key twice in different pages is valid, with a warning', async (t) => {
        const twice = await startFakeNode({ entries: [...ENTRIES, ENTRIES[3]] });
        t.after(() => twice.stop());
        const store = await backedUp(t, {}, twice);
        const { code, backups: [result] } = await verify(store);
        assert.equal(code, 0);
        assert.deepEqual(result.findings, [{
            kind: 'warning',
            where: 'archive',
            what: `entries 3 and ${ENTRIES.length} have the same key`,
        }]);
    });
});

describe('a damaged backup', () => {
    it('is invalid, exit 8, and says what and where', async (t) => {
        const store = await backedUp(t);
        flipByte(store.path(DATE, 'page_2.json'), 100);
        const { code, stderr, backups: [result] } = await verify(store);
        assert.equal(code, 8);
        assert.equal(result.outcome, 'invalid');
        assert.deepEqual(result.findings, [{
            kind: 'problem',
            where: 'file page_2.json',
            what: 'not the page that the archive has',
        }]);
        assert.equal(JSON.parse(stderr).error_type, 'IntegrityError');
        const { stdout } = await store.command('verify');
        assert.match(stdout, /^2024-01-15: problem: file page_2.json: not the page/);
        assert.match(stdout, /Backup 2024-01-15 is INVALID/);
    });

    it('is found wherever the archive has changed', async (t) => {
        const store = await backedUp(t);
        const { length } = store.archiveBytes();
        for (let at = 0; at < length; at += Math.floor(length / 20)) {
            flipByte(store.archivePath(), at);
            const { code, backups: [result] } = await verify(store);
            assert.equal(code, 8, `byte ${at}`);
            assert.equal(result.outcome, 'invalid');
            flipByte(store.archivePath(), at);
        }
        assert.equal((await verify(store)).code, 0);
    });

    it('does not keep --all from the others',
        async (t) => {
            const store = await backedUp(t);
            for (const date of ['2024-01-16', '2024-01-17', '2024-01-18']) {
                const { code, stderr } = await store.command('run', '--backup-date', date);
                assert.equal(code, 0, stderr);
            }
            rmSync(store.path('2024-01-16', 'backup_2024-01-16.zip'));
            flipByte(store.path('2024-01-17', 'manifest.json'), 5);
            const { code, backups } = await verify(store, '--all');
            assert.equal(code, 8);
            assert.deepEqual(backups.map((backup) => [backup.backup_date, backup.outcome]), [
                ['2024-01-18', 'valid'], ['2024-01-17', 'invalid'], ['2024-01-16', 'invalid'],
                [DATE, 'valid'],
            ]);
        });
});

describe('what could not be checked', () => {
    it('exits by its cause', async (t) => {
        const store = await backedUp(t, { 'max-key-size': '64KiB' });
        assertFailed(await store.command('verify', '--backup-date', '2024-01-14'), 11,
            'NotFoundError');
        store.settings['max-key-size'] = '1KiB'; // less than the odd entries have
        const { code, backups: [result] } = await verify(store);
        assert.equal(code, 7);
        assert.equal(result.outcome, 'not_checked');
        assert.equal(result.error_type, 'ResourceError');
        assert.match(result.error, /key/);
    });

    it('and a wrong command line are told apart', async (t) => {
        const store = await backedUp(t);
        assertFailed(await store.command('verify', '--all', '--backup-date', DATE), 2,
            'UsageError');
    });
});

describe('--against-chain', () => {
    it('compares every page with the contract at the recorded block', async (t) => {
        const store = await backedUp(t, { 'page-size': 7 });
        const asked = node.pagesAsked().length;
        const { code, backups: [result], stderr } = await verify(store, '--against-chain');
        assert.equal(code, 0, stderr);
        assert.equal(result.against_chain, true);
        assert.ok(node.pagesAsked().length >= asked + ENTRIES.length / 7);
    });

    it('asks only the endpoints that serve the block', async (t) => {
        const strange = await startFakeNode({ entries: ENTRIES, chainId: 99 });
        t.after(() => strange.stop());
        const store = await backedUp(t);
        store.settings['contract-rpc-urls'] = `${strange.url},${node.url}`;
        const { code, backups: [result], stderr } = await verify(store, '--against-chain');
        assert.equal(code, 0, stderr);
        assert.equal(result.outcome, 'valid');
        assert.deepEqual(strange.pagesAsked(), []);
    });

    it('finds a page that the contract does not have', async (t) => {
        const other = await startFakeNode({ entries: ENTRIES.slice() });
        t.after(() => other.stop());
        const store = await backedUp(t, {}, other);
        other.entries[150] = { ...ENTRIES[150], value: Buffer.from('another') };
        const { code, backups: [result] } = await verify(store, '--against-chain');
        assert.equal(code, 8);
        assert.deepEqual(result.findings, [{
            kind: 'problem',
            where: 'page_1.json',
            what: 'the contract has other entries 100-199 at block 98',
        }]);
        assert.equal((await verify(store)).code, 0, 'the archive itself is whole');
    });

    it('finds another number of keys', async (t) => {
        const other = await startFakeNode({ entries: ENTRIES.slice() });
        t.after(() => other.stop());
        const store = await backedUp(t, {}, other);
        other.total--;
        const { code, backups: [result] } = await verify(store, '--against-chain');
        assert.equal(code, 8);
        assert.match(result.findings[0].what, /^311 keys; the contract has 310 at block 98$/);
    });

    it('cannot check where the node no longer has the block', async (t) => {
        const pruned = await startFakeNode({ entries: ENTRIES });
        t.after(() => pruned.stop());
        const store = await backedUp(t, { 'retry-attempts': 1, 'page-deadline': '2s' }, pruned);
        const call = pruned.methods.eth_call;
        pruned.methods.eth_call = function prunedCall(params) {
            if (params[0].to) throw new RpcError(-32000, 'missing trie node');
            return call.call(this, params);
        };
        const { code, backups: [result] } = await verify(store, '--against-chain');
        assert.equal(code, 4);
        assert.equal(result.outcome, 'not_checked');
        assert.match(result.error, /block 98/);
        assert.equal(result.keys, ENTRIES.length, 'the archive was checked');
    });

    it('cannot check where the node drops it on the way', async (t) => {
        const pruned = await startFakeNode({ entries: ENTRIES });
        t.after(() => pruned.stop());
        const store = await backedUp(t, { 'retry-attempts': 1, 'page-deadline': '2s' }, pruned);
        const call = pruned.methods.eth_call;
        pruned.methods.eth_call = function prunedCall(params) {
            if (isPageCall(params)) throw new RpcError(-32000, 'missing trie node');
            return call.call(this, params);
        };
        const { code, backups: [result] } = await verify(store, '--against-chain');
        assert.equal(code, 4);
        assert.equal(result.outcome, 'not_checked');
    });

    it('is refused for another contract', async (t) => {
        const store = await backedUp(t);
        store.settings['contract-address'] = '0x00000000000000000000000000000000000fa4e1';
        const { code, backups: [result] } = await verify(store, '--against-chain');
        assert.equal(code, 3);
        assert.equal(result.outcome, 'not_checked');
    });
});
