// SPDX-License-Identifier: Apache-2.0
//
// The service: backups on their interval until it is told to end.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, silentPages, startFakeNode } from '../chain/fake.mjs';
import {
    archivedEntries, assertSameEntries, DATE, start, Store, whileRunning, workspace,
} from './harness.mjs';

const ENTRIES = realisticEntries(30);
const SLOT_MS = 30 * 86_400_000;

/** Reads the log as it comes; `seen(n)` resolves when so many backups were completed. */
function followLog(child) {
    const waiting = [];
    const lines = [];
    let completed = 0;
    let rest = '';
    child.stderr.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        for (const line of parts.map((part) => JSON.parse(part))) {
            lines.push(line);
            if (line.msg === 'Backup operation completed') completed += 1;
        }
        for (const { reached, resolve } of waiting) if (reached()) resolve();
    });
    const wait = (reached) => whileRunning(child, new Promise((resolve) => {
        waiting.push({ reached, resolve });
    }));
    return {
        lines,
        seen: (count) => wait(() => completed >= count),
        until: (test) => wait(() => lines.some(test)),
    };
}

function startService(store) {
    const args = store.args('run').slice(2); // the flags alone
    const progress = args.indexOf('--progress');
    args.splice(progress, 2);
    return start(['run', 'backup', ...args]);
}

describe('satellite run backup', () => {
    it('makes a backup each interval and ends on SIGTERM with 0', async (t) => {
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, {
            'chore-interval': '2s', 'log-format': 'json', 'log-level': 'info',
        });
        const service = startService(store);
        const log = followLog(service);
        await log.seen(3);
        service.kill('SIGTERM');
        const { code, stderr } = await service.done;
        assert.equal(code, 0, stderr);

        const dates = readdirSync(store.backups).filter((name) => /^\d{4}-/.test(name));
        const logged = log.lines.filter((line) => line.msg === 'Backup operation completed');
        for (const line of logged) {
            assert.match(line.backup_date, /^\d{4}-\d\d-\d\dT\d{6}Z$/);
            assert.equal(line.level, 'info');
            assert.equal(line.total_keys, ENTRIES.length);
            assert.ok(dates.includes(line.backup_date));
            assertSameEntries(archivedEntries(store.archivePath(line.backup_date)), ENTRIES);
        }
        const distinct = new Set(logged.map((line) => line.backup_date));
        assert.equal(distinct.size, logged.length, 'one slot was backed up twice');
    });

    it('ends on SIGTERM in the middle of a backup, which stays resumable', async (t) => {
        const { held, methods } = silentPages();
        const node = await startFakeNode({ entries: ENTRIES, methods });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, { 'log-format': 'json' });
        const service = startService(store);
        await whileRunning(service, held);
        service.kill('SIGTERM');
        const { code, stderr } = await service.done;
        assert.equal(code, 0, stderr);
        assert.notEqual((await store.json('status')).status, 'completed');
    });

    /** A backup of an earlier day that got this signal in the middle; its node answers again. */
    async function unfinishedEarlier(t, signal) {
        let held = true;
        let reached;
        const waiting = new Promise((resolve) => { reached = resolve; });
        const node = await startFakeNode({ entries: ENTRIES, methods: {
            eth_call(params) {
                if (!held || !isPageCall(params)) return this.truth('eth_call', params);
                reached();
                return new Promise(() => {}); // no answer
            },
        } });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, {
            'page-size': 10, 'log-format': 'json', 'log-level': 'info' });
        const child = start(store.args('run', '--backup-date', DATE));
        await whileRunning(child, waiting);
        child.kill(signal);
        await child.done;
        held = false;
        return { node, store };
    }

    it('marks an earlier day failed that was interrupted before it had a block', async (t) => {
        let hold = false;
        let reached;
        const waiting = new Promise((resolve) => { reached = resolve; });
        const node = await startFakeNode({ entries: ENTRIES, methods: {
            eth_chainId() {
                if (!hold) return this.truth('eth_chainId');
                reached();
                return new Promise(() => {}); // no answer
            },
        } });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, { 'log-format': 'json', 'log-level': 'info' });
        const OTHER = '2024-01-16';
        await store.mustRun();
        hold = true;
        const child = start(store.args('run', '--backup-date', OTHER));
        await whileRunning(child, waiting);
        child.kill('SIGTERM');
        assert.equal((await child.done).code, 130);
        hold = false;
        assert.match((await store.json('status')).error_message, /^Canceled/);
        await serve(store, 1);
        const status = await store.json('status', '--backup-date', OTHER);
        assert.equal(status.status, 'failed');
        assert.match(status.error_message, /interrupted, and it had no block yet/);
    });

    /** Runs the service until it has completed so many backups. */
    async function serve(store, count) {
        const service = startService(store);
        await followLog(service).seen(count);
        service.kill('SIGTERM');
        const { code, stderr } = await service.done;
        assert.equal(code, 0, stderr);
    }

    for (const signal of ['SIGKILL', 'SIGTERM']) {
        it(`finishes an earlier day that ${signal} left, where its block is served`, async (t) => {
            const { store } = await unfinishedEarlier(t, signal);
            const block = (await store.json('status', '--backup-date', DATE)).block_number;
            await serve(store, 2);
            const status = await store.json('status', '--backup-date', DATE);
            assert.deepEqual([status.status, status.block_number], ['completed', block]);
            assertSameEntries(archivedEntries(store.archivePath()), ENTRIES);
        });

        it(`marks an earlier day that ${signal} left failed, where it is not`, async (t) => {
            const { node, store } = await unfinishedEarlier(t, signal);
            node.chain.fork = 'another';
            await serve(store, 1);
            const status = await store.json('status', '--backup-date', DATE);
            assert.equal(status.status, 'failed');
            assert.match(status.error_message, /interrupted, and its block is no longer served: block 0x/);
            assert.equal((await store.json('status')).status, 'completed');
            store.settings['chore-interval'] = '2s'; // a new slot, which looks again
            await serve(store, 1);
            const later = await store.json('status', '--backup-date', DATE);
            assert.deepEqual(later, status, 'it was tried again');
        });
    }

    it('completes an earlier day whose archive is done, though its block is gone', async (t) => {
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, { 'log-format': 'json', 'log-level': 'info' });
        await store.mustRun();
        const bytes = store.archiveBytes();
        execFileSync('sqlite3', [join(store.directory, 'satellite.db'), `UPDATE backup_final_status
            SET status = 'in_progress', completed_at = NULL, checksum = NULL, file_size = NULL`]);
        node.chain.fork = 'another';
        await serve(store, 1);
        assert.equal((await store.json('status', '--backup-date', DATE)).status, 'completed');
        assert.ok(store.archiveBytes().equals(bytes));
    });

    it('leaves an earlier day alone that nobody may be asked for', async (t) => {
        const { node, store } = await unfinishedEarlier(t, 'SIGKILL');
        const { block_number: block } = await store.json('status', '--backup-date', DATE);
        node.methods.eth_chainId = () => new RawReply({ status: 401, body: 'no' });
        const service = startService(store);
        const log = followLog(service);
        await log.until(({ msg }) => msg === 'Next attempt');
        service.kill('SIGTERM');
        await service.done;
        const line = log.lines.find(({ msg }) => msg === 'Earlier backup not finished');
        assert.match(line.error, /401/);
        assert.equal((await store.json('status', '--backup-date', DATE)).status, 'in_progress');
        node.methods.eth_chainId = function chainId() { return this.truth('eth_chainId'); };
        await store.mustRun();
        assert.equal(store.manifest().block_number, block);
    });

    it('does not start an earlier day over whose block is lost while it goes on', async (t) => {
        const { node, store } = await unfinishedEarlier(t, 'SIGKILL');
        node.chain.latest += 10; // so that the new slot's block is another one
        node.chain.finalized += 10;
        const { block_number: block } = await store.json('status', '--backup-date', DATE);
        node.methods.eth_call = function call(params) {
            const pinned = params[1]?.blockHash ?? params[1];
            if (isPageCall(params) && this.chain.fork === '' &&
                pinned === this.chain.hashOf(block)) {
                this.chain.fork = 'another'; // it had been there when the run was taken up
            }
            return this.truth('eth_call', params);
        };
        await serve(store, 1);
        assert.equal(node.chain.fork, 'another', 'it was not taken up');
        const status = await store.json('status', '--backup-date', DATE);
        assert.deepEqual([status.status, status.block_number], ['failed', block]);
        assert.equal((await store.json('status')).status, 'completed');
    });

    for (const [name, answer, waits] of [
        ['a revert waits for the next slot', () => { throw new RpcError(3,
            'execution reverted: paused', '0x'); }, true],
        ['trouble is tried again in a minute', () => new RawReply({ status: 500 }), false],
    ]) {
        it(name, async (t) => {
            const node = await startFakeNode({ entries: ENTRIES, page: answer });
            t.after(() => node.stop());
            const store = new Store(workspace(t), node, {
                'chore-interval': '30d', 'retry-attempts': 1,
                'log-format': 'json', 'log-level': 'warn' });
            const before = Date.now();
            const service = startService(store);
            const line = await new Promise((resolve, reject) => {
                service.done.then(reject, reject);
                let log = '';
                service.stderr.on('data', (text) => {
                    log += text;
                    const found = log.split('\n').find((one) => one.includes('Next attempt'));
                    if (found && log.endsWith('\n')) resolve(JSON.parse(found));
                });
            });
            const after = Date.now();
            service.kill('SIGTERM');
            await service.done;
            const at = Date.parse(line.at);
            const slotEnd = (Math.floor(before / SLOT_MS) + 1) * SLOT_MS;
            if (waits) assert.equal(at, slotEnd);
            else assert.ok(at >= before + 60_000 && at <= after + 60_000, line.at);
        });
    }

    it('refuses a fixed block', async (t) => {
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, { 'contract-block': 90 });
        const { code, stderr } = await startService(store).done;
        assert.equal(code, 3, stderr);
        assert.match(stderr, /block/);
    });
});
