// SPDX-License-Identifier: Apache-2.0
//
// contract.quorum: so many endpoints must give the same total and the same pages.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodePage } from '../chain/abi.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import {
    archivedEntries, assertFailed, assertSameEntries, Store, workspace,
} from './harness.mjs';

const ENTRIES = [...realisticEntries(330), ...oddEntries()];
const PAGES = Math.ceil(ENTRIES.length / 100);

async function fakeNodes(t, ...options) {
    const nodes = [];
    for (const own of options) {
        const node = await startFakeNode({ entries: ENTRIES, ...own });
        t.after(() => node.stop());
        nodes.push(node);
    }
    return nodes;
}

/** A store that reads from all of them. */
function storeOf(directory, name, nodes, settings) {
    return new Store(join(directory, name),
        { url: nodes.map((node) => node.url).join(), address: nodes[0].address },
        { 'contract-block': 90, 'retry-attempts': 2, 'retry-delay': '1ms', ...settings });
}

/** Pages in which one value of one entry is another. */
function forged(index) {
    const entries = ENTRIES.map((entry, i) => (i === index ? { ...entry, value: Buffer.from('forged') } : entry));
    return { page: (start, count) => encodePage(entries.slice(start, start + count)) };
}

describe('a quorum', () => {
    it('of two asks two endpoints for every page and gives the same bytes', async (t) => {
        const directory = workspace(t);
        const nodes = await fakeNodes(t, {}, {}, {});
        const alone = storeOf(directory, 'alone', nodes.slice(0, 1));
        await alone.mustRun();
        nodes[0].calls.length = 0;
        const store = storeOf(directory, 'two', nodes, { 'contract-quorum': 2 });
        await store.mustRun();
        assert.ok(store.archiveBytes().equals(alone.archiveBytes()), 'the archives differ');
        for (let page = 0; page < PAGES; page++) {
            const told = nodes.filter((node) =>
                node.pagesAsked().some(([start]) => start === page * 100));
            assert.equal(told.length, 2, `page ${page} was asked of ${told.length} endpoints`);
        }
    });

    it('takes a page in pieces from a weak endpoint', async (t) => {
        const directory = workspace(t);
        const page = (start, count) => encodePage(ENTRIES.slice(start, start + Math.min(count, 9)));
        const nodes = await fakeNodes(t, {}, { page });
        const alone = storeOf(directory, 'alone', nodes.slice(0, 1));
        await alone.mustRun();
        const store = storeOf(directory, 'two', nodes, { 'contract-quorum': 2 });
        await store.mustRun();
        assert.ok(store.archiveBytes().equals(alone.archiveBytes()), 'the archives differ');
    });

    it('takes a page from another endpoint where one fails between its pieces', async (t) => {
        const directory = workspace(t);
        const page = (start, count) => {
            if (start % 100 !== 0) throw new RpcError(-32603, 'internal error');
            return encodePage(ENTRIES.slice(start, start + Math.min(count, 9)));
        };
        const nodes = await fakeNodes(t, { page }, {}, {});
        const alone = storeOf(directory, 'alone', nodes.slice(1, 2));
        await alone.mustRun();
        const store = storeOf(directory, 'two', nodes, { 'contract-quorum': 2 });
        await store.mustRun();
        assert.ok(store.archiveBytes().equals(alone.archiveBytes()), 'the archives differ');
        assert.ok(nodes[0].pagesAsked().some(([start]) => start % 100 !== 0), 'no rest was asked for');
        const two = storeOf(directory, 'of-two', nodes.slice(0, 2), { 'contract-quorum': 2 });
        assertFailed(await two.run(), 4, 'ContractConnectionError', /page \d+ .*internal error/);
    });

    /** Methods of a node that no longer holds the block that it is first asked for a page of. */
    function prunes(nodes) {
        let pruned = -1;
        return { eth_call(params) {
            const number = this.chain.resolve(params[1]);
            if (isPageCall(params) && pruned < 0) {
                pruned = number;
                for (const { chain } of nodes)
                    for (const tag of ['latest', 'safe', 'finalized']) chain[tag] += 5;
            }
            if (number <= pruned) throw new RpcError(-32000, 'missing trie node 12ab');
            return this.truth('eth_call', params);
        } };
    }

    it('pins a newer block where one endpoint no longer holds the old one', async (t) => {
        const nodes = [];
        nodes.push(...await fakeNodes(t, { methods: prunes(nodes) }, {}));
        const store = storeOf(workspace(t), 'two', nodes,
            { 'contract-quorum': 2, 'contract-block': 'auto', 'max-concurrent-pages': 1 });
        await store.mustRun();
        assert.equal(store.manifest().block_number, nodes[0].chain.finalized);
        assertSameEntries(archivedEntries(store.archivePath()), ENTRIES);
    });

    it('says that nobody is left for a fixed block', async (t) => {
        const nodes = [];
        nodes.push(...await fakeNodes(t, { methods: prunes(nodes) }, {}));
        const store = storeOf(workspace(t), 'two', nodes,
            { 'contract-quorum': 2, 'max-concurrent-pages': 1 });
        assertFailed(await store.run(), 4, 'ContractConnectionError',
            /page 0 .*no other endpoint is left that holds this block's state/);
    });

    for (const [name, behind] of [
        ['does not know', () => null],
        ['calls unknown', () => { throw new RpcError(-32000, 'header not found'); }],
    ]) {
        it(`waits for an endpoint that ${name} the newest block yet`, async (t) => {
            let asked = 0;
            const nodes = await fakeNodes(t, {}, { methods: { eth_getBlockByNumber(params) {
                if (Number(params[0]) === 100 && ++asked === 1) return behind();
                return this.truth('eth_getBlockByNumber', params);
            } } });
            const store = storeOf(workspace(t), 'two', nodes,
                { 'contract-quorum': 2, 'contract-block': 'latest' });
            await store.mustRun();
            assert.equal(store.manifest().block_number, 100);
            assert.ok(asked > 1, 'it was not asked again');
        });
    }

    it('fails where one entry differs, and names the page', async (t) => {
        const nodes = await fakeNodes(t, {}, forged(217));
        const store = storeOf(workspace(t), 'two', nodes, { 'contract-quorum': 2 });
        assertFailed(await store.run(), 4, 'ContractConnectionError',
            /page 2 .*do not agree/);
        const one = storeOf(workspace(t), 'one', nodes, { 'contract-quorum': 1 });
        await one.mustRun(); // nobody looks
    });

    it('fails where the totals differ', async (t) => {
        const nodes = await fakeNodes(t, {}, { entries: ENTRIES.slice(1) });
        const store = storeOf(workspace(t), 'two', nodes, { 'contract-quorum': 2 });
        assertFailed(await store.run(), 4, 'ContractConnectionError',
            new RegExp(`says ${ENTRIES.length} keys, .* ${ENTRIES.length - 1}`));
    });

    it('is not met by the pages of an unfinished run that had less', async (t) => {
        const nodes = await fakeNodes(t, {}, forged(17));
        const [good, liar] = nodes;
        const directory = workspace(t);
        let asked = 0; // the liar gives the forged page 0, then nothing more
        liar.methods.eth_call = function call(params) {
            if (params[0].to && (asked += 1) > 2) throw new RpcError(-32000, 'execution aborted');
            return this.truth('eth_call', params);
        };
        const one = storeOf(directory, 'store', [liar], { 'max-concurrent-pages': 1 });
        assert.notEqual((await one.run()).code, 0);
        delete liar.methods.eth_call;
        liar.methods.eth_call = function call(params) { return this.truth('eth_call', params); };
        const two = storeOf(directory, 'store', nodes, { 'contract-quorum': 2 });
        assertFailed(await two.run(), 4, 'ContractConnectionError', /page 0 .*do not agree/);
        assert.ok(good.pagesAsked().some(([start]) => start === 0));
    });

    it('of more endpoints than are left fails, of more than there are is refused', async (t) => {
        const nodes = await fakeNodes(t, {}, { chainId: 99 });
        const store = storeOf(workspace(t), 'two', nodes, { 'contract-quorum': 2 });
        assertFailed(await store.run(), 4, 'ContractConnectionError',
            /contract.quorum is 2, but only 1/);
        const three = storeOf(workspace(t), 'three', nodes, { 'contract-quorum': 3 });
        assertFailed(await three.run(), 3, 'ValidationError',
            /contract.quorum is more than the 2/);
        const twice = storeOf(workspace(t), 'twice', [nodes[0], nodes[0]], { 'contract-quorum': 2 });
        assertFailed(await twice.run(), 3, 'ValidationError',
            /contract.quorum is more than the 1/);
    });
});
