// SPDX-License-Identifier: Apache-2.0
//
// Root's commands on the backups of another user: they go on as that user, so that the service can
// work with all that they leave.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
    chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync,
    writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, mustRun, program, Store } from './harness.mjs';
import { writeConfig } from './running.mjs';
import { notRoot, openWorkspace, OWNER, runAs } from './users.mjs';
import { flagsOf } from './web.mjs';

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(30) }); });
after(() => node.stop());

/** A store whose state directory is the owner's; backup_dir is not there yet. */
function ownedStore(t, settings = {}) {
    const { directory, copy } = openWorkspace(t);
    const state = join(directory, 'state');
    mkdirSync(state, { mode: 0o750 });
    chownSync(state, OWNER, OWNER);
    const store = new Store(state, node, settings);
    store.as = (uid, command, ...more) => runAs(uid, copy, store.args(command, ...more));
    return store;
}

/** What below a directory is not the owner's. */
function othersBelow(directory) {
    return readdirSync(directory, { recursive: true }).map(String)
        .filter((name) => lstatSync(join(directory, name)).uid !== OWNER);
}

function audited(store) {
    return readFileSync(join(store.directory, 'audit.log'), 'utf8').trimEnd().split('\n')
        .map((line) => JSON.parse(line));
}

describe('commands of root', { skip: notRoot }, () => {
    it('leave nothing of root\'s, from the first backup on, and are audited as root\'s', async (t) => {
        const store = ownedStore(t, { 'retention-min-backups': 1 });
        await store.mustRun();
        await mustRun(store.args('run', '--backup-date', '2024-01-16'));
        await mustRun(store.args('verify', '--all'));
        await mustRun(store.args('test-restore'));
        await mustRun(store.args('hold', '2024-01-16'));
        await mustRun(store.args('list', '--rescan'));
        await mustRun(['token', 'create', '--role', 'viewer', '--quiet', ...flagsOf(store)]);
        assert.deepEqual(othersBelow(store.directory), []);
        assert.ok(existsSync(join(store.directory, 'metrics.json')));
        assert.deepEqual([...new Set(audited(store).map(({ caller }) => caller))], ['user:root']);

        // And their owner goes on with them: totals, locks, retention.
        const done = await store.as(OWNER, 'run', '--backup-date', '2024-01-17');
        assert.equal(done.code, 0, done.stderr);
        const cleaned = await store.as(OWNER, 'cleanup', '--older-than', '30d', '--json');
        assert.equal(cleaned.code, 0, cleaned.stderr);
        assert.deepEqual(JSON.parse(cleaned.stdout).backups.map(({ action }) => action),
            ['kept', 'kept', 'deleted']);
        const { stdout } = await store.as(OWNER, 'metrics');
        assert.match(stdout, /\noperations_total +completed +3\n/);
        assert.match(stdout, /\nverify_total +valid +2\n/);
    });

    it('have the owner\'s rights, and say so where these do not suffice', async (t) => {
        const store = ownedStore(t);
        await store.mustRun();
        const mine = join(store.directory, '..', 'mine');
        mkdirSync(mine, { mode: 0o700 });
        assertFailed(await store.command('export', '--format', 'csv', '--output',
            join(mine, 'keys.csv')), 5, 'FileSystemError', /Permission denied/);
        assertFailed(await store.command('list', '--log-file', join(mine, 'log')), 5,
            'FileSystemError', /log file .* not opened: Permission denied/);
        const { code, stdout } = await store.command('export', '--format', 'csv', '--output', '-');
        assert.equal(code, 0);
        assert.equal(stdout.trimEnd().split('\n').length, 31);
    });

    it('stay root\'s where root has the backups', async (t) => {
        const store = ownedStore(t);
        chownSync(store.directory, 0, 0);
        await store.mustRun();
        assert.equal(statSync(store.path(DATE)).uid, 0);
        assert.equal(statSync(join(store.directory, 'metrics.json')).uid, 0);
    });

    it('that change the configuration stay root\'s, whose file that is', async (t) => {
        const store = ownedStore(t);
        await store.mustRun();
        const config = join(store.directory, '..', 'mine.yaml');
        writeConfig(config, { backup: { backup_dir: store.backups },
            database: { url: store.settings['database-url'] } });
        chmodSync(config, 0o600);
        await mustRun(['backup', 'config', 'update', '--config', config, '--page-size', '50',
            '--quiet']);
        assert.match(readFileSync(config, 'utf8'), /page_size: 50/);
        assert.deepEqual([statSync(config).uid, othersBelow(store.directory)], [0, []]);
    });

    it('have no more groups than the owner, and no core', async (t) => {
        const store = ownedStore(t);
        const directory = join(store.directory, '..');
        // Called by the service it would be: whoever it is tells, on its standard input's end.
        const told = join(directory, 'told');
        writeFileSync(told, '');
        chownSync(told, OWNER, OWNER);
        const script = join(directory, 'tell');
        writeFileSync(script, `#!/bin/sh\nid -u > ${told}; id -G >> ${told}\n`, { mode: 0o755 });
        await mustRun(store.args('run', '--notify-on-success', script));
        assert.deepEqual(readFileSync(told, 'utf8').trim().split('\n'),
            [String(OWNER), String(OWNER)]);
    });

    it('that cannot become the owner end with the reason', async (t) => {
        const store = ownedStore(t);
        await store.mustRun();
        const bounded = execFileSync('sh', ['-c',
            'setpriv --bounding-set=-setuid --inh-caps=-setuid "$@" 2>&1; echo "exit $?"', 'sh',
            program,
            ...store.args('list')], { encoding: 'utf8' });
        assert.match(bounded, /AccessError: root does not become the owner of backup\.backup_dir \(uid 54320\): Operation not permitted; run it as that user\nexit 9/);
    });
});
