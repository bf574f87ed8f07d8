// SPDX-License-Identifier: Apache-2.0
//
// The commands that read a backup: what they print, for people and for programs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, mustRun, Store, workspace } from './harness.mjs';

const ENTRIES = [...realisticEntries(250), ...oddEntries()];
const COLUMNS = ['backup_date', 'status', 'created_at', 'completed_at', 'total_pages',
    'total_keys', 'backup_file_path', 'error_message', 'checksum', 'file_size'];
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

async function backedUp(t, settings) {
    const store = new Store(workspace(t), node, settings);
    await store.mustRun();
    return store;
}

describe('status', () => {
    it('--json has the columns of the database and where it stands', async (t) => {
        const store = await backedUp(t);
        const status = await store.json('status');
        for (const column of COLUMNS) assert.ok(column in status, column);
        const bytes = store.archiveBytes();
        assert.deepEqual({
            backup_date: status.backup_date,
            status: status.status,
            total_keys: status.total_keys,
            total_pages: status.total_pages,
            pages_completed: status.pages_completed,
            pages_failed: status.pages_failed,
            checksum: status.checksum,
            file_size: status.file_size,
            error_message: status.error_message,
        }, {
            backup_date: DATE,
            status: 'completed',
            total_keys: ENTRIES.length,
            total_pages: 4,
            pages_completed: 4,
            pages_failed: 0,
            checksum: createHash('sha256').update(bytes).digest('hex'),
            file_size: bytes.length,
            error_message: null,
        });
        const { block_number: number, block_hash: hash } = store.manifest();
        assert.deepEqual([status.block_number, status.block_hash], [number, hash]);
        assert.ok(!Number.isNaN(Date.parse(status.completed_at)), status.completed_at);
    });

    it('--pages lists each page', async (t) => {
        const store = await backedUp(t);
        const { pages } = await store.json('status', '--pages');
        assert.deepEqual(pages.map((page) => [page.page_number, page.status, page.keys_count]),
            [[0, 'completed', 100], [1, 'completed', 100], [2, 'completed', 100],
                [3, 'completed', ENTRIES.length - 300]]);
        const { pages: inManifest } = store.manifest();
        assert.deepEqual(pages.map((page) => page.checksum),
            inManifest.map((page) => page.sha256));
    });

    it('tells a person the same', async (t) => {
        const { code, stdout, stderr } = await (await backedUp(t)).command('status');
        assert.equal(code, 0, stderr);
        assert.match(stdout, new RegExp(DATE));
        assert.match(stdout, /completed/);
    });
});

describe('list', () => {
    it('--json has every backup, the newest first, as objects with the same columns', async (t) => {
        const store = await backedUp(t);
        const other = await store.command('run', '--backup-date', '2024-01-16');
        assert.equal(other.code, 0, other.stderr);
        const list = await store.json('list');
        assert.deepEqual(list.map((row) => row.backup_date), ['2024-01-16', DATE]);
        for (const row of list) {
            for (const column of COLUMNS) assert.ok(column in row, column);
        }
        const limited = await store.json('list', '--limit', '1');
        assert.deepEqual(limited.map((row) => row.backup_date), ['2024-01-16']);
    });

    it('is empty where there is no backup', async (t) => {
        assert.deepEqual(await new Store(workspace(t), node).json('list'), []);
    });

    it('is made again from the manifests where the database is gone', async (t) => {
        const store = await backedUp(t);
        const [before] = await store.json('list');
        for (const end of ['', '-wal', '-shm']) {
            rmSync(join(store.directory, `satellite.db${end}`), { force: true });
        }
        assert.deepEqual(await store.json('list'), [], 'a plain list changes nothing');
        const [after] = await store.json('list', '--rescan');
        for (const column of ['backup_date', 'status', 'total_keys', 'total_pages', 'checksum',
            'file_size', 'backup_file_path']) {
            assert.equal(after?.[column], before[column], column);
        }
    });
});

describe('get', () => {
    it('prints the value of a key from the archive', async (t) => {
        const store = await backedUp(t);
        for (const entry of [ENTRIES[0], ENTRIES[123], ENTRIES[249]]) {
            const { code, stdout, stderr } = await store.command('get', entry.key.toString());
            assert.equal(code, 0, stderr);
            assert.equal(stdout.trimEnd(), entry.value.toString());
        }
    });

    it('--json gives the entry as a page holds it', async (t) => {
        const store = await backedUp(t);
        assert.deepEqual(await store.json('get', ENTRIES[7].key.toString()), {
            key: ENTRIES[7].key.toString(),
            value: ENTRIES[7].value.toString(),
            version_id: ENTRIES[7].versionId.toString(),
        });
        assert.deepEqual(await store.json('get', 'value: invalid UTF-8'), {
            key: 'value: invalid UTF-8', value: '//6AQQ==', version_id: 'v1', base64: ['value'],
        });
    });
});

describe('help settings', () => {
    it('--json has every setting', async () => {
        const { settings } = JSON.parse((await mustRun(['help', 'settings', '--json'])).stdout);
        const shown = JSON.parse((await mustRun(['backup', 'config', 'show', '--json'])).stdout);
        assert.deepEqual(settings.map(({ name }) => name).sort(), Object.keys(shown).sort());
        assert.deepEqual(settings.find(({ name }) => name === 'backup.page_size'), {
            name: 'backup.page_size', flag: '--page-size', environment: 'BACKUP_PAGE_SIZE',
            type: 'integer', default: '100', bounds: '1 to 10000 keys', required: false,
            secret: false, live: true, help: 'Keys asked for per page',
        });
    });
});
