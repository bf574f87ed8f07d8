// SPDX-License-Identifier: Apache-2.0
//
// A date that was run before: completed, failed before it began, begun under other settings.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SELECTORS, wordHex } from '../chain/abi.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import {
    archivedEntries, assertFailed, assertSameEntries, DATE, mustRun, run, Store, workspace,
} from './harness.mjs';

const ENTRIES = realisticEntries(200);
const DAY_MS = 86_400_000;

async function fakeNode(t, options) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    return node;
}

/** The day so many days from now, as a backup date. */
function day(offset) {
    return new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10);
}

describe('a completed backup', () => {
    for (const [name, spoil, pattern] of [
        ['whose archive is gone', (store) => rmSync(store.archivePath()), /is missing/],
        ['whose directory is gone', (store) => renameSync(store.path(DATE), store.path('away')),
            /is missing/],
        ['whose archive was cut', (store) => truncateSync(store.archivePath(), 1000),
            /has 1000 bytes instead of \d+/],
    ]) {
        it(`${name} is not said to be done, and made again after a rescan`, async (t) => {
            const store = new Store(workspace(t), await fakeNode(t));
            await store.mustRun();
            const bytes = store.archiveBytes();
            spoil(store);
            const names = readdirSync(store.backups);
            assertFailed(await store.run(), 8, 'IntegrityError', pattern);
            assert.deepEqual(readdirSync(store.backups), names, 'nothing was made');
            assert.match((await store.run()).stderr, /backup list --rescan/);
            assert.equal((await store.json('status', '--backup-date', DATE)).status, 'completed');

            assert.equal((await store.command('list', '--rescan')).code, 0);
            await store.mustRun();
            assert.ok(store.archiveBytes().equals(bytes));
        });
    }

    it('is done whatever the chain says now', async (t) => {
        const node = await startFakeNode({ entries: ENTRIES });
        const store = new Store(workspace(t), node, { 'retry-attempts': 1, 'log-level': 'info' });
        assert.match((await store.mustRun()).stderr, /Backup operation started/);
        await node.stop();
        const { stdout, stderr } = await store.mustRun();
        assert.match(stdout, /done already/);
        assert.doesNotMatch(stderr, /Backup operation started/, 'nothing starts');
        const status = await store.json('status');
        assert.deepEqual([status.status, status.error_message], ['completed', null]);
    });
});

describe('a forced backup', () => {
    it('leaves that of the present slot due', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t), { 'chore-interval': '30d' });
        const nextRun = async () => Date.parse((await store.json('status')).next_run);
        await mustRun(store.args('run', '--force'));
        assert.ok(await nextRun() <= Date.now(), 'due later');
        await mustRun(store.args('run'));
        assert.ok(await nextRun() > Date.now(), 'still due');
        const shown = await store.json('status', '--pages');
        assert.match(shown.backup_date, /T\d+Z$/, 'the newest is another');
        assert.equal(shown.pages.length, shown.total_pages);
    });
});

describe('a date in the future', () => {
    it('is refused, and leaves nothing', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        for (const command of ['run', 'retry']) {
            for (const date of [day(2), '2999-12-31', '2999-12-31T235959Z']) {
                const result = await store.command(command, '--backup-date', date);
                assertFailed(result, 3, 'ValidationError', /future/);
            }
        }
        assert.ok(!existsSync(store.backups));
    });

    it('may be of a clock that is a day ahead', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        const { code, stderr } = await store.command('run', '--backup-date', day(1));
        assert.equal(code, 0, stderr);
    });
});

describe('a run that fails before it has begun', () => {
    const OTHER = '2024-01-16';

    for (const [name, settings, options, pattern] of [
        ['since nobody answers', { 'contract-rpc-urls': 'http://127.0.0.1:1', 'retry-attempts': 1 },
            {}, /^ContractConnectionError: .*127\.0\.0\.1:1/],
        ['on another chain', { 'contract-chain-id': 51 }, {}, /^ValidationError: .*chain/],
        ['without the contract', {}, { address: '0x1' }, /^ValidationError: no contract at/],
    ]) {
        it(`${name} is shown by status and list, and retried`, async (t) => {
            const directory = workspace(t);
            const node = await fakeNode(t);
            const store = new Store(directory, node);
            await store.mustRun();
            const broken = new Store(directory, { url: (await fakeNode(t, options)).url,
                address: node.address }, settings);
            const result = await broken.command('run', '--backup-date', OTHER);
            assert.notEqual(result.code, 0);

            const status = await store.json('status');
            assert.equal(status.backup_date, OTHER);
            assert.equal(status.status, 'failed');
            assert.match(status.error_message, pattern);
            assert.equal(status.block_number, null);
            const listed = await store.json('list');
            assert.deepEqual(listed.map((row) => [row.backup_date, row.status]),
                [[OTHER, 'failed'], [DATE, 'completed']]);
            assert.ok(!existsSync(store.path(OTHER)), 'an empty directory was left');

            const retried = await store.command('retry', '--backup-date', OTHER);
            assert.equal(retried.code, 0, retried.stderr);
            assertSameEntries(archivedEntries(store.archivePath(OTHER)), ENTRIES);
            assert.equal((await store.json('status')).error_message, null);
        });
    }

    it('leaves only its audit log where it is the first of all', async (t) => {
        const directory = workspace(t);
        const store = new Store(join(directory, 'state'), await fakeNode(t),
            { 'contract-chain-id': 51 });
        assertFailed(await store.run(), 3, 'ValidationError', /chain/);
        assert.deepEqual(readdirSync(store.directory), ['audit.log']);
    });
});

/** A run whose last page, at entry 150, failed, and fails until `mend`; the others are kept. */
async function halfRun(t, settings, entries = ENTRIES) {
    let broken = true;
    const node = await fakeNode(t, { entries, methods: {
        eth_call(params) {
            const { to, data } = params[0];
            if (!to || data.startsWith(SELECTORS.total)) return this.truth('eth_call', params);
            // Whatever the function is called.
            const call = { to, data: SELECTORS.page + data.slice(10) };
            if (broken && BigInt(`0x${data.slice(10, 74)}`) === 150n) {
                return new RawReply({ status: 500, body: 'oops' });
            }
            return this.truth('eth_call', [call, params[1]]);
        },
    } });
    const store = new Store(workspace(t), node, {
        'page-size': 50, 'max-concurrent-pages': 1, 'retry-attempts': 1, 'contract-block': 90,
        'log-format': 'json', 'log-level': 'warn', ...settings,
    });
    const { code, stderr } = await store.run();
    assert.equal(code, 4, stderr);
    node.calls.length = 0;
    return { node, store, mend: () => { broken = false; } };
}

function starts(node) {
    return node.calls.filter(({ method, params }) => method === 'eth_call' && params[0].to
        && params[0].data.length > 10).map(({ params }) =>
        Number(BigInt(`0x${params[0].data.slice(10, 74)}`)));
}

/** The reason that a run gave for starting over, or undefined. */
function startedOver(stderr) {
    return stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line))
        .find((line) => line.msg === 'Backup starts over')?.reason;
}

describe('a page that failed the run', () => {
    it('stands in its status with the reason, until it is fetched', async (t) => {
        const { store, mend } = await halfRun(t);
        const failed = await store.json('status', '--pages');
        assert.equal(failed.pages_completed, 3);
        assert.equal(failed.pages_failed, 1);
        assert.deepEqual(failed.pages.map((page) => page.status),
            ['completed', 'completed', 'completed', 'failed']);
        const page = failed.pages[3];
        assert.equal(page.page_number, 3);
        assert.match(page.error_message, /^ContractConnectionError: .*500/);
        assert.deepEqual([page.checksum, page.file_path, page.file_size, page.completed_at],
            [null, null, null, null]);
        const { stdout } = await store.command('status', '--pages');
        assert.match(stdout, /^ *3 +failed .*500/m);

        mend();
        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        const done = await store.json('status', '--pages');
        assert.equal(done.pages_failed, 0);
        assert.deepEqual(done.pages.map((one) => [one.status, one.error_message]),
            Array(4).fill(['completed', null]));
    });
});

describe('an unfinished run', () => {
    /** Goes on with these settings; returns which pages were asked for and why it started over. */
    async function goOn({ node, store, mend }, settings) {
        mend();
        Object.assign(store.settings, settings);
        const { code, stderr } = await store.run();
        assert.equal(code, 0, stderr);
        assertSameEntries(archivedEntries(store.archivePath()), node.entries);
        return { asked: starts(node), reason: startedOver(stderr) };
    }

    it('goes on', async (t) => {
        assert.deepEqual(await goOn(await halfRun(t), {}),
            { asked: [150], reason: undefined });
    });

    it('of another page_function starts over and says so', async (t) => {
        const half = await halfRun(t, { 'contract-page-function': 'oldPages(uint256,uint256)' });
        const { asked, reason } = await goOn(half, { 'contract-page-function':
            'getPaginatedKeyValues(uint256,uint256)' });
        assert.deepEqual(asked, [0, 50, 100, 150]);
        assert.match(reason, /page_function/);
    });

    it('of another total_function starts over and says so', async (t) => {
        const half = await halfRun(t);
        const { methods } = half.node;
        const ask = methods.eth_call;
        methods.eth_call = function call(params) {
            return params[0].to && params[0].data.length === 10
                ? `0x${wordHex(this.total)}` : ask.call(this, params);
        };
        const { asked, reason } = await goOn(half, { 'contract-total-function': 'count()' });
        assert.deepEqual(asked, [0, 50, 100, 150]);
        assert.match(reason, /total_function/);
    });

    for (const [name, setting, larger, smaller] of [
        ['max_value_size', 'max-value-size', 3000, 1500],
        ['max_key_size', 'max-key-size', 300, 150],
    ]) {
        it(`goes on with a larger ${name}, and starts over with one smaller again`, async (t) => {
            const half = await halfRun(t, { [setting]: smaller });
            half.store.settings[setting] = larger;
            assert.equal((await half.store.run()).code, 4);
            assert.deepEqual(starts(half.node), [150]);
            half.node.calls.length = 0;
            const { asked, reason } = await goOn(half, { [setting]: smaller });
            assert.deepEqual(asked, [0, 50, 100, 150]);
            assert.match(reason, new RegExp(name));
        });
    }

    /** The node's next eth_chainId, the first thing that it is asked, is answered so. */
    function answerOnce(node, answer) {
        let answered = false;
        node.methods.eth_chainId = function chainId() {
            if (answered) return this.truth('eth_chainId');
            answered = true;
            return answer;
        };
    }

    for (const [name, answer, pattern, code, type] of [
        ['refuses the key', new RawReply({ status: 401, body: 'no' }), /401/, 4,
            'ContractConnectionError'],
        ['says that the plan is used up', new RawReply({ status: 402, body: 'pay' }), /402/, 4,
            'ContractConnectionError'],
        ['is on another chain', '0x33', /is on chain 51, not 31337/, 3, 'ValidationError'],
    ]) {
        it(`does not start over where its node ${name}: that says nothing of its block`, async (t) => {
            const half = await halfRun(t);
            const { node, store } = half;
            answerOnce(node, answer);
            assertFailed(await store.run('--log-level', 'error', '--log-format', 'console'), code,
                type, pattern);
            assert.match((await store.json('status')).error_message, pattern);
            node.calls.length = 0;
            assert.deepEqual(await goOn(half, {}), { asked: [150], reason: undefined });
        });
    }

    /** A run of two endpoints that must agree; the second one failed it. */
    async function halfQuorum(t) {
        const state = { broken: true };
        const methods = { eth_call(params) {
            if (params[1]?.blockHash === state.gone) throw new RpcError(-32000, 'missing trie node');
            if (state.broken && isPageCall(params)) throw new RpcError(-32000, 'boom');
            return this.truth('eth_call', params);
        } };
        const nodes = [await fakeNode(t), await fakeNode(t, { methods })];
        const store = new Store(workspace(t),
            { url: nodes.map(({ url }) => url).join(), address: nodes[0].address },
            { 'contract-quorum': 2, 'retry-attempts': 1, 'log-format': 'json', 'log-level': 'warn' });
        assert.equal((await store.run()).code, 4);
        for (const { chain } of nodes) Object.assign(chain, { latest: 110, finalized: 108 });
        state.broken = false;
        return { nodes, store, state };
    }

    it('whose block too few endpoints still serve starts over', async (t) => {
        const { nodes, store, state } = await halfQuorum(t);
        state.gone = nodes[1].chain.hashOf(98);
        const { stderr } = await store.mustRun();
        assert.match(startedOver(stderr), /no longer served: contract\.quorum is 2/);
        assert.equal(store.manifest().block_number, 108);
    });

    it('whose block too few endpoints may be asked for goes on when they may', async (t) => {
        const { nodes, store } = await halfQuorum(t);
        answerOnce(nodes[1], new RawReply({ status: 401, body: 'no' }));
        const { code, stderr } = await store.run();
        assert.equal(code, 4, stderr);
        assert.match(stderr, /contract\.quorum is 2/);
        await store.mustRun();
        assert.equal(store.manifest().block_number, 98);
    });

    it('leaves no plain page beside an encrypted one, though the first was not removed', async (t) => {
        const { store, mend } = await halfRun(t);
        const key = await mustRun(['backup', 'key', 'generate', '--output',
            join(store.directory, 'key.txt')]);
        store.settings['encryption-recipients'] = key.stdout.trim();
        const pages = (pattern) => readdirSync(store.path(DATE)).filter((name) => pattern.test(name));
        const stuck = store.path(DATE, 'page_stuck'); // no file, so that it cannot be unlinked
        mkdirSync(stuck);
        mend();
        const { code, stderr } = await store.run();
        assert.equal(code, 5, stderr);
        assert.match(stderr, /page_stuck.*not removed/);
        assert.deepEqual(pages(/\.age$/), [], 'it went on');
        rmdirSync(stuck);
        const again = await store.run();
        assert.equal(again.code, 0, again.stderr);
        assert.deepEqual([pages(/^page_.*\.json$/), pages(/\.age$/).length], [[], 4]);
    });

    it('that read an odd entry fails on it where validation is strict now', async (t) => {
        const odd = { ...ENTRIES[20], versionId: Buffer.alloc(0) };
        const { store, mend } = await halfRun(t, {}, ENTRIES.with(20, odd));
        mend();
        const { code, stderr } = await store.run('--validation', 'strict');
        assert.equal(code, 3, stderr);
        assert.match(stderr, /entry 20|version/);
    });
});

describe('a total that no run could hold', () => {
    for (const total of [2n ** 64n - 1n, 2n ** 63n, 2n ** 40n]) {
        it(`of ${total} is refused by a dry run as by a real one`, async (t) => {
            const node = await fakeNode(t, { methods: {
                eth_call(params) {
                    if (!params[0].to || isPageCall(params)) return this.truth('eth_call', params);
                    return `0x${wordHex(total)}`;
                },
            } });
            const store = new Store(workspace(t), node);
            const dry = await store.run('--dry-run');
            assertFailed(dry, 7, 'ResourceError', /pages .*memory_limit/);
            assert.deepEqual(await run(store.args('run', '--backup-date', DATE)), dry);
            assert.deepEqual(node.pagesAsked(), []);
        });
    }
});
