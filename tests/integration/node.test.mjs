// SPDX-License-Identifier: Apache-2.0
//
// Nodes that are strange, weak or unreliable, played by a scripted server: the backup is the same
// as from a healthy node, or it fails.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodePage } from '../chain/abi.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import {
    archivedEntries, assertFailed, assertSameEntries, Store, workspace,
} from './harness.mjs';

const ENTRIES = [...realisticEntries(230), ...oddEntries()];
const BLOCK = 90;

async function fakeNode(t, options) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    return node;
}

/** The archive's bytes of a run at one block of this node. */
async function backUp(directory, name, node, settings) {
    const store = new Store(join(directory, name), node, { 'contract-block': BLOCK, ...settings });
    await store.mustRun();
    return store.archiveBytes();
}

/** The run on a node with these peculiarities gives what one on a healthy node gives. */
async function sameAsHealthy(t, options, settings) {
    const directory = workspace(t);
    const healthy = await backUp(directory, 'healthy', await fakeNode(t));
    const node = await fakeNode(t, options);
    const bytes = await backUp(directory, 'strange', node, settings);
    assert.ok(bytes.equals(healthy), 'the archives differ');
    return node;
}

/** Overrides page calls: `lie(count, truth, call)` for the first `times` of them. */
function pageCalls(times, lie) {
    let seen = 0;
    return {
        eth_call(params) {
            const truth = () => this.truth('eth_call', params);
            if (!isPageCall(params) || seen >= times) return truth();
            seen += 1;
            return lie(truth);
        },
    };
}

describe('weak nodes', () => {
    it('that return at most 7 entries a call are asked for the rest', async (t) => {
        const page = (start, count) => encodePage(ENTRIES.slice(start, start + Math.min(count, 7)));
        const node = await sameAsHealthy(t, { page });
        assert.ok(node.pagesAsked().some(([start]) => start === 7), 'entry 7 was never asked for');
    });

    for (const [name, error] of [
        ['run out of gas', new RpcError(-32000, 'out of gas')],
        ['are too slow', new RpcError(-32000, 'execution aborted (timeout = 5s)')],
        ['limit the response', new RpcError(-32003, 'response too large')],
    ]) {
        it(`that ${name} above 12 keys are asked for less`, async (t) => {
            const page = (start, count) => {
                if (count > 12) throw error;
                return encodePage(ENTRIES.slice(start, start + count));
            };
            await sameAsHealthy(t, { page });
        });
    }
});

describe('unreliable nodes', () => {
    const answer = (id, result) => JSON.stringify({ jsonrpc: '2.0', id, result });
    for (const [name, lie] of [
        ['429 with Retry-After', () => new RawReply({
            status: 429, headers: { 'retry-after': '0' }, body: 'slow down' })],
        ['a limit in a JSON error', () => { throw new RpcError(-32005, 'limit exceeded'); }],
        ['502 with HTML', () => new RawReply({ status: 502, body: '<html>Bad Gateway</html>' })],
        ['HTML as if it were right', () => new RawReply({ body: '<html>Welcome</html>' })],
        ['a cut response', (truth) => new RawReply({
            body: (id) => answer(id, truth()), cutAt: 700 })],
        ['an empty body', () => new RawReply({ body: '' })],
        ['another request\'s id', (truth) => new RawReply({
            body: (id) => answer(id + 1_000_000, truth()) })],
        ['an internal error', () => { throw new RpcError(-32603, 'internal error'); }],
        ['a backend that lags', () => { throw new RpcError(-32000, 'header not found'); }],
    ]) {
        it(`${name}, twice, is survived`, async (t) => {
            await sameAsHealthy(t, { methods: pageCalls(2, lie) });
        });
    }

    it('one dead endpoint of two is survived', async (t) => {
        const directory = workspace(t);
        const [healthy, dead] = [await fakeNode(t), await fakeNode(t)];
        const expected = await backUp(directory, 'one', healthy);
        const refuse = () => new RawReply({ status: 503, body: 'down' });
        for (const method of Object.keys(dead.methods)) dead.methods[method] = refuse;
        const both = { url: `${dead.url},${healthy.url}`, address: healthy.address };
        assert.ok((await backUp(directory, 'two', both)).equals(expected), 'the archives differ');
    });
});

describe('the pinned block', () => {
    const blocksOfPageCalls = (node) => node.calls
        .filter(({ method, params }) => method === 'eth_call' && isPageCall(params))
        .map(({ params }) => params[1]);

    it('is named by its hash where the node takes that', async (t) => {
        const node = await sameAsHealthy(t, {});
        const hash = node.chain.hashOf(BLOCK);
        for (const block of blocksOfPageCalls(node)) assert.equal(block.blockHash, hash);
    });

    it('is named by its number where the node refuses a hash', async (t) => {
        const node = await sameAsHealthy(t, { methods: {
            eth_call(params) {
                if (typeof params[1] === 'object') throw new RpcError(-32602, 'invalid argument 1');
                return this.truth('eth_call', params);
            },
        } });
        for (const block of blocksOfPageCalls(node)) assert.equal(Number(block), BLOCK);
    });

    it('is named by its number where the node ignores a hash', async (t) => {
        const node = await sameAsHealthy(t, { methods: {
            eth_call([call, block]) {
                const meant = typeof block === 'object' ? 'latest' : block;
                return this.truth('eth_call', [call, meant]);
            },
        } });
        assert.ok(blocksOfPageCalls(node).some((block) => Number(block) === BLOCK));
    });

    // Where only numbers work, a reorg is silent: the hash read again at the end tells.
    for (const takesHash of [true, false]) {
        const name = takesHash ? 'hash' : 'number';
        it(`is left when a reorg took it, with all that was read there by ${name}`, async (t) => {
            const later = ENTRIES.map((entry) => ({ ...entry, value: Buffer.from('forked') }));
            let pages = 0;
            const node = await fakeNode(t, { methods: {
                eth_call(params) {
                    const byHash = typeof params[1] === 'object';
                    if (byHash && !takesHash) throw new RpcError(-32602, 'invalid argument 1');
                    pages += isPageCall(params);
                    if (pages === 2) {
                        this.chain.fork = 'another';
                        this.entries = later;
                    }
                    return this.truth('eth_call', params);
                },
            } });
            const store = new Store(workspace(t), node, { 'max-concurrent-pages': 1 });
            await store.mustRun();
            const manifest = store.manifest();
            assert.equal(manifest.block_hash, node.chain.hashOf(manifest.block_number));
            assertSameEntries(archivedEntries(store.archivePath()), later);
        });
    }

    it('is left when the node dropped its state', async (t) => {
        let dropped = -1;
        const node = await fakeNode(t, { methods: {
            eth_call(params) {
                const number = this.chain.resolve(params[1]);
                if (isPageCall(params) && dropped < 0) {
                    dropped = number;
                    for (const tag of ['latest', 'safe', 'finalized']) this.chain[tag] += 5;
                }
                if (number <= dropped) throw new RpcError(-32000, 'missing trie node 12ab');
                return this.truth('eth_call', params);
            },
        } });
        const store = new Store(workspace(t), node);
        await store.mustRun();
        assert.ok(store.manifest().block_number > dropped, 'the old block');
        assertSameEntries(archivedEntries(store.archivePath()), ENTRIES);
    });
});

describe('odd contracts', () => {
    const text = (key, value = 'v', versionId = 'v1') => ({
        key: Buffer.from(key), value: Buffer.from(value), versionId: Buffer.from(versionId),
    });
    const ODD = [text('a'), text('a'), text(''), text('b', '', ''), text('a', 'again')];

    it('duplicates and empty keys are kept, counted and reported', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t, { entries: ODD }),
            { 'log-level': 'warn' });
        const { stderr } = await store.mustRun();
        assertSameEntries(archivedEntries(store.archivePath()), ODD);
        assert.match(stderr, /duplicate/i);
        assert.match(stderr, /empty/i);
        const { warnings } = store.manifest();
        assert.deepEqual(warnings, { empty_key: 1, empty_version: 1, duplicate_key: 2 });
    });

    it('with strict validation they are an error', async (t) => {
        const node = await fakeNode(t, { entries: ODD });
        const store = new Store(workspace(t), node, { validation: 'strict' });
        assertFailed(await store.run(), 3, 'ValidationError');
    });
});
