// SPDX-License-Identifier: Apache-2.0
//
// Runs that are stopped in the middle: what was done is kept, only the rest is fetched.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnChild } from '../chain/children.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, startFakeNode } from '../chain/fake.mjs';
import {
    assertFailed, DATE, program, start, Store, whileRunning, workspace,
} from './harness.mjs';

const ENTRIES = realisticEntries(1000);
const PAGES = 20;
const SETTINGS = { 'page-size': 50, 'max-concurrent-pages': 2, 'contract-block': 90 };
const HELD_FROM = 500; // the pages past this entry are not answered before `release`

/** A node that answers the first half of the pages; `held` resolves when another is wanted. */
async function holdingNode(t) {
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    let reached;
    const held = new Promise((resolve) => { reached = resolve; });
    const node = await startFakeNode({ entries: ENTRIES, methods: {
        async eth_call(params) {
            const truth = this.truth('eth_call', params);
            if (isPageCall(params) && this.pagesAsked().at(-1)[0] >= HELD_FROM) {
                reached();
                await released;
            }
            return truth;
        },
    } });
    t.after(() => node.stop());
    return { node, held, release };
}

/** A run that gets this signal while it waits for the second half. */
async function interruptedRun(t, signal) {
    const { node, held, release } = await holdingNode(t);
    const store = new Store(workspace(t), node, SETTINGS);
    const child = start(store.args('run', '--backup-date', DATE));
    await whileRunning(child, held);
    child.kill(signal);
    const result = await child.done;
    release();
    return { node, store, result };
}

async function uninterruptedArchive(t) {
    const node = await startFakeNode({ entries: ENTRIES });
    t.after(() => node.stop());
    const store = new Store(workspace(t), node, SETTINGS);
    await store.mustRun();
    return store.archiveBytes();
}

/** The pages that are on record as done. */
async function donePages(store) {
    const { pages } = await store.json('status', '--backup-date', DATE, '--pages');
    return pages.filter((page) => page.status === 'completed').map((page) => page.page_number);
}

function startsAsked(node) {
    return [...new Set(node.pagesAsked().map(([first]) => first))].sort((a, b) => a - b);
}

describe('SIGINT', () => {
    it('ends with 130, keeps what is done and leaves no archive', async (t) => {
        const { store, result } = await interruptedRun(t, 'SIGINT');
        assert.equal(result.code, 130, result.stderr);
        assert.match(result.stderr, /Canceled|interrupted/i);
        assert.ok(!existsSync(store.archivePath()));
        const status = await store.json('status', '--backup-date', DATE);
        assert.notEqual(status.status, 'completed');
        assert.ok(status.pages_completed > 0, 'nothing was kept');
    });

    for (const again of ['run', 'retry']) {
        it(`is finished by ${again}, which fetches only what is missing`, async (t) => {
            const { node, store } = await interruptedRun(t, 'SIGINT');
            const done = await donePages(store);
            node.calls.length = 0;
            const { code, stderr } = await store.command(again, '--backup-date', DATE);
            assert.equal(code, 0, stderr);
            const missing = Array.from({ length: PAGES }, (_, page) => page)
                .filter((page) => !done.includes(page)).map((page) => page * 50);
            assert.deepEqual(startsAsked(node), missing);
            assert.ok(store.archiveBytes().equals(await uninterruptedArchive(t)));
        });
    }

    it('does not trust a page file that changed meanwhile', async (t) => {
        const { node, store } = await interruptedRun(t, 'SIGINT');
        const [page] = await donePages(store);
        const file = store.path(DATE, `page_${page}.json`);
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1] ^= 1;
        writeFileSync(file, bytes);
        node.calls.length = 0;
        const { code, stderr } = await store.command('run', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.ok(startsAsked(node).includes(page * 50), 'the page was not fetched again');
        assert.ok(store.archiveBytes().equals(await uninterruptedArchive(t)));
    });
});

describe('a run under nohup, or in a script\'s background', () => {
    for (const signal of ['SIGHUP', 'SIGINT'])
        it(`is not ended by ${signal}`, async (t) => {
            const { node, held, release } = await holdingNode(t);
            const store = new Store(workspace(t), node, SETTINGS);
            const child = spawnChild('sh', ['-c', 'trap "" HUP INT; exec "$0" "$@"', program,
                ...store.args('run', '--backup-date', DATE)], { stdio: 'ignore' });
            t.after(() => child.kill('SIGKILL'));
            await held;
            child.kill(signal);
            release();
            assert.deepEqual(await child.ended, { code: 0, signal: null });
            assert.ok(existsSync(store.archivePath()));
        });
});

describe('SIGKILL', () => {
    it('loses no page that was recorded', async (t) => {
        const { node, store, result } = await interruptedRun(t, 'SIGKILL');
        assert.equal(result.signal, 'SIGKILL');
        const done = await donePages(store);
        node.calls.length = 0;
        const { code, stderr } = await store.command('run', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        for (const page of done) {
            assert.ok(!startsAsked(node).includes(page * 50), `page ${page} was fetched again`);
        }
        assert.ok(store.archiveBytes().equals(await uninterruptedArchive(t)));
    });
});

describe('status', () => {
    it('says that nobody works on a backup whose process was killed', async (t) => {
        const { store } = await interruptedRun(t, 'SIGKILL');
        const status = await store.json('status');
        assert.deepEqual([status.status, status.interrupted], ['in_progress', true]);
        assert.match((await store.command('status')).stdout, /^status +in_progress \(interrupted/m);
        assertFailed(await store.command('status', '--watch'), 130, 'Canceled',
            /2024-01-15 was interrupted.*backup retry --backup-date 2024-01-15/);

        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.equal((await store.json('status', '--watch')).interrupted, false);
    });

    it('--watch waits for one that is worked on, and ends when its process is killed', async (t) => {
        const { node, held } = await holdingNode(t);
        const store = new Store(workspace(t), node, SETTINGS);
        const child = start(store.args('run', '--backup-date', DATE));
        await whileRunning(child, held);
        const status = await store.json('status');
        assert.deepEqual([status.status, status.interrupted], ['in_progress', false]);
        const watch = start([...store.args('status', '--watch'), '--progress', 'always']);
        await whileRunning(watch, new Promise((resolve) => {
            watch.stderr.on('data', (text) => { if (/10\/20 pages/.test(text)) resolve(); });
        }));
        child.kill('SIGKILL');
        const { code, stderr } = await watch.done;
        assert.equal(code, 130, stderr);
        assert.match(stderr, /Canceled: .*nobody works on it/);
    });
});

describe('a second process', () => {
    it('leaves a backup alone that another one works on', async (t) => {
        const { node, held, release } = await holdingNode(t);
        const store = new Store(workspace(t), node, SETTINGS);
        const first = start(store.args('run', '--backup-date', DATE));
        await whileRunning(first, held);
        const second = await store.run();
        assert.equal(second.code, 10, second.stderr);
        assert.match(second.stderr, /BusyError/);
        assert.match(second.stderr, new RegExp(String(first.pid)), 'it says who');
        release();
        assert.equal((await first.done).code, 0);
        assert.ok(existsSync(join(store.backups, DATE, `backup_${DATE}.zip`)));
    });
});
