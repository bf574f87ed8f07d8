// SPDX-License-Identifier: Apache-2.0
//
// What no node may make of a backup: one of two blocks, of another contract, of another day's
// block, or none at all while another endpoint is well.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodePage } from '../chain/abi.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { archivedEntries, assertFailed, DATE, Store, workspace } from './harness.mjs';

const ENTRIES = realisticEntries(500);
const QUICK = { 'retry-attempts': 2, 'retry-delay': '1ms' };

async function fakeNodes(t, ...options) {
    const nodes = [];
    for (const own of options) {
        const node = await startFakeNode({ entries: ENTRIES, ...own });
        t.after(() => node.stop());
        nodes.push(node);
    }
    return nodes;
}

function storeOf(directory, nodes, settings) {
    return new Store(join(directory, 'store'),
        { url: nodes.map((node) => node.url).join(), address: nodes[0].address },
        { ...QUICK, ...settings });
}

/** The entries with this as every value. */
const valued = (text) => ENTRIES.map((entry) => ({ ...entry, value: Buffer.from(text) }));

describe('one block', () => {
    it('cannot be had of a node that answers for its latest, however it is asked', async (t) => {
        let pages = 0;
        const nodes = await fakeNodes(t, {
            methods: { eth_call(params) { return this.truth('eth_call', [params[0], 'latest']); } },
            page: (start, count) =>
                encodePage(valued(++pages > 2 ? 'new' : 'old').slice(start, start + count)),
        });
        assertFailed(await storeOf(workspace(t), nodes).run(), 4, 'ContractConnectionError',
            /another block than the one/);
    });

    it('is not believed of who was asked by number and does not confirm it', async (t) => {
        let away = false;
        const slow = new Promise((resolve) => { setTimeout(resolve, 100); });
        const nodes = await fakeNodes(t, { entries: valued('old'), methods: {
            async eth_call(params) {
                if (isPageCall(params)) await slow;
                return this.truth('eth_call', params);
            },
        } }, {
            methods: {
                eth_call(params) {
                    if (params[1]?.blockHash) throw new RpcError(-32602, 'invalid argument 1');
                    return this.truth('eth_call', params);
                },
                eth_getBlockByNumber(params) {
                    if (away) throw new RpcError(-32000, 'internal error');
                    return this.truth('eth_getBlockByNumber', params);
                },
            },
            page: (start, count) => {
                away = true;
                return encodePage(valued('other fork').slice(start, start + count));
            },
        });
        const store = storeOf(workspace(t), nodes, { 'max-concurrent-pages': 2 });
        await store.mustRun();
        assert.ok(away, 'it gave no page');
        assert.ok(archivedEntries(store.archivePath())
            .every(({ value }) => value.toString() === 'old'), 'two forks in one backup');
    });

    it('that has left the chain is given up by who resumes at it', async (t) => {
        const orphan = {};
        let broken = true;
        const nodes = await fakeNodes(t, { methods: {
            eth_call(params) {
                if (params[1]?.blockHash && params[1].blockHash === orphan.hash) {
                    throw new RpcError(-32000, 'hash is not currently canonical');
                }
                if (broken && isPageCall(params)) throw new RpcError(-32000, 'boom');
                return this.truth('eth_call', params);
            },
            eth_getBlockByHash(params) {
                return params[0] === orphan.hash ? orphan : this.truth('eth_getBlockByHash', params);
            },
        } });
        const store = storeOf(workspace(t), nodes, { 'contract-block': 'latest' });
        assert.notEqual((await store.run()).code, 0);
        Object.assign(orphan, nodes[0].chain.block(100));
        Object.assign(nodes[0].chain, { fork: 'b', latest: 110 });
        broken = false;
        await store.mustRun();
        assert.equal(store.manifest().block_number, 110);
    });
});

describe('while another endpoint is well', () => {
    it('a long Retry-After holds nothing up', async (t) => {
        const nodes = await fakeNodes(t, { methods: { eth_call(params) {
            if (!isPageCall(params)) return this.truth('eth_call', params);
            return new RawReply({ status: 429, headers: { 'retry-after': '3600' } });
        } } }, {});
        await storeOf(workspace(t), nodes).mustRun();
    });

    for (const [name, error] of [
        ['has no gas for', new RpcError(-32000, 'out of gas')],
        ['reverts on', new RpcError(3, 'execution reverted', '0x')],
        ['is too slow for', new RpcError(-32000, 'execution aborted (timeout = 5s)')],
    ]) {
        it(`an entry that one ${name} comes from the other`, async (t) => {
            const nodes = await fakeNodes(t, { page: (start, count) => {
                if (start <= 217 && start + count > 217) throw error;
                return encodePage(ENTRIES.slice(start, start + count));
            } }, {});
            await storeOf(workspace(t), nodes).mustRun();
        });
    }

    it('one that cannot tell the total is left out', async (t) => {
        const silent = { methods: { eth_call(params) {
            if (params[0].to && !isPageCall(params)) throw new RpcError(-32000, 'boom');
            return this.truth('eth_call', params);
        } } };
        await storeOf(workspace(t), await fakeNodes(t, silent, {})).mustRun();
        await storeOf(workspace(t), await fakeNodes(t, {}, silent, {}), { 'contract-quorum': 2 })
            .mustRun();
    });
});

describe('an archive that the database does not know', () => {
    const forget = (store) => {
        for (const ending of ['', '-wal', '-shm']) {
            rmSync(join(store.directory, `satellite.db${ending}`), { force: true });
        }
    };

    it('is not taken for a backup where it is damaged', async (t) => {
        const store = storeOf(workspace(t), await fakeNodes(t, {}));
        await store.mustRun();
        const bytes = readFileSync(store.archivePath());
        bytes.fill(0x55, 2000, 2600);
        writeFileSync(store.archivePath(), bytes);
        forget(store);
        assertFailed(await store.run(), 6, 'DatabaseError', /nor can it be taken in: /);
        assert.ok(store.archiveBytes().equals(bytes), 'and is left as it is');
    });

    it('is not taken for a backup of another contract', async (t) => {
        const [node] = await fakeNodes(t, {});
        const directory = workspace(t);
        await storeOf(directory, [node]).mustRun();
        const address = '0x000000000000000000000000000000000000dead';
        const [other] = await fakeNodes(t, { address, entries: ENTRIES.slice(7) });
        const store = storeOf(directory, [other], {
            'database-url': `sqlite://${join(directory, 'other.db')}` });
        assertFailed(await store.run(), 6, 'DatabaseError', new RegExp(DATE));
    });
});
