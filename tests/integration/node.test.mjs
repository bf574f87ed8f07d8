// SPDX-License-Identifier: Apache-2.0
//
// Nodes that are strange, weak or unreliable, played by a scripted server: the backup is the same
// as from a healthy node, or it fails.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeArrays, encodePage, wordHex } from '../chain/abi.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { isPageCall, pageCalls, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
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
    const healthy = await backUp(directory, 'healthy', await fakeNode(t),
        settings?.['page-size'] && { 'page-size': settings['page-size'] });
    const node = await fakeNode(t, options);
    const bytes = await backUp(directory, 'strange', node, settings);
    assert.ok(bytes.equals(healthy), 'the archives differ');
    return node;
}

describe('two endpoints of which one answers with what is no page', () => {
    const column = (entries, member) => entries.map((entry) => entry[member]);
    const honest = (start, count) => encodePage(ENTRIES.slice(start, start + count));
    /** The page with one 32-byte word replaced. */
    const bent = (start, count, index, value) => {
        const page = honest(start, count);
        const at = 2 + index * 64;
        return page.slice(0, at) + value + page.slice(at + 64);
    };

    for (const [name, page] of [
        ['no hex', () => '0xzz'],
        ['a head that leads nowhere', (start, count) => bent(start, count, 0, 'f'.repeat(64))],
        ['arrays of unequal length', (start, count) => {
            const entries = ENTRIES.slice(start, start + count);
            return encodeArrays([column(entries, 'key'), column(entries, 'value').slice(1),
                column(entries, 'versionId')]);
        }],
        ['a string that leads nowhere', (start, count) =>
            bent(start, count, 4, wordHex(2n ** 64n - 1n))],
        ['no entries', () => encodeArrays([[], [], []])],
    ]) {
        for (const first of ['strange', 'healthy']) {
            it(`${name}, the ${first} one first`, async (t) => {
                const directory = workspace(t);
                const healthy = await fakeNode(t);
                const strange = await fakeNode(t, { page });
                const bytes = await backUp(directory, 'alone', healthy);
                const urls = [strange.url, healthy.url];
                if (first === 'healthy') urls.reverse();
                const both = await backUp(directory, 'both', healthy, {
                    'contract-rpc-urls': urls.join(','), 'page-size': 100 });
                assert.ok(both.equals(bytes), 'the archives differ');
                assert.ok(strange.pagesAsked().length > 0, 'the strange one was never asked');
            });
        }

        it(`${name}, and the other one too`, async (t) => {
            const [one, two] = [await fakeNode(t, { page }), await fakeNode(t, { page })];
            const store = new Store(workspace(t), one, {
                'contract-rpc-urls': `${one.url},${two.url}`, 'retry-attempts': 2 });
            const result = await store.run();
            assertFailed(result, 3, 'ValidationError');
            if (name === 'no entries') assert.doesNotMatch(result.stderr, /attempts/);
            else assert.match(result.stderr, /after 2 attempts/);
            for (const node of [one, two]) assert.ok(node.pagesAsked().length > 0);
        });

        it(`${name}, now and then, from the only one`, async (t) => {
            if (name === 'no entries') return; // that is what the contract holds
            const seen = new Map();
            const once = (start, count) => {
                const times = seen.get(start) ?? 0;
                seen.set(start, times + 1);
                return times === 0 ? page(start, count) : honest(start, count);
            };
            await sameAsHealthy(t, { page: once }, { 'page-size': 7 });
            assert.deepEqual([...seen].filter(([, times]) => times < 2), []);
        });
    }

    it('a revert from one and a garbled page from the other, first', async (t) => {
        const directory = workspace(t);
        let garbled = 0;
        const reverts = await fakeNode(t, { page: () => {
            throw new RpcError(3, 'execution reverted: no'); } });
        const garbles = await fakeNode(t, { page: (start, count) =>
            (garbled++ < 2 ? '0xzz' : honest(start, count)) });
        const bytes = await backUp(directory, 'alone', await fakeNode(t));
        const both = await backUp(directory, 'both', garbles, {
            'contract-rpc-urls': `${reverts.url},${garbles.url}`, 'max-concurrent-pages': 1 });
        assert.ok(both.equals(bytes), 'the archives differ');
        assert.ok(garbled > 2);
    });
});

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
        ['have another limit', new RpcError(-32000, 'Response is too big')],
        ['run out of gas with -32015', new RpcError(-32015, 'VM execution error: Out of gas')],
        ['give up', new RpcError(-32000, 'execution timeout')],
        ['say only -32002', new RpcError(-32002, 'sorry')],
        ['revert without a reason (a proxy contract out of gas)',
            new RpcError(3, 'execution reverted', '0x')],
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

describe('weak nodes', () => {
    it('that answer 413 above 12 keys are asked for less', async (t) => {
        const page = (start, count) => (count > 12
            ? new RawReply({ status: 413, body: 'Request Entity Too Large' })
            : encodePage(ENTRIES.slice(start, start + count)));
        await sameAsHealthy(t, { page });
    });

    it('that have not gas for one key are a permanent error', async (t) => {
        const node = await fakeNode(t, { page: () => { throw new RpcError(-32000, 'out of gas'); } });
        const store = new Store(workspace(t), node, { 'max-concurrent-pages': 1 });
        assertFailed(await store.run(), 4, 'ContractConnectionError', /gas/);
        assert.ok(node.pagesAsked().length < 20, 'it was asked again and again');
    });

    it('without eth_getCode, web3_clientVersion and net_version are good enough', async (t) => {
        const missing = () => { throw new RpcError(-32601, 'the method does not exist'); };
        await sameAsHealthy(t, { methods: {
            web3_clientVersion: missing, net_version: missing, eth_syncing: missing,
        } });
    });
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
        ['a backend that lags, in other words', () => {
            throw new RpcError(-32001, 'unknown block'); }],
        ['a backend that lags, in yet others', () => {
            throw new RpcError(-39001, 'Block not found'); }],
        ['a reset before the answer', () => new RawReply({ reset: true })],
        ['no answer at all', () => new Promise(() => {})],
        ['a null result', (truth) => new RawReply({ body: (id) => answer(id, truth() && null) })],
        ['-32029', () => { throw new RpcError(-32029, 'slow down'); }],
        ['-32016', () => { throw new RpcError(-32016, 'slow down'); }],
        ['code 429 in the JSON of HTTP 200', () => { throw new RpcError(429, 'slow down'); }],
        ['a time to wait in the error\'s data', () => {
            throw new RpcError(-32005, 'rate limited', { backoff_seconds: 0.001 }); }],
        ['408', () => new RawReply({ status: 408, body: '' })],
        ['503', () => new RawReply({ status: 503, body: '' })],
        ['504 with HTML', () => new RawReply({ status: 504, body: '<html>Timeout</html>' })],
        ['a reset in the middle of the answer', (truth) => new RawReply({
            body: (id) => answer(id, truth()), cutAt: 700, reset: true })],
        ['an answer that dribbles', (truth) => new RawReply({
            body: (id) => answer(id, truth()), pieces: 100, pauseMs: 20 })],
    ]) {
        it(`${name}, twice, is survived`, async (t) => {
            await sameAsHealthy(t, { methods: pageCalls(2, lie) },
                { 'smart-contract-timeout': '300ms' });
        });
    }

    it('throttling does not count as an attempt', async (t) => {
        let calls = 0;
        await sameAsHealthy(t, { methods: pageCalls(20, () =>
            new RawReply({ status: ++calls < 20 ? 429 : 500 })) },
        { 'retry-attempts': 2, 'max-concurrent-pages': 1 });
    });

    for (const [name, throttle] of [
        ['Retry-After', () => new RawReply({ status: 429, headers: { 'retry-after': '1' } })],
        ['backoff_seconds', () => {
            throw new RpcError(-32005, 'rate limited', { backoff_seconds: 1 }); }],
    ]) {
        it(`${name}: the endpoint is left alone for so long`, async (t) => {
            let throttled;
            const early = [];
            await sameAsHealthy(t, { methods: { eth_call(params) {
                if (!isPageCall(params)) return this.truth('eth_call', params);
                if (throttled === undefined) {
                    throttled = performance.now();
                    return throttle();
                }
                const after = performance.now() - throttled;
                if (after < 990) early.push(after); // a timer may be a little early
                return this.truth('eth_call', params);
            } } }, { 'max-concurrent-pages': 1 });
            assert.deepEqual(early, [], 'it was asked too early, ms');
        });
    }

    it('answers in gzip, and in 100 pieces, are answers', async (t) => {
        const body = (truth) => (id) => gzipSync(answer(id, truth()));
        await sameAsHealthy(t, { methods: pageCalls(3, (truth) => new RawReply({
            body: body(truth), headers: { 'content-encoding': 'gzip' }, pieces: 100,
        })) });
        await sameAsHealthy(t, { methods: pageCalls(3, (truth) => new RawReply({
            body: (id) => answer(id, truth()), pieces: 100,
        })) });
    });

    it('an answer that never ends is left after smart_contract_timeout', async (t) => {
        await sameAsHealthy(t, { methods: pageCalls(1, (truth) => new RawReply({
            body: (id) => answer(id, truth()), headers: { 'content-length': '99999999' },
        })) }, { 'smart-contract-timeout': '200ms' });
    });

    /** A backup from a healthy node and one that answers page calls so is a whole one. */
    const survivesBeside = (name, lie, settings, badFirst = true) =>
        it(`${name} beside a good one`, async (t) => {
            const directory = workspace(t);
            const [good, bad] = [await fakeNode(t), await fakeNode(t, { methods: lie })];
            const expected = await backUp(directory, 'one', good);
            const urls = badFirst ? [bad.url, good.url] : [good.url, bad.url];
            const both = { url: urls.join(), address: good.address };
            assert.ok((await backUp(directory, 'two', both, settings)).equals(expected));
        });
    const always = (reply) => pageCalls(Infinity, reply);
    survivesBeside('402', always(() => new RawReply({ status: 402, body: 'pay' })));
    survivesBeside('a used up plan', always(() => {
        throw new RpcError(-32000, 'Monthly capacity limit exceeded'); }));
    survivesBeside('403', always(() => new RawReply({ status: 403, body: 'no' })));
    survivesBeside('pruned state', always(() => {
        throw new RpcError(-32000, 'missing trie node 12ab (path )'); }));
    survivesBeside('pruned state in other words', always(() => {
        throw new RpcError(-32000, 'required historical state unavailable (reexec=0)'); }));
    survivesBeside('pruned state in yet other words', always(() => {
        throw new RpcError(-32000, 'historical state 12ab is not available'); }));
    survivesBeside('an empty result', always(() => '0x'));
    survivesBeside('401', always(() => new RawReply({ status: 401, body: 'key?' })));
    survivesBeside('a backend that always lags', always(() => {
        throw new RpcError(-32000, 'header not found'); }));
    survivesBeside('a missing method', always(() => {
        throw new RpcError(-32601, 'the method eth_call does not exist'); }));
    survivesBeside('malformed data', always(() => `0x${'ff'.repeat(96)}`));
    survivesBeside('pages with a value that is not there', always((truth) => {
        const words = truth().slice(2).match(/.{64}/g); // the first offset in the second array
        words[Number(`0x${words[1]}`) / 32 + 1] = 'f'.repeat(64);
        return `0x${words.join('')}`;
    }));
    survivesBeside('data that is no hex', always(() => '0xzz'));
    survivesBeside('a revert', always(() => {
        throw new RpcError(3, 'execution reverted: no', '0x'); }), { 'retry-attempts': 1 });
    survivesBeside('a missing method by its other code', always(() => {
        throw new RpcError(-32004, 'Method eth_call is not supported'); }));
    survivesBeside('a refused parameter', always(() => {
        throw new RpcError(-32602, 'invalid argument 0'); }));
    survivesBeside('a null block at the pin', { eth_getBlockByNumber([block]) {
        return Number(block) === BLOCK ? null : this.blockOrNull(block);
    } }, { 'retry-attempts': 2 }, false);
    const genesis = (answer) => ({ eth_getBlockByNumber([block]) {
        return Number(block) === 0 ? answer() : this.blockOrNull(block);
    } });
    survivesBeside('a first block that is not told', genesis(() => {
        throw new RpcError(-32603, 'internal error'); }), { 'retry-attempts': 2 });
    survivesBeside('another first block than asked for', genesis(() => ({
        number: '0x1', hash: `0x${'9'.repeat(64)}`, timestamp: '0x1' })));
    survivesBeside('no first block', genesis(() => null));
    survivesBeside('500', always(() => new RawReply({ status: 500, body: '' })));
    survivesBeside('no answer', always(() => new Promise(() => {})),
        { 'smart-contract-timeout': '100ms' });
    survivesBeside('another chain id', { eth_chainId: () => '0x1' }, { 'contract-chain-id': 31337 });
    survivesBeside('another hash at the pin', { eth_getBlockByNumber([block]) {
        const truth = this.blockOrNull(block);
        return truth && { ...truth, hash: `0x${'9'.repeat(64)}` };
    } }, {}, false);

    it('a used up plan without another endpoint is an error that says so', async (t) => {
        const node = await fakeNode(t, { methods: always(() =>
            new RawReply({ status: 402, body: '{"error":"free tier"}' })) });
        assertFailed(await new Store(workspace(t), node).run(), 4, 'ContractConnectionError',
            /402|free tier|plan/);
    });

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

    it('is named by its number where the node cannot run the probe', async (t) => {
        const node = await sameAsHealthy(t, { methods: {
            eth_call(params) {
                if (!params[0].to) throw new RpcError(-32004, 'Method is not supported');
                return this.truth('eth_call', params);
            },
        } });
        for (const block of blocksOfPageCalls(node)) assert.equal(Number(block), BLOCK);
    });

    for (const [name, refuse] of [
        ['refuses the tag', () => { throw new RpcError(-32602, 'invalid block tag'); }],
        ['has no such block', () => null],
        ['says so', () => { throw new RpcError(-39001, 'Unknown block'); }],
    ]) {
        it(`is latest less confirmations where the node knows no finalized one: ${name}`,
            async (t) => {
                const node = await fakeNode(t, { methods: {
                    eth_getBlockByNumber(params) {
                        return params[0] === 'finalized' ? refuse()
                            : this.truth('eth_getBlockByNumber', params);
                    },
                } });
                const store = new Store(workspace(t), node,
                    { 'contract-confirmations': 7, 'log-level': 'info' });
                const { stderr } = await store.mustRun();
                assert.equal(store.manifest().block_number, node.chain.latest - 7);
                assert.match(stderr, /latest less 7; finalized: the node does not know it/);
            });
    }

    it('is chosen by another endpoint where the first does not tell its latest', async (t) => {
        const methods = (latest) => ({ eth_getBlockByNumber(params) {
            if (params[0] === 'finalized') return null;
            return params[0] === 'latest' ? latest.call(this, params)
                : this.truth('eth_getBlockByNumber', params);
        } });
        const bad = await fakeNode(t, { methods: methods(() => {
            throw new RpcError(-32603, 'internal error'); }) });
        const good = await fakeNode(t, { methods: methods(function tell(params) {
            return this.truth('eth_getBlockByNumber', params); }) });
        const store = new Store(workspace(t), { url: `${bad.url},${good.url}`, address: good.address },
            { 'contract-confirmations': 7, 'log-level': 'info', 'retry-attempts': 2 });
        const { stderr } = await store.mustRun();
        assert.equal(store.manifest().block_number, good.chain.latest - 7);
        assert.match(stderr, new RegExp(`${bad.url} is left out: .*internal error`));
    });

    it('is none where nobody has a first block', async (t) => {
        const node = await fakeNode(t, { methods: { eth_getBlockByNumber([block]) {
            return Number(block) === 0 ? null : this.blockOrNull(block);
        } } });
        assertFailed(await new Store(workspace(t), node).run(), 4, 'ContractConnectionError',
            /no endpoint has block 0/);
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

    it('is not left when the node\'s height goes backwards for a while', async (t) => {
        let pages = 0;
        await sameAsHealthy(t, { methods: {
            eth_call(params) {
                pages += isPageCall(params);
                const behind = pages === 2 || pages === 3; // a backend that has not block 90 yet
                if (behind) throw new RpcError(-32000, 'header not found');
                return this.truth('eth_call', params);
            },
            eth_blockNumber() { return pages >= 2 ? '0x50' : this.truth('eth_blockNumber', []); },
        } }, { 'max-concurrent-pages': 1 });
    });

    for (const [name, lagging] of [
        ['a null block', () => null],
        ['an unknown block', () => { throw new RpcError(-32000, 'header not found'); }],
    ]) {
        it(`is not left for ${name} when its hash is read again at the end`, async (t) => {
            let asked = 0;
            await sameAsHealthy(t, { methods: { eth_getBlockByNumber(params) {
                const again = this.pagesAsked().length > 0 && Number(params[0]) === BLOCK;
                if (again) asked += 1;
                return again && asked <= 2 ? lagging() : this.truth('eth_getBlockByNumber', params);
            } } });
            assert.equal(asked, 3);
        });
    }

    it('is never one below the last backup\'s', async (t) => {
        const node = await fakeNode(t);
        const store = new Store(workspace(t), node);
        await store.mustRun();
        for (const tag of ['latest', 'safe', 'finalized']) node.chain[tag] -= 20;
        assertFailed(await store.command('run', '--backup-date', '2024-01-16'), 4,
            'ContractConnectionError', /older than the last/);
    });

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
