// SPDX-License-Identifier: Apache-2.0
//
// backup test-restore into a scratch database, and what status keeps of drills and verifications.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, assertFailed, run, workspace } from './harness.mjs';

const ENTRIES = [...realisticEntries(250), ...oddEntries()];
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

async function backedUp(t) {
    const store = new Store(workspace(t), node);
    await store.mustRun();
    return store;
}

function damage(store) {
    const bytes = store.archiveBytes();
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(store.archivePath(), bytes);
}

describe('test-restore', () => {
    it('restores, reads back, compares, and leaves nothing but the outcome', async (t) => {
        const store = await backedUp(t);
        const scratch = join(store.directory, 'scratch');
        mkdirSync(scratch);
        const { code, stdout, stderr } = await run(store.args('test-restore', '--json'),
            { env: { TMPDIR: scratch } });
        assert.equal(code, 0, stderr);
        const bytes = ENTRIES.reduce((sum, { key, value, versionId }) =>
            sum + key.length + value.length + versionId.length, 0);
        const result = JSON.parse(stdout);
        assert.deepEqual({ ...result, duration_ms: undefined }, {
            backup_date: DATE, outcome: 'valid', keys: ENTRIES.length, bytes,
            duration_ms: undefined,
        });
        assert.deepEqual(readdirSync(scratch), []);
        const { checks: [check] } = await store.json('status');
        assert.deepEqual({ ...check, checked_at: undefined, duration_ms: undefined }, {
            kind: 'test_restore', outcome: 'valid', keys: ENTRIES.length, message: null,
            checked_at: undefined, duration_ms: undefined,
        });
        assert.ok(Math.abs(Date.now() - Date.parse(check.checked_at)) < 60_000);
        const text = await store.command('status');
        assert.match(text.stdout, /^test restore valid, /m);
    });

    it('of a damaged backup fails, and says so in status', async (t) => {
        const store = await backedUp(t);
        damage(store);
        assertFailed(await store.command('test-restore'), 8, 'IntegrityError', /its SHA-256 is/);
        const { checks: [check] } = await store.json('status');
        assert.equal(check.outcome, 'invalid');
        assert.match(check.message, /its SHA-256 is/);
    });

    it('that cannot be done is neither', async (t) => {
        const store = await backedUp(t);
        store.settings['max-key-size'] = '1KiB';
        assertFailed(await store.command('test-restore'), 7, 'ResourceError');
        assert.equal((await store.json('status')).checks[0].outcome, 'not_checked');
        assertFailed(await store.command('test-restore', '--backup-date', '2024-01-14'), 11,
            'NotFoundError');
    });
});

describe('status', () => {
    it('shows the last verification too', async (t) => {
        const store = await backedUp(t);
        assert.deepEqual((await store.json('status')).checks, []);
        await store.command('verify');
        await store.command('test-restore');
        damage(store);
        await store.command('verify');
        const { checks } = await store.json('status');
        assert.deepEqual(checks.map(({ kind, outcome }) => [kind, outcome]),
            [['test_restore', 'valid'], ['verify', 'invalid']]);
        assert.match(checks[1].message, /^archive/);
        const { stdout } = await store.command('status');
        assert.match(stdout, /^verified {5}invalid, /m);
    });
});
