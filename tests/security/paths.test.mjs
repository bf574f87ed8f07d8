// SPDX-License-Identifier: Apache-2.0
//
// Arguments that would be another path if they were used as one: every command refuses them before
// it touches anything.

import assert from 'node:assert/strict';
import {
    existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, run, Store, workspace } from '../integration/harness.mjs';

const DATES = [
    ['up', '../../etc/passwd'],
    ['up and down again', `../backups/${DATE}`],
    ['up from a date', `${DATE}/../../victim`],
    ['absolute', '/etc'],
    ['this directory', '.'],
    ['the one above', '..'],
    ['the lock directory', '.locks'],
    ['latest', 'latest'],
    ['percent-encoded', '%2e%2e%2fvictim'],
    ['backslashes', '..\\..\\victim'],
    ['a newline at its end', `${DATE}\n`],
    ['a space at its end', `${DATE} `],
    ['a file in it', `${DATE}/manifest.json`],
    ['very long', '2'.repeat(100000)],
    ['full-width digits', '２０２４-０１-１５'],
    ['look-alike hyphens', '2024‐01‐15'],
    ['Arabic digits', '٢٠٢٤-٠١-١٥'],
    ['right to left', '\u202e51-10-4202'],
    ['no UTF-8', Buffer.from([0xff, 0xfe]).toString('latin1')],
    ['a format', '%s%n%s%n'],
    ['an expression', '$(touch victim)'],
    ['a negative year', '-024-01-15'],
    ['the last second over', '2024-01-15T235960Z'],
];

/** Every way for a date into a command. */
const WAYS = {
    'backup run': (date) => ['run', '--backup-date', date],
    'backup retry': (date) => ['retry', '--backup-date', date],
    'backup status': (date) => ['status', '--backup-date', date],
    'backup verify': (date) => ['verify', '--backup-date', date],
    'backup get': (date) => ['get', 'key', '--backup-date', date],
    'backup export': (date) => ['export', '--output', '-', '--backup-date', date],
    'backup test-restore': (date) => ['test-restore', '--backup-date', date],
    'backup restore': (date) => ['restore', '--backup-date', date, '--rpc-url',
        'http://127.0.0.1:1', '--contract', `0x${'0'.repeat(40)}`, '--dry-run'],
    'backup diff, first': (date) => ['diff', '--', date, DATE],
    'backup diff, second': (date) => ['diff', '--', DATE, date],
    'backup copy': (date) => ['copy', '--', date, 'copy.zip'],
    'backup hold': (date) => ['hold', '--', date],
    'backup release': (date) => ['release', '--', date],
};

let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(20) }); });
after(() => node?.stop());

/** A backup, and beside it what must stay as it is. */
async function prepare(t) {
    const store = new Store(workspace(t), node);
    await store.mustRun();
    mkdirSync(join(store.directory, 'victim'));
    writeFileSync(join(store.directory, 'victim', 'manifest.json'), 'untouched');
    return store;
}

function assertUntouched(store) {
    const victim = join(store.directory, 'victim');
    assert.deepEqual(readdirSync(victim), ['manifest.json']);
    assert.equal(readFileSync(join(victim, 'manifest.json'), 'utf8'), 'untouched');
    assert.deepEqual(readdirSync(store.backups).sort(),
        ['.locks', '.source.json', DATE, 'latest']);
    assert.ok(!existsSync('victim'));
}

describe('a date that is none is refused by', () => {
    for (const [command, way] of Object.entries(WAYS)) {
        it(command, async (t) => {
            const store = await prepare(t);
            await Promise.all(DATES.map(async ([name, date]) => {
                const result = await store.command(...way(date));
                assert.match(result.stderr, /date/, name);
                assertFailed(result, 3, 'ValidationError');
                assert.ok(result.stderr.length < 500, `${name}: a short line`);
            }));
            assertUntouched(store);
        });
    }
});

describe('a path', () => {
    it('with a NUL byte is refused in the configuration file', async (t) => {
        const directory = workspace(t);
        const file = join(directory, 'config.yaml');
        writeFileSync(file, 'backup:\n  backup_dir: "/tmp/a\\0b"\n');
        assertFailed(await run(['backup', 'list', '--config', file]), 3, 'ValidationError', /NUL/);
    });

    it('that is very long is refused', async (t) => {
        const store = new Store(workspace(t), node, { 'backup-dir': `/${'a/'.repeat(3000)}` });
        assertFailed(await store.run(), 3, 'ValidationError', /backup.dir/);
        const long = new Store(workspace(t), node, { 'backup-dir': `/tmp/${'a'.repeat(300)}` });
        assertFailed(await long.run(), 5, 'FileSystemError', /not (made|opened)/);
    });

    it('to write an export to goes through no symbolic link at its end', async (t) => {
        const store = await prepare(t);
        const output = join(store.directory, 'out.ndjson');
        symlinkSync(join(store.directory, 'victim', 'manifest.json'), output);
        await store.command('export', '--output', output);
        assertUntouched(store);
    });

    it('of a secret must be absolute', async (t) => {
        const store = new Store(workspace(t), node);
        delete store.settings['contract-rpc-urls'];
        const result = await run(store.args('run'),
            { env: { SATELLITE_CONTRACT_RPC_URLS_FILE: '../../etc/passwd' } });
        assertFailed(result, 3, 'ValidationError', /absolute/);
    });
});

describe('a key that looks like a path', () => {
    for (const key of ['../../etc/passwd', '/etc/passwd', '%2e%2e', '-', 'a\nb', '*']) {
        it(JSON.stringify(key), async (t) => {
            const store = await prepare(t);
            assertFailed(await store.command('get', '--', key), 11, 'NotFoundError');
            assertUntouched(store);
        });
    }
});
