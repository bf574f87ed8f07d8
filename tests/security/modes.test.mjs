// SPDX-License-Identifier: Apache-2.0
//
// Who may read what satellite makes: the mode of every file and directory, whatever the umask.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { spawnChild } from '../chain/children.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, program, Store, workspace } from '../integration/harness.mjs';

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(250) }); });
after(() => node?.stop());

/** Path to mode of all that is below a directory, and itself. */
function modes(top, at = top, found = {}) {
    const about = statSync(at);
    found[relative(top, at) || '.'] = (about.mode & 0o7777).toString(8);
    if (about.isDirectory())
        for (const name of readdirSync(at)) modes(top, join(at, name), found);
    return found;
}

/** satellite under another umask, which node cannot give a child. */
async function underUmask(umask, args) {
    const child = spawnChild('sh', ['-c', `umask ${umask}; exec "$0" "$@"`, program, ...args],
        { stdio: 'ignore' });
    const { code } = await child.ended;
    assert.equal(code, 0, args.join(' '));
}

async function makeAll(store, umask) {
    const runs = [store.args('run', '--backup-date', DATE), store.args('verify'),
        store.args('export', '--output', join(store.directory, 'out.csv'), '--format', 'csv'),
        store.args('export', '--output', join(store.directory, 'out.db'), '--format', 'sqlite'),
        store.args('export', '--output', join(store.directory, 'out.ndjson')),
        ['backup', 'config', 'init', join(store.directory, 'config.yaml')],
        ['backup', 'key', 'generate', '--output', join(store.directory, 'key.txt')],
        ['identity', 'create', '--output-dir', join(store.directory, 'identity'),
            '--difficulty', '0']];
    for (const args of runs) await underUmask(umask, args);
}

describe('what satellite makes', () => {
    for (const umask of ['000', '022', '077']) {
        it(`is its owner's alone under umask ${umask}`, async (t) => {
            const directory = join(workspace(t), 'new');
            const store = new Store(directory, node,
                { 'log-file': join(directory, 'log'), 'log-level': 'debug' });
            await makeAll(store, umask);
            const found = modes(directory);
            delete found['.']; // the test's
            delete found['identity/identity.cert']; // public, as Storj has it
            delete found['identity/ca.cert'];
            assert.ok(Object.keys(found).length > 15, JSON.stringify(found));
            const wrong = Object.entries(found)
                .filter(([, mode]) => !['600', '700'].includes(mode));
            assert.deepEqual(wrong, []);
        });
    }

    it('can be read by backup.group where it is set', async (t) => {
        const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
        const directory = workspace(t);
        const store = new Store(directory, node, { group });
        await underUmask('000', store.args('run', '--backup-date', DATE));
        for (const [path, mode] of Object.entries(modes(store.backups))) {
            const isDirectory = statSync(store.path(path)).isDirectory();
            assert.equal(mode, isDirectory ? '2750' : '640', path);
        }
        assert.equal(modes(directory)['satellite.db'], '600');
    });

    it('keeps the modes of directories that were there', async (t) => {
        const store = new Store(workspace(t), node);
        mkdirSync(store.backups, { mode: 0o755 });
        await store.mustRun();
        assert.equal(modes(store.backups)['.'], '755');
    });
});
