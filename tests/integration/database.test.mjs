// SPDX-License-Identifier: Apache-2.0
//
// A status database that is in another's hands, full, damaged or gone: a short trouble is waited
// for, a long one is said, and nothing that was backed up is lost with it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import { spawnChild } from '../chain/children.mjs';
import { assertFailed, DATE, mustRun, start, Store, workspace } from './harness.mjs';

const ENTRIES = realisticEntries(200);
const OLDER = '2024-01-14';
const SETTINGS = { 'page-size': 10, 'contract-block': 90, 'max-concurrent-pages': 2 };

const databaseOf = (store) => join(store.directory, 'satellite.db');

const change = (store, sql) => execFileSync('sqlite3', [databaseOf(store), sql]);

/** Another process that holds the write lock until it is told to let go. */
async function holdDatabase(t, store) {
    const child = spawnChild('sqlite3', [databaseOf(store)], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    const held = new Promise((resolve) => { child.stdout.once('data', resolve); });
    child.stdin.write('BEGIN IMMEDIATE;\n.print held\n');
    await Promise.race([held, child.ended.then(({ error, code }) => {
        throw error ?? new Error(`sqlite3 ended with ${code}`);
    })]);
    return { release: () => { child.stdin.end('ROLLBACK;\n'); return child.ended; } };
}

/** A node that calls `onHalf()` once, before it answers a page of the second half. */
async function nodeWith(t, onHalf = () => {}) {
    let half;
    const node = await startFakeNode({ entries: ENTRIES, methods: {
        async eth_call(params) {
            const truth = this.truth('eth_call', params);
            if (isPageCall(params) && this.pagesAsked().at(-1)[0] >= ENTRIES.length / 2) {
                await (half ??= onHalf());
            }
            return truth;
        },
    } });
    t.after(() => node.stop());
    return node;
}

async function undisturbed(t) {
    const store = new Store(workspace(t), await nodeWith(t), SETTINGS);
    await store.mustRun();
    return store.archiveBytes();
}

describe('a database that another process holds', { concurrency: true }, () => {
    it('for a while: it is waited for', async (t) => {
        const node = await nodeWith(t, async () => {
            const holder = await holdDatabase(t, store);
            setTimeout(holder.release, 1000);
        });
        const store = new Store(workspace(t), node, SETTINGS);
        await store.mustRun();
        assert.ok(store.archiveBytes().equals(await undisturbed(t)));
    });

    it('for longer than a file operation may take: that is no stuck disk', async (t) => {
        const node = await nodeWith(t, async () => {
            const holder = await holdDatabase(t, store);
            setTimeout(holder.release, 4000);
        });
        const store = new Store(workspace(t), node, { ...SETTINGS, 'file-operation-timeout': '2s' });
        await store.mustRun();
        assert.ok(store.archiveBytes().equals(await undisturbed(t)));
    });

    it('for longer than SQLite itself waits: every row is kept until it is recorded', async (t) => {
        let holder;
        const node = await nodeWith(t, async () => {
            holder = await holdDatabase(t, store);
            setTimeout(holder.release, 8000);
        });
        const store = new Store(workspace(t), node, { ...SETTINGS, 'log-level': 'warn' });
        const { stderr } = await store.mustRun();
        assert.equal(stderr.match(/Status database is busy/g)?.length, 1, stderr);
        const { pages } = await store.json('status', '--backup-date', DATE, '--pages');
        assert.deepEqual(pages.map((page) => [page.page_number, page.status]),
            Array.from({ length: 20 }, (_, number) => [number, 'completed']));
        assert.equal(new Set(node.pagesAsked().map(([first]) => first)).size, 20);
        assert.equal(node.pagesAsked().length, 20, 'no page was fetched twice');
        assert.ok(store.archiveBytes().equals(await undisturbed(t)));
    });

    it('at its very end: completed is recorded when it is free', async (t) => {
        // The last thing that is asked of the node is whether the pinned block still stands.
        let asked = 0;
        const node = await nodeWith(t);
        node.methods.eth_getBlockByNumber = async function block(params) {
            if (this.pagesAsked().length === 20 && asked++ === 0) {
                while ((await store.json('status')).pages_completed < 20) await sleep(20);
                const holder = await holdDatabase(t, store);
                setTimeout(holder.release, 6500);
            }
            return this.truth('eth_getBlockByNumber', params);
        };
        const store = new Store(workspace(t), node, { ...SETTINGS, 'log-level': 'warn' });
        const { stderr } = await store.mustRun();
        assert.match(stderr, /Status database is busy.*completing a backup/);
        assert.equal((await store.json('status')).status, 'completed');
    });

    it('stopped meanwhile: it ends soon, as interrupted', async (t) => {
        let child;
        const node = await nodeWith(t, async () => {
            await holdDatabase(t, store);
            setTimeout(() => child.kill('SIGINT'), 1000);
        });
        const store = new Store(workspace(t), node, SETTINGS);
        child = start(store.args('run', '--backup-date', DATE));
        const { code, stderr } = await child.done;
        assert.equal(code, 130, stderr);
    });

    it('for ever: DatabaseError; retry goes on from what was recorded', async (t) => {
        let holder;
        const node = await nodeWith(t, async () => {
            while ((await store.json('status')).pages_completed === 0) await sleep(20);
            holder = await holdDatabase(t, store);
        });
        const store = new Store(workspace(t), node,
            { ...SETTINGS, 'file-operation-timeout': '6s' }); // that long it is waited for
        const { code, stderr } = await store.run();
        assert.equal(code, 6, stderr);
        assert.match(stderr, /^satellite: DatabaseError: .*locked; another process holds/m);
        assert.ok(!existsSync(store.archivePath()));
        await holder.release();
        const { pages } = await store.json('status', '--backup-date', DATE, '--pages');
        const done = pages.filter((page) => page.status === 'completed');
        assert.ok(done.length > 0, 'nothing was recorded before');
        node.calls.length = 0;
        const retried = await store.command('retry', '--backup-date', DATE);
        assert.equal(retried.code, 0, retried.stderr);
        const asked = new Set(node.pagesAsked().map(([first]) => first / 10));
        assert.deepEqual(done.filter((page) => asked.has(page.page_number)), []);
        assert.ok(store.archiveBytes().equals(await undisturbed(t)));
    });
});

describe('a damaged database', () => {
    /** Two backups, and what the database says of them. */
    async function twoBackups(t) {
        const node = await nodeWith(t);
        const store = new Store(workspace(t), node, SETTINGS);
        assert.equal((await store.command('run', '--backup-date', OLDER)).code, 0);
        await store.mustRun();
        return { store, rows: await store.json('list') };
    }

    function overwrite(file, from, bytes) {
        const whole = readFileSync(file);
        whole.fill(0xa5, from, Math.min(from + bytes, whole.length));
        writeFileSync(file, whole);
    }

    for (const [name, from, bytes] of [['its header', 0, 100], ['the schema', 100, 200],
        ['all but its schema', 4096, Infinity]]) {
        it(`${name}: DatabaseError with what to do, which helps`, async (t) => {
            const { store, rows } = await twoBackups(t);
            const archives = [OLDER, DATE].map((date) => store.archiveBytes(date));
            overwrite(databaseOf(store), from, bytes);
            for (const [command, ...more] of [['list'], ['status', '--backup-date', DATE],
                ['run', '--backup-date', '2024-01-16']]) {
                assertFailed(await store.command(command, ...more), 6, 'DatabaseError',
                    /move it away: 'satellite backup list --rescan' makes it/);
            }
            for (const end of ['', '-wal', '-shm']) {
                if (existsSync(databaseOf(store) + end)) {
                    renameSync(databaseOf(store) + end, `${databaseOf(store)}.away${end}`);
                }
            }
            const again = await store.json('list', '--rescan');
            for (const column of ['backup_date', 'status', 'total_keys', 'total_pages', 'checksum',
                'file_size', 'backup_file_path']) {
                assert.deepEqual(again.map((row) => row[column]), rows.map((row) => row[column]));
            }
            assert.deepEqual([OLDER, DATE].map((date) => store.archiveBytes(date)), archives);
            assert.equal((await store.run()).code, 0, 'it is known as done');
        });
    }

    it('anywhere: an answer or a DatabaseError, never a crash', async (t) => {
        const { store } = await twoBackups(t);
        const file = databaseOf(store);
        const good = readFileSync(file);
        const wrong = [];
        for (let at = 17; at < good.length; at += Math.ceil(good.length / 24)) {
            overwrite(file, at, 16);
            for (const command of ['list', 'status']) {
                const { code, signal, stderr } = await store.command(command, '--json');
                const proper = code === 0 || (code === 6 && /DatabaseError/.test(stderr)) ||
                    (code === 3 && /version/.test(stderr));
                if (!proper) wrong.push(`${command}, byte ${at}: ${signal ?? code} ${stderr}`);
            }
            writeFileSync(file, good);
        }
        assert.deepEqual(wrong, []);
    });
});

describe('an archive that the database does not know', () => {
    /** What a power loss right after the archive was synced leaves. */
    async function withoutRow(t) {
        const node = await nodeWith(t);
        const store = new Store(workspace(t), node, SETTINGS);
        assert.equal((await store.command('run', '--backup-date', OLDER)).code, 0);
        copyFileSync(databaseOf(store), join(store.directory, 'before.db'));
        await store.mustRun();
        renameSync(join(store.directory, 'before.db'), databaseOf(store));
        node.calls.length = 0;
        return { node, store };
    }

    it('and that is whole is the backup', async (t) => {
        const { node, store } = await withoutRow(t);
        const bytes = store.archiveBytes();
        await store.mustRun();
        assert.deepEqual(node.pagesAsked(), []);
        assert.ok(store.archiveBytes().equals(bytes));
        const row = await store.json('status', '--backup-date', DATE);
        assert.equal(row.status, 'completed');
        assert.equal(row.pages_completed, 20);
    });

    it('and that is whole is what retry finds, too', async (t) => {
        const { node, store } = await withoutRow(t);
        const bytes = store.archiveBytes();
        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.deepEqual(node.pagesAsked(), []);
        assert.ok(store.archiveBytes().equals(bytes));
        assert.equal((await store.json('status', '--backup-date', DATE)).status, 'completed');
    });

    it('of which only page files are left is made by retry', async (t) => {
        const { store } = await withoutRow(t);
        const bytes = store.archiveBytes();
        rmSync(store.archivePath());
        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.ok(store.archiveBytes().equals(bytes));
    });

    it('nor is there anything of it: retry says what makes it', async (t) => {
        const { store } = await withoutRow(t);
        const result = await store.command('retry', '--backup-date', '2024-01-16');
        assertFailed(result, 11, 'NotFoundError', /'satellite backup run --backup-date 2024-01-16'/);
        assert.ok(!existsSync(store.path('2024-01-16')), 'nothing was made');
        rmSync(databaseOf(store));
        assertFailed(await store.command('retry', '--backup-date', DATE), 11, 'NotFoundError',
            /backup run.*backup list --rescan/);
    });

    it('and that is plain, where backups are to be encrypted, is not taken in', async (t) => {
        const { store } = await withoutRow(t);
        const key = await mustRun(['backup', 'key', 'generate', '--output', join(store.directory, 'key.txt')]);
        const { code, stderr } = await store.command('run', '--backup-date', DATE,
            '--encryption-recipients', key.stdout.trim());
        assert.equal(code, 6, stderr);
        assert.match(stderr, /it is not encrypted for whom encryption\.recipients names/);
        assert.equal((await store.command('status', '--backup-date', DATE)).code, 11);
    });

    it('and that is not whole is never made anew over', async (t) => {
        const { store } = await withoutRow(t);
        truncateSync(store.archivePath(), 1000);
        const { code, stderr } = await store.run();
        assert.equal(code, 6, stderr);
        assert.match(stderr, /does not know it, nor can it be taken in: .*; move it away/);
        assert.equal(readFileSync(store.archivePath()).length, 1000);
    });
});

describe('an archive whose backup is not recorded as completed', () => {
    /** A whole backup of a block whose state is no longer there, and nothing is due to be read. */
    async function withoutState(t) {
        const { 'contract-block': _, ...settings } = SETTINGS;
        const node = await nodeWith(t);
        const store = new Store(workspace(t), node, settings);
        await store.mustRun();
        const gone = node.chain.hashOf(node.chain.finalized);
        const ask = node.methods.eth_call;
        node.methods.eth_call = function call(params) {
            if (params[1]?.blockHash === gone) throw new RpcError(-32000, 'missing trie node');
            return ask.call(this, params);
        };
        Object.assign(node.chain, { latest: 300, finalized: 298 });
        node.calls.length = 0;
        return { node, store, bytes: store.archiveBytes() };
    }

    /** As a kill between the archive's rename and `completed` leaves it. */
    const leaveUnrecorded = (store) => change(store, `UPDATE backup_final_status
        SET status = 'in_progress', completed_at = NULL, checksum = NULL, file_size = NULL`);

    async function assertTakenIn({ node, store, bytes }) {
        assert.deepEqual(node.pagesAsked(), [], 'pages were fetched');
        assert.ok(store.archiveBytes().equals(bytes), 'it was made anew over it');
        const row = await store.json('status', '--backup-date', DATE);
        assert.deepEqual([row.status, row.pages_completed, row.error_message],
            ['completed', 20, null]);
        assert.ok(readFileSync(store.path('latest', 'backup_latest.zip')).equals(bytes));
    }

    async function loseAndFindDisk(store) {
        renameSync(store.path(DATE), store.path('away'));
        assert.equal((await store.command('list', '--rescan')).code, 0);
        renameSync(store.path('away'), store.path(DATE));
        assert.equal((await store.json('status', '--backup-date', DATE)).status, 'failed');
    }

    it('since its disk was away for a while is the backup', async (t) => {
        const kept = await withoutState(t);
        await loseAndFindDisk(kept.store);
        const { code, stdout, stderr } = await kept.store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /done already/);
        await assertTakenIn(kept);
    });

    it('since its disk was away stays what it was, whoever is a recipient now', async (t) => {
        const kept = await withoutState(t);
        await loseAndFindDisk(kept.store);
        const key = await mustRun(['backup', 'key', 'generate', '--output',
            join(kept.store.directory, 'key.txt')]);
        const { code, stderr } = await kept.store.run('--encryption-recipients', key.stdout.trim());
        assert.equal(code, 0, stderr);
        await assertTakenIn(kept);
    });

    it('since the process was killed right before that is completed', async (t) => {
        const kept = await withoutState(t);
        leaveUnrecorded(kept.store);
        const { code, stdout, stderr } = await kept.store.run();
        assert.equal(code, 0, stderr);
        assert.match(stdout, /completed: 200 keys in 20 pages/);
        await assertTakenIn(kept);
    });

    it('since it was killed while it was taken in is taken in again', async (t) => {
        const kept = await withoutState(t);
        leaveUnrecorded(kept.store);
        change(kept.store, `UPDATE backup_run SET page_function = '', total_function = '';
            DELETE FROM backup_page_status WHERE page_number > 3`);
        const { code, stderr } = await kept.store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        await assertTakenIn(kept);
    });

    it('and that is plain, where it is to be encrypted now, is not made anew over', async (t) => {
        const { node, store, bytes } = await withoutState(t);
        leaveUnrecorded(store);
        const key = await mustRun(['backup', 'key', 'generate', '--output',
            join(store.directory, 'key.txt')]);
        assertFailed(await store.run('--encryption-recipients', key.stdout.trim()), 6,
            'DatabaseError', /not recorded as completed, nor .*encryption\.recipients.*move it away/);
        assert.ok(store.archiveBytes().equals(bytes));
        assert.deepEqual(node.pagesAsked(), []);
        assert.equal((await store.json('status', '--backup-date', DATE)).status, 'in_progress');
    });

    it('and that is not whole is made again', async (t) => {
        const { store } = await withoutState(t);
        leaveUnrecorded(store);
        truncateSync(store.archivePath(), 1000);
        await store.mustRun();
        assert.equal(store.manifest().block_number, 298);
    });
});
