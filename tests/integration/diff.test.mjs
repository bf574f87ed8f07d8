// SPDX-License-Identifier: Apache-2.0
//
// backup diff: what it says for people and for programs, and how it exits.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, assertFailed, mustRun, workspace } from './harness.mjs';

const NEXT = '2024-01-16';

/** A store with two backups, of these entries before and after. */
async function twoBackups(t, before, after, nextPageSize = 100) {
    const node = await startFakeNode({ entries: before });
    t.after(() => node.stop());
    const store = new Store(workspace(t), node);
    await store.mustRun();
    node.entries = after;
    node.total = after.length;
    await mustRun(store.args('run', '--backup-date', NEXT, '--page-size', `${nextPageSize}`));
    return store;
}

function changed(entry, value, version) {
    return { ...entry, value: Buffer.from(value), versionId: Buffer.from(version) };
}

const BEFORE = [...realisticEntries(250), ...oddEntries()];

describe('diff', () => {
    it('of equal backups is empty and exits 0, whatever their pages', async (t) => {
        const store = await twoBackups(t, BEFORE, BEFORE.slice().reverse(), 33);
        const same = await store.command('diff', DATE, NEXT, '--json');
        assert.deepEqual([same.code, same.stdout, same.stderr], [0, '', '']);
        const { code, stdout } = await store.command('diff', DATE, NEXT);
        assert.equal(code, 0);
        assert.equal(stdout, `${DATE} has 311 keys, ${NEXT} has 311: `
            + '0 added, 0 removed, 0 changed\n');
    });

    it('says what was added, removed and changed, and exits 12', async (t) => {
        const [first, second, third, ...rest] = BEFORE;
        const added = { key: Buffer.from([0xff, 0]), value: Buffer.from('new'),
            versionId: Buffer.from([0x80]) };
        const store = await twoBackups(t, BEFORE, [
            changed(first, 'another value', 'v2'), changed(third, third.value, 'v3'), ...rest,
            added,
        ]);
        const { code, stdout, stderr } = await store.command('diff', DATE, NEXT, '--json');
        assert.equal(code, 12);
        assert.equal(stderr, '', 'a difference is no error');
        const text = (bytes) => bytes.toString();
        assert.deepEqual(stdout.trimEnd().split('\n').map((line) => JSON.parse(line)), [
            { change: 'removed', key: text(second.key), old_entries: 1,
                old_version_id: text(second.versionId) },
            { change: 'changed', key: text(third.key), old_entries: 1,
                old_version_id: text(third.versionId), new_entries: 1, new_version_id: 'v3',
                value_changed: false },
            { change: 'changed', key: text(first.key), old_entries: 1,
                old_version_id: text(first.versionId), new_entries: 1, new_version_id: 'v2',
                value_changed: true },
            { change: 'added', key: '/wA=', new_entries: 1, new_version_id: 'gA==',
                base64: ['key', 'new_version_id'] },
        ].sort((a, b) => (a.base64 ? 1 : b.base64 ? -1 : a.key < b.key ? -1 : 1)));
    });

    it('tells a person the same, without raw bytes', async (t) => {
        const added = { key: Buffer.from('\u001b[31m'), value: Buffer.from('v'),
            versionId: Buffer.from('v1') };
        const store = await twoBackups(t, BEFORE, [changed(BEFORE[0], 'x', 'v9'),
            ...BEFORE.slice(1), added]);
        const { code, stdout } = await store.command('diff', DATE, NEXT);
        assert.equal(code, 12);
        assert.deepEqual(stdout.trimEnd().split('\n'), [
            '+ \\x1b[31m  (v1)',
            `~ ${BEFORE[0].key}  (${BEFORE[0].versionId} -> v9)`,
            `${DATE} has 311 keys, ${NEXT} has 312: 1 added, 0 removed, 1 changed`,
        ]);
    });

    it('--stat only counts', async (t) => {
        const store = await twoBackups(t, BEFORE, BEFORE.slice(5));
        const { code, stdout } = await store.command('diff', DATE, NEXT, '--stat', '--json');
        assert.equal(code, 12);
        assert.deepEqual({ ...JSON.parse(stdout), duration_ms: undefined }, {
            old: DATE, new: NEXT, old_entries: 311, new_entries: 306, added: 0, removed: 5,
            changed: 0, duration_ms: undefined,
        });
        const text = await store.command('diff', NEXT, DATE, '--stat');
        assert.equal(text.code, 12);
        assert.equal(text.stdout, `${NEXT} has 306 keys, ${DATE} has 311: `
            + '5 added, 0 removed, 0 changed\n');
    });

    it('needs two backups that are there', async (t) => {
        const store = await twoBackups(t, BEFORE, BEFORE);
        assertFailed(await store.command('diff', DATE), 2, 'UsageError');
        assertFailed(await store.command('diff', DATE, '2024-01-14'), 11, 'NotFoundError');
        assertFailed(await store.command('diff', DATE, '../../etc'), 3, 'ValidationError');
    });
});
