// SPDX-License-Identifier: Apache-2.0
//
// What the service does between backups: verifications and test restores on their intervals.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy } from '../chain/contract.mjs';
import { oddEntries } from '../chain/entries.mjs';
import { installSynthetic } from '../chain/synthetic.mjs';
import { ANVIL_ARGS, Store, mustRun, start, whileRunning, workspace } from './harness.mjs';

const ENTRIES = oddEntries();
let anvil;
let address;

before(async () => {
    anvil = await startAnvil({ args: ANVIL_ARGS });
    address = await deploy(anvil.url);
    await createEntries(anvil.url, address, ENTRIES);
});
after(() => anvil?.stop());

function newStore(t, settings) {
    return new Store(workspace(t), { url: anvil.url, address }, {
        'chore-interval': '30d', 'contract-block': 'latest', 'contract-max-block-age': 0,
        'log-format': 'json', 'log-level': 'info', ...settings,
    });
}

/** Starts the service; `seen(wanted)` resolves to the first line of its log that is wanted. */
function serve(store, env) {
    const args = store.args('run').slice(2); // the flags alone
    args.splice(args.indexOf('--progress'), 2);
    const child = start(['run', 'backup', ...args], { env });
    const lines = [];
    const waiting = [];
    let rest = '';
    child.stderr.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        lines.push(...parts.map((part) => JSON.parse(part)));
        for (const look of waiting) look();
    });
    const seen = (wanted) => whileRunning(child, new Promise((resolve) => {
        const look = () => { const line = lines.find(wanted); if (line) resolve(line); };
        waiting.push(look);
        look();
    }));
    const stop = async () => {
        child.kill('SIGTERM');
        const { code, stderr } = await child.done;
        assert.equal(code, 0, stderr);
    };
    return { lines, seen, stop };
}

const isCompleted = (line) => line.msg === 'Backup operation completed';
const isVerified = (line) => line.msg === 'Backup verified';
const isRestored = (line) => line.msg === 'Test restore completed';

/** What status keeps of the newest backup's checks, by kind. */
async function checksOf(store, ...args) {
    const { checks } = await store.json('status', ...args);
    return Object.fromEntries(checks.map((check) => [check.kind, check]));
}

/** A store with a damaged backup, and its date. */
async function damaged(t, settings) {
    const store = newStore(t, settings);
    const service = serve(store);
    const { backup_date: date } = await service.seen(isCompleted);
    await service.stop();
    const bytes = store.archiveBytes(date);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(store.archivePath(date), bytes);
    return { store, date };
}

describe('satellite run backup with verify_interval and test_restore_interval', () => {
    it('verifies and restores a new backup, and again when it is time', async (t) => {
        const store = newStore(t, { 'verify-interval': '2s', 'test-restore-interval': '2s' });
        const service = serve(store);
        await service.seen(isVerified);
        await service.seen(isRestored);
        const first = await checksOf(store);
        for (const kind of ['verify', 'test_restore']) {
            assert.equal(first[kind].outcome, 'valid');
            assert.equal(first[kind].keys, ENTRIES.length);
        }
        await service.seen(() => service.lines.filter(isVerified).length > 1
            && service.lines.filter(isRestored).length > 1);
        await service.stop();
        const later = await checksOf(store);
        for (const kind of ['verify', 'test_restore'])
            assert.ok(Date.parse(later[kind].checked_at)
                >= Date.parse(first[kind].checked_at) + 2000, kind);
        assert.deepEqual(service.lines.filter((line) => line.level === 'error'), []);
    });

    it('does not repeat what a person or an earlier service has checked', async (t) => {
        const store = newStore(t, { 'test-restore-interval': '1h' });
        const service = serve(store);
        await service.seen(isRestored);
        await service.stop();
        await mustRun(store.args('verify'));
        const before = await checksOf(store);
        // A new backup, which nobody has verified.
        Object.assign(store.settings, { 'verify-interval': '1h', 'chore-interval': '2s' });
        const again = serve(store);
        const { backup_date: date } = await again.seen(isVerified);
        await again.seen((line) => isCompleted(line) && line.backup_date > date);
        await again.stop();
        assert.deepEqual(again.lines.filter(isRestored), []);
        const dates = again.lines.filter(isVerified).map((line) => line.backup_date);
        assert.equal(new Set(dates).size, dates.length, 'one was verified twice');
        const { backup_date: earlier } = (await store.json('list')).at(-1);
        assert.ok(!dates.includes(earlier));
        assert.deepEqual(await checksOf(store, '--backup-date', earlier), before);
    });

    it('logs a damaged backup, records it and goes on making backups', async (t) => {
        const { store, date } = await damaged(t, { 'chore-interval': '2s' });
        Object.assign(store.settings, { 'verify-interval': '1h', 'test-restore-interval': '1h' });
        const again = serve(store);
        const failed = await again.seen((line) => line.msg === 'Verification failed');
        assert.equal(failed.level, 'error');
        assert.equal(failed.error_type, 'IntegrityError');
        assert.equal(failed.backup_date, date);
        assert.ok(again.lines.findIndex(isCompleted) < again.lines.indexOf(failed),
            'the slot is due, so its backup goes first');
        const count = again.lines.filter(isCompleted).length;
        await again.seen(() => again.lines.filter(isCompleted).length > count);
        await again.stop();
        const { verify } = await checksOf(store, '--backup-date', date);
        assert.equal(verify.outcome, 'invalid');
        assert.equal(again.lines.filter((line) => line.msg === 'Verification failed').length, 1);
    });

    it('ends on SIGTERM in the middle of a test restore, which is none then', async (t) => {
        const store = newStore(t, { 'page-size': 1000, 'test-restore-interval': '1h' });
        store.settings['contract-address'] = await installSynthetic(anvil.url, 100_000);
        const scratch = join(store.directory, 'scratch');
        mkdirSync(scratch);
        const service = serve(store, { TMPDIR: scratch });
        await service.seen(isCompleted);
        while (!readdirSync(scratch).some((name) => name.startsWith('.satellite-')))
            await setTimeout(1);
        const before = Date.now();
        await service.stop();
        assert.ok(Date.now() - before < 5000);
        assert.deepEqual(readdirSync(scratch), []);
        assert.deepEqual(service.lines.filter((line) => line.level === 'error'), []);
        assert.deepEqual((await store.json('status')).checks ?? [], []);
    });

    it('logs a test restore of a damaged backup', async (t) => {
        const { store } = await damaged(t);
        store.settings['test-restore-interval'] = '1h';
        const again = serve(store);
        const failed = await again.seen((line) => line.msg === 'Test restore failed');
        assert.equal(failed.level, 'error');
        assert.equal(failed.error_type, 'IntegrityError');
        await again.stop();
        assert.equal((await checksOf(store)).test_restore.outcome, 'invalid');
    });
});
