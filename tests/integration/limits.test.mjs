// SPDX-License-Identifier: Apache-2.0
//
// Limits that a person sets: each is obeyed, named in the error, and lifted without loss.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, Store, workspace } from './harness.mjs';

const SETTINGS = { 'page-size': 50, 'contract-block': 90 };
let node;
let whole;

before(async () => { node = await startFakeNode({ entries: realisticEntries(1000) }); });
after(() => node?.stop());

async function undisturbed(t) {
    const store = new Store(workspace(t), node, SETTINGS);
    await store.mustRun();
    return { bytes: store.archiveBytes(), size: statSync(store.archivePath()).size };
}

describe('max_backup_file_size', () => {
    it('is the largest archive, to the byte; past it nothing half made is left', async (t) => {
        whole = await undisturbed(t);
        const store = new Store(workspace(t), node,
            { ...SETTINGS, 'max-backup-file-size': whole.size - 1 });
        assertFailed(await store.run(), 7, 'ResourceError', /max_backup_file_size \(.*raise it/);
        assert.ok(!existsSync(store.path('latest', 'backup_latest.zip')));
        assert.deepEqual(readdirSync(store.path(DATE)).filter((name) => /\.(zip|tmp)$/.test(name)), []);
        node.calls.length = 0;
        store.settings['max-backup-file-size'] = whole.size;
        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.ok(store.archiveBytes().equals(whole.bytes));
        assert.deepEqual(node.pagesAsked(), [], 'finished pages were fetched again');
    });
});

describe('min_free_space', () => {
    it('stops a run before it asks for a page', async (t) => {
        const store = new Store(workspace(t), node, { ...SETTINGS, 'min-free-space': '1000TiB' });
        node.calls.length = 0;
        assertFailed(await store.run(), 7, 'ResourceError', /free in .*min_free_space/);
        assert.deepEqual(node.pagesAsked(), []);
        store.settings['min-free-space'] = 0;
        await store.mustRun();
    });
});

describe('memory_limit', () => {
    it('that cannot hold what the settings ask for is refused at start', async (t) => {
        const store = new Store(workspace(t), node, { ...SETTINGS, 'memory-limit': '48MiB' });
        assertFailed(await store.run(), 3, 'ValidationError', /memory_limit/);
    });
});
