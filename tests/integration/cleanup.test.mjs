// SPDX-License-Identifier: Apache-2.0
//
// Keeping house over many backups: what goes, what stays whatever is asked, what a crash leaves,
// and how the status database finds back to what is on the disk.

import assert from 'node:assert/strict';
import {
    existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync,
    truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { silentPages, startFakeNode } from '../chain/fake.mjs';
import { assertFailed, mustRun, run, start, Store, whileRunning, workspace } from './harness.mjs';

const ENTRIES = realisticEntries(30);
const DATES = ['2024-01-10', '2024-01-11', '2024-01-12', '2024-01-13', '2024-01-14'];
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

/** A store with a backup of each date. */
async function storeOf(t, dates = DATES, settings = {}) {
    const store = new Store(workspace(t), node, { 'retention-min-backups': '1', ...settings });
    for (const date of dates) await mustRun(store.args('run', '--backup-date', date));
    return store;
}

/** Words such as 'storage status' and 'hold D' stand before the flags. */
function words(store, command, ...more) {
    return ['backup', ...command.split(' '), ...store.args('x').slice(2), ...more];
}

async function mustJson(store, command, ...more) {
    return JSON.parse((await mustRun(words(store, command, ...more, '--json'))).stdout);
}

function cleanup(store, ...more) {
    return mustJson(store, 'cleanup', ...more);
}

function actions({ backups }) {
    return Object.fromEntries(backups.map((backup) => [backup.backup_date, backup.action]));
}

function reasons({ backups }) {
    return Object.fromEntries(backups.map((backup) => [backup.backup_date, backup.reason]));
}

function onDisk(store) {
    return readdirSync(store.backups).filter((name) => /^(\d{4}-|\.trash)/.test(name)).sort();
}

async function listed(store) {
    return (await store.json('list')).map((row) => row.backup_date).sort();
}

/** Every file and its bytes, the lock files left out. */
function contents(directory) {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes('.locks'))
        .map((entry) => join(entry.parentPath, entry.name)).sort()
        .map((path) => [path, readFileSync(path).toString('base64')]);
}

function logLines(stderr) {
    return stderr.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** A run that hangs in its first page, as long as the test likes. */
async function startHanging(t, store, date) {
    const { held, methods } = silentPages();
    const slow = await startFakeNode({ entries: ENTRIES, methods });
    t.after(() => slow.stop());
    const child = start(store.args('run', '--backup-date', date, '--contract-rpc-urls', slow.url));
    await whileRunning(child, held);
    return child;
}

describe('backup cleanup', () => {
    it('removes what is old, files and rows, and says why', async (t) => {
        const store = await storeOf(t, DATES, { 'retention-min-backups': '2' });
        const result = await cleanup(store, '--older-than', '30d');
        assert.deepEqual(actions(result), {
            '2024-01-14': 'kept', '2024-01-13': 'kept', '2024-01-12': 'deleted',
            '2024-01-11': 'deleted', '2024-01-10': 'deleted',
        });
        assert.deepEqual(reasons(result), {
            '2024-01-14': 'the newest backup', '2024-01-13': 'one of the newest 2',
            '2024-01-12': 'older than 30d', '2024-01-11': 'older than 30d',
            '2024-01-10': 'older than 30d',
        });
        assert.equal(result.deleted, 3);
        assert.ok(result.backups.every((backup) => backup.size > 0));
        assert.equal(result.freed_bytes,
            result.backups.slice(2).reduce((sum, backup) => sum + backup.size, 0));
        assert.deepEqual(onDisk(store), ['2024-01-13', '2024-01-14']);
        assert.deepEqual(await listed(store), ['2024-01-13', '2024-01-14']);
        assert.ok(existsSync(store.path('latest', 'backup_latest.zip')));
        const key = ENTRIES[3].key.toString();
        assert.equal((await mustRun(words(store, 'get', key))).stdout, ENTRIES[3].value.toString());
    });

    it('--dry-run says the same and changes nothing', async (t) => {
        const store = await storeOf(t);
        const before = contents(store.backups);
        const planned = await cleanup(store, '--older-than', '30d', '--dry-run');
        assert.equal(planned.dry_run, true);
        assert.equal(planned.deleted, 4);
        assert.equal(actions(planned)['2024-01-10'], 'would_delete');
        assert.deepEqual(contents(store.backups), before);
        assert.deepEqual(await listed(store), DATES);
        const done = await cleanup(store, '--older-than', '30d');
        assert.deepEqual(reasons(done), reasons(planned));
        assert.equal(done.freed_bytes, planned.freed_bytes);
    });

    it('keeps what is young enough', async (t) => {
        const store = await storeOf(t);
        const result = await cleanup(store, '--older-than', '36500d');
        assert.equal(result.deleted, 0);
        assert.equal(reasons(result)['2024-01-10'], 'not older than 36500d');
        assert.deepEqual(onDisk(store), DATES);
    });

    it('never removes the newest completed backup', async (t) => {
        const store = await storeOf(t, ['2024-01-10']);
        const result = await cleanup(store, '--older-than', '0');
        assert.deepEqual(actions(result), { '2024-01-10': 'kept' });
        assert.deepEqual(onDisk(store), ['2024-01-10']);
    });

    it('keeps the newest of each day, week and month that is asked for', async (t) => {
        const dates = ['2023-12-30', '2023-12-31', '2024-01-30', '2024-01-31T060000Z',
            '2024-01-31T180000Z', '2024-02-01'];
        const store = await storeOf(t, dates);
        const rules = ['--older-than', '30d', '--keep-monthly', '3', '--keep-daily', '2'];
        const result = await cleanup(store, ...rules);
        assert.deepEqual(reasons(result), {
            '2024-02-01': 'the newest backup',
            '2024-01-31T180000Z': 'daily 2024-01-31',
            '2024-01-31T060000Z': 'older than 30d',
            '2024-01-30': 'older than 30d',
            '2023-12-31': 'monthly 2023-12',
            '2023-12-30': 'older than 30d',
        });
        assert.deepEqual(onDisk(store), ['2023-12-31', '2024-01-31T180000Z', '2024-02-01']);
        const weekly = await cleanup(store, '--older-than', '30d', '--keep-weekly', '2');
        assert.equal(reasons(weekly)['2023-12-31'], 'weekly 2023-W52');
        // The Wednesday and the Thursday lie in one ISO week.
        assert.equal(reasons(weekly)['2024-01-31T180000Z'], 'older than 30d');
    });

    it('leaves held backups until they are released', async (t) => {
        const store = await storeOf(t);
        assert.deepEqual(await mustJson(store, 'hold 2024-01-11'),
            { backup_date: '2024-01-11', held: true });
        await mustRun(words(store, 'hold 2024-01-11'));
        const list = await store.json('list');
        assert.deepEqual(list.filter((row) => row.held).map((row) => row.backup_date),
            ['2024-01-11']);
        assert.match((await mustRun(store.args('list'))).stdout, /2024-01-11 .* held/);
        const result = await cleanup(store, '--older-than', '30d');
        assert.equal(reasons(result)['2024-01-11'], 'held');
        assert.deepEqual(onDisk(store), ['2024-01-11', '2024-01-14']);
        await mustRun(words(store, 'release 2024-01-11'));
        await cleanup(store, '--older-than', '30d');
        assert.deepEqual(onDisk(store), ['2024-01-14']);
        assertFailed(await run(words(store, 'hold 2024-01-11')), 11, 'NotFoundError', /2024-01-11/);
        assertFailed(await run(words(store, 'hold ../x')), 3, 'ValidationError', /backup date/);
    });

    it('skips what another process works on, and takes it later', async (t) => {
        const store = await storeOf(t);
        const child = await startHanging(t, store, '2024-01-09');
        for (const more of [['--dry-run'], []]) {
            const result = await cleanup(store, '--older-than', '30d', ...more);
            assert.equal(actions(result)['2024-01-09'], 'skipped');
            assert.match(reasons(result)['2024-01-09'], /worked on by process \d+/);
        }
        assert.deepEqual(onDisk(store), ['2024-01-09', '2024-01-14']);
        child.kill('SIGKILL');
        await child.done;
        const result = await cleanup(store, '--older-than', '30d');
        assert.equal(reasons(result)['2024-01-09'], 'interrupted, older than 30d');
        assert.deepEqual(onDisk(store), ['2024-01-14']);
        assert.deepEqual(await listed(store), ['2024-01-14']);
    });

    it('removes what failed runs left', async (t) => {
        const store = await storeOf(t, ['2024-01-10']);
        const dead = await startFakeNode({ entries: ENTRIES, page: () => '0x' });
        t.after(() => dead.stop());
        const failed = await run(store.args('run', '--backup-date', '2024-01-09',
            '--contract-rpc-urls', dead.url, '--retry-attempts', '1'));
        assert.notEqual(failed.code, 0);
        const result = await cleanup(store, '--older-than', '30d');
        assert.equal(reasons(result)['2024-01-09'], 'failed, older than 30d');
        assert.deepEqual(onDisk(store), ['2024-01-10']);
    });

    it('stops where the newest backup has lost most of its keys', async (t) => {
        const store = await storeOf(t);
        const small = await startFakeNode({ entries: ENTRIES.slice(0, 14) });
        t.after(() => small.stop());
        await mustRun(store.args('run', '--backup-date', '2024-01-15',
            '--contract-rpc-urls', small.url));
        const dates = [...DATES, '2024-01-15'];
        for (const more of [[], ['--dry-run']]) {
            assertFailed(await run(words(store, 'cleanup', '--older-than', '30d', ...more)), 8,
                'IntegrityError', /2024-01-15 has 14 keys.* half the 30 of 2024-01-14.*--allow-shr/);
        }
        assert.deepEqual(onDisk(store), dates);
        await cleanup(store, '--older-than', '30d', '--allow-shrunk');
        assert.deepEqual(onDisk(store), ['2024-01-15']);
    });

    it('finishes what a crash has left, and touches nothing else', async (t) => {
        const store = await storeOf(t);
        // Killed after the rename, and something that only looks like it.
        renameSync(store.path('2024-01-13'), store.path('.trash-2024-01-09'));
        mkdirSync(store.path('.trash-2024-01-12')); // and one of a date that is about to go
        writeFileSync(store.path('.trash-2024-01-12', 'page_0.json'), 'x');
        mkdirSync(store.path('.trash-1000'));
        writeFileSync(store.path('.trash-1000', 'mine'), 'x');
        const result = await cleanup(store, '--older-than', '30d');
        assert.match(reasons(result)['2024-01-13'], /archive is missing/);
        assert.deepEqual(onDisk(store), ['.trash-1000', '2024-01-14']);
        assert.ok(existsSync(store.path('.trash-1000', 'mine')));
    });

    it('does not count a row whose archive is gone as a backup', async (t) => {
        const store = await storeOf(t);
        rmSync(store.path('2024-01-14'), { recursive: true });
        truncateSync(store.archivePath('2024-01-13'), 100);
        const result = await cleanup(store, '--older-than', '30d');
        assert.equal(reasons(result)['2024-01-12'], 'the newest backup');
        assert.deepEqual(onDisk(store), ['2024-01-12', '2024-01-13']);
    });

    it('follows no symbolic link', async (t) => {
        const store = await storeOf(t);
        const outside = join(store.directory, 'outside');
        mkdirSync(join(outside, 'deep'), { recursive: true });
        writeFileSync(join(outside, 'precious'), 'x');
        writeFileSync(join(outside, 'deep', 'precious'), 'x');
        symlinkSync(outside, store.path('2024-01-12', 'link'));
        symlinkSync(join(outside, 'precious'), store.path('2024-01-12', 'page_9.json'));
        rmSync(store.path('2024-01-11'), { recursive: true });
        symlinkSync(outside, store.path('2024-01-11'));
        symlinkSync(outside, store.path('.trash-2024-01-01'));
        await cleanup(store, '--older-than', '30d');
        assert.ok(existsSync(join(outside, 'precious')));
        assert.ok(existsSync(join(outside, 'deep', 'precious')));
        assert.ok(lstatSync(store.path('2024-01-11')).isSymbolicLink());
        assert.ok(!existsSync(store.path('2024-01-12')));
    });

    it('tells of directories that the database does not know, and leaves them', async (t) => {
        const store = await storeOf(t);
        mkdirSync(store.path('2023-05-05'));
        const result = await cleanup(store, '--older-than', '30d');
        assert.match(reasons(result)['2023-05-05'], /not in the status database.*--rescan/);
        assert.deepEqual(onDisk(store), ['2023-05-05', '2024-01-14']);
    });

    it('shows a table to people', async (t) => {
        const store = await storeOf(t);
        const { stdout } = await mustRun(words(store, 'cleanup', '--older-than', '30d', '--dry-run'));
        assert.match(stdout, /^BACKUP +SIZE +ACTION +REASON\n2024-01-14 .* kept +the newest backup/);
        assert.match(stdout, /\n4 would be deleted, /);
    });

    it('asks for an age where the configuration has none', async (t) => {
        const store = await storeOf(t, ['2024-01-10']);
        assertFailed(await run(words(store, 'cleanup')), 2, 'UsageError', /--older-than is missing/);
        for (const [flag, value] of [['--older-than', 'yesterday'], ['--keep-daily', '-1']]) {
            assertFailed(await run(words(store, 'cleanup', '--older-than', '1d', `${flag}=${value}`)),
                2, 'UsageError', new RegExp(flag));
        }
        const result = await cleanup(store, '--retention-days', '30');
        assert.deepEqual(actions(result), { '2024-01-10': 'kept' });
    });
});

describe('retention_days', () => {
    it('is applied after each successful run', async (t) => {
        const store = await storeOf(t);
        await mustRun(store.args('run', '--backup-date', '2024-01-15', '--retention-days', '30',
            '--retention-min-backups', '2'));
        assert.deepEqual(onDisk(store), ['2024-01-14', '2024-01-15']);
        assert.deepEqual(await listed(store), ['2024-01-14', '2024-01-15']);
    });

    it('leaves the backup that was just made, however old its date', async (t) => {
        const store = await storeOf(t, DATES.slice(1));
        await mustRun(store.args('run', '--backup-date', '2024-01-10', '--retention-days', '30'));
        assert.deepEqual(onDisk(store), ['2024-01-10', '2024-01-14']);
    });

    it('fails no backup', async (t) => {
        const store = await storeOf(t);
        const small = await startFakeNode({ entries: ENTRIES.slice(0, 2) });
        t.after(() => small.stop());
        const { stderr } = await mustRun(store.args('run', '--backup-date', '2024-01-15',
            '--retention-days', '30', '--contract-rpc-urls', small.url, '--log-format', 'json'));
        const [line] = logLines(stderr);
        assert.equal(line.level, 'error');
        assert.equal(line.error_type, 'IntegrityError');
        assert.deepEqual(onDisk(store), [...DATES, '2024-01-15']);
    });

    it('0 removes nothing but what a crash has left', async (t) => {
        const store = await storeOf(t, ['2024-01-10', '2024-01-11']);
        mkdirSync(store.path('.trash-2024-01-09'));
        await mustRun(store.args('run', '--backup-date', '2024-01-12'));
        assert.deepEqual(onDisk(store), ['2024-01-10', '2024-01-11', '2024-01-12']);
    });

    it('is 35 in the file that config init writes', async () => {
        const { stdout } = await mustRun(['backup', 'config', 'init', '-']);
        assert.match(stdout, /^ {2}retention_days: 35$/m);
        const given = await mustRun(['backup', 'config', 'init', '-', '--retention-days', '7']);
        assert.match(given.stdout, /^ {2}retention_days: 7$/m);
    });
});

describe('list --rescan', () => {
    const COMPARED = ['backup_date', 'status', 'total_keys', 'total_pages', 'checksum', 'file_size',
        'backup_file_path'];

    function compared(rows) {
        return rows.map((row) => Object.fromEntries(COMPARED.map((name) => [name, row[name]])));
    }

    function rescan(store) {
        return store.json('list', '--rescan');
    }

    async function findings(store) {
        const { stderr } = await mustRun(store.args('list', '--rescan', '--log-format', 'json',
            '--log-level', 'info'));
        return logLines(stderr);
    }

    function dropDatabase(store) {
        for (const end of ['', '-wal', '-shm']) {
            rmSync(join(store.directory, `satellite.db${end}`), { force: true });
        }
    }

    it('changes nothing where all is well', async (t) => {
        const store = await storeOf(t);
        const before = await store.json('list');
        const [sum] = await findings(store);
        assert.deepEqual([sum.restored, sum.lost, sum.orphans, sum.skipped], [0, 0, 0, 0]);
        assert.deepEqual(await store.json('list'), before);
    });

    it('makes a lost database again, pages and all', async (t) => {
        const store = await storeOf(t, DATES, { 'page-size': '7' });
        const before = await store.json('list');
        const { pages } = await store.json('status', '--pages');
        rmSync(store.path('2024-01-11', 'manifest.json')); // the archive has it, too
        dropDatabase(store);
        assert.deepEqual(compared(await rescan(store)), compared(before));
        const again = await store.json('status', '--pages');
        assert.deepEqual(again.pages.map((page) => [page.page_number, page.checksum]),
            pages.map((page) => [page.page_number, page.checksum]));
        assert.equal(again.block_hash, store.manifest('2024-01-14').block_hash);
        const key = ENTRIES[29].key.toString();
        await mustRun(words(store, 'get', key, '--backup-date', '2024-01-10'));
        // And the next run knows that it is done.
        const { stdout } = await mustRun(store.args('run', '--backup-date', '2024-01-14'));
        assert.match(stdout, /done already/);
    });

    it('marks a completed backup failed whose files are gone, until they are back', async (t) => {
        const store = await storeOf(t, ['2024-01-10', '2024-01-11', '2024-01-12']);
        const before = await store.json('list');
        renameSync(store.path('2024-01-10'), join(store.directory, 'away'));
        renameSync(store.archivePath('2024-01-11'), join(store.directory, 'away.zip'));
        const rows = await rescan(store);
        assert.deepEqual(rows.map((row) => row.status), ['completed', 'failed', 'failed']);
        assert.match(rows[2].error_message, /its directory is missing/);
        assert.match(rows[1].error_message, /its archive is missing/);
        renameSync(join(store.directory, 'away'), store.path('2024-01-10'));
        renameSync(join(store.directory, 'away.zip'), store.archivePath('2024-01-11'));
        assert.deepEqual(compared(await rescan(store)), compared(before));
    });

    it('takes back nothing but the archive that was recorded', async (t) => {
        const store = await storeOf(t, ['2024-01-10', '2024-01-11']);
        const archive = store.archivePath('2024-01-10');
        const other = await storeOf(t, ['2024-01-10'], { 'page-size': '7' });
        renameSync(archive, join(store.directory, 'away.zip'));
        await rescan(store);
        writeFileSync(archive, readFileSync(other.archivePath('2024-01-10')));
        const [line, sum] = await findings(store);
        assert.match(line.reason, /not the one that was recorded/);
        assert.equal(sum.orphans, 1);
        assert.equal((await store.json('list'))[1].status, 'failed');
    });

    it('reports directories that hold no whole backup', async (t) => {
        const store = await storeOf(t, ['2024-01-10', '2024-01-11', '2024-01-12']);
        dropDatabase(store);
        rmSync(store.archivePath('2024-01-10'));
        truncateSync(store.archivePath('2024-01-11'), 1000);
        mkdirSync(store.path('2024-01-13'));
        writeFileSync(store.path('2024-01-13', 'backup_2024-01-13.zip'),
            readFileSync(store.archivePath('2024-01-12'))); // another day's
        const lines = await findings(store);
        const orphans = lines.filter((line) => line.level === 'warn');
        assert.deepEqual(orphans.map((line) => line.backup_date).sort(),
            ['2024-01-10', '2024-01-11', '2024-01-13']);
        assert.ok(orphans.every((line) => /holds no whole backup/.test(line.msg)));
        assert.deepEqual(await listed(store), ['2024-01-12']);
    });

    it('leaves a backup that another process works on', async (t) => {
        const store = await storeOf(t, ['2024-01-10']);
        const child = await startHanging(t, store, '2024-01-09');
        const lines = await findings(store);
        assert.match(lines[0].reason, /worked on by process/);
        assert.equal(lines[1].skipped, 1);
        child.kill('SIGKILL');
        await child.done;
        assert.equal((await rescan(store))[1].status, 'in_progress'); // for retry to finish
    });
});

describe('backup storage status', () => {
    it('--json has the size of each and all, free space, growth and when it is full', async (t) => {
        const store = await storeOf(t, DATES, { 'min-free-space': '0' });
        mkdirSync(store.path('2023-05-05'));
        const status = await mustJson(store, 'storage status');
        assert.deepEqual(status.backups.map((backup) => backup.backup_date),
            [...DATES].reverse().concat('2023-05-05'));
        assert.deepEqual(status.backups.map((backup) => backup.status),
            [...DATES.map(() => 'completed'), 'unknown']);
        const sizes = status.backups.map((backup) => backup.size);
        for (const [i, date] of [...DATES].reverse().entries()) {
            const blocks = readdirSync(store.path(date))
                .map((name) => lstatSync(store.path(date, name)).blocks);
            assert.equal(sizes[i], blocks.reduce((sum, count) => sum + count * 512, 0));
        }
        const total = sizes.reduce((sum, size) => sum + size, 0);
        assert.equal(status.used_bytes, total);
        assert.ok(status.free_bytes > 0);
        assert.equal(status.bytes_per_backup, total / 5);
        // One a day, so that a day takes what one takes.
        const days = status.free_bytes / status.bytes_per_backup;
        assert.ok(status.days_until_full > 0 && status.days_until_full <= Math.ceil(days));
    });

    it('shows a table to people', async (t) => {
        const store = await storeOf(t, ['2024-01-10']);
        const { stdout } = await mustRun(words(store, 'storage status'));
        assert.match(stdout, /^BACKUP +STATUS +KEYS +SIZE +HELD\n2024-01-10 +completed +30 /);
        assert.match(stdout, /\nused +\S+ \S+ in 1 backups\nfree /);
        assert.match(stdout, /\ndays until full +-\n/);
    });
});
