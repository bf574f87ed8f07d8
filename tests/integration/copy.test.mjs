// SPDX-License-Identifier: Apache-2.0
//
// backup copy: the archive comes to another place whole and proved, or not at all; a copy is all
// that is needed to have the backup again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
    chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync,
    truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy } from '../chain/contract.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import {
    ANVIL_ARGS, DATE, Store, archivedEntries, assertFailed, assertSameEntries, mustRun, start, workspace,
} from './harness.mjs';
import { OWNER, notRoot, openWorkspace, runAs } from './users.mjs';

const ENTRIES = [...realisticEntries(230), ...oddEntries()];
const PAGES = Math.ceil(ENTRIES.length / 50);
const ARCHIVE = `backup_${DATE}.zip`;
const directory = workspace({ after });
let chain;
let node;

before(async () => {
    chain = await startAnvil({ args: ANVIL_ARGS });
    const address = await deploy(chain.url);
    await createEntries(chain.url, address, ENTRIES);
    node = { url: chain.url, address };
});
after(() => chain?.stop());

/** A backup, and an empty directory to copy it to. */
async function backedUp(t, settings = {}, from = node) {
    const store = new Store(workspace(t), from,
        { 'contract-block': 'latest', 'page-size': 50, ...settings });
    await store.mustRun();
    store.there = join(store.directory, 'there');
    mkdirSync(store.there);
    return store;
}

function assertCopied(store, path = join(store.there, ARCHIVE)) {
    assert.ok(readFileSync(path).equals(store.archiveBytes()), 'byte for byte');
    assert.equal(statSync(path).mode & 0o777, 0o600);
}

function assertNothingThere(store) {
    assert.deepEqual(readdirSync(store.there), []);
}

const withoutTime = ({ duration_ms: _, ...rest }) => rest;

describe('a plain backup', () => {
    it('comes into a directory, under its own name', async (t) => {
        const store = await backedUp(t);
        const { stdout, stderr } = await mustRun(store.args('copy', DATE, store.there));
        assert.match(stdout, new RegExp(`^Backup ${DATE} copied to ${store.there}/${ARCHIVE} and `
            + `verified: .*, ${ENTRIES.length} keys in ${PAGES} pages, .*\n$`));
        assert.equal(stderr, '');
        assertCopied(store);
        assertSameEntries(archivedEntries(join(store.there, ARCHIVE)), ENTRIES); // by unzip
        assert.deepEqual(readdirSync(store.there), [ARCHIVE]);
    });

    it('comes to a new file, and --json says what it is', async (t) => {
        const store = await backedUp(t);
        const path = join(store.there, 'mine.zip');
        const [{ checksum, file_size }] = await store.json('list');
        const said = { backup_date: DATE, path, file_size, checksum, was_there: false,
            outcome: 'valid', problems: 0, pages: PAGES, keys: ENTRIES.length,
            against_chain: false, signature: 'none', signer: null, encrypted: false, unseen: null };
        const { warnings, bytes, ...copied } = withoutTime(await store.json('copy', DATE, path));
        assert.deepEqual(copied, said);
        assert.ok(warnings >= 0 && bytes > 0);
        assertCopied(store, path);
        assert.equal((await store.json('copy', DATE, path)).was_there, true);
        const { stdout } = await mustRun(store.args('copy', DATE, path));
        assert.match(stdout, new RegExp(`^Backup ${DATE} is at ${path} already, verified: `));
        assert.equal((await mustRun(store.args('copy', DATE, path, '--quiet'))).stdout, '');
        assert.deepEqual(readdirSync(store.there), ['mine.zip']);
    });

    it('is a backup again where only the copy is left', async (t) => {
        const store = await backedUp(t);
        const other = new Store(join(store.directory, 'other'), node, { 'page-size': 50 });
        mkdirSync(other.path(DATE), { recursive: true });
        await mustRun(store.args('copy', DATE, other.path(DATE)));
        await mustRun(other.args('list', '--rescan'));
        const { backups: [result] } = JSON.parse(
            (await mustRun(other.args('verify', '--json'))).stdout);
        assert.deepEqual([result.outcome, result.keys], ['valid', ENTRIES.length]);
        const { stdout } = await mustRun(other.args('get', ENTRIES[3].key.toString()));
        assert.equal(stdout, ENTRIES[3].value.toString());
    });

    it('is in the audit log: who copied what whereto', async (t) => {
        const store = await backedUp(t);
        await mustRun(store.args('copy', DATE, store.there));
        const line = readFileSync(join(store.directory, 'audit.log'), 'utf8').trimEnd().split('\n')
            .map((text) => JSON.parse(text)).findLast(({ operation }) => operation === 'backup_copy');
        assert.equal(line.result, 'OK');
        assert.deepEqual(line.arguments.slice(0, 2), [DATE, store.there]);
    });
});

describe('an encrypted and signed backup', () => {
    let key;
    let recipient;
    let mine;
    before(async () => {
        key = join(directory, 'key.txt');
        recipient = (await mustRun(['backup', 'key', 'generate', '--output', key])).stdout.trim();
        const path = join(directory, 'identity');
        const { stdout } = await mustRun(['identity', 'create', '--output-dir', path, '--json']);
        mine = { id: JSON.parse(stdout).node_id, settings: {
            'identity-cert-path': join(path, 'identity.cert'),
            'identity-key-path': join(path, 'identity.key') } };
    });
    const encrypted = (t) =>
        backedUp(t, { 'encryption-recipients': recipient, ...mine.settings });

    it('needs no identity, and says what was not looked at', async (t) => {
        const store = await encrypted(t);
        const { stdout } = await mustRun(
            store.args('copy', DATE, store.there, '--identity-trusted', mine.id));
        assert.match(stdout, new RegExp(`^${DATE}: signed by ${mine.id}, trusted\n`
            + `${DATE}: its keys, values and duplicates were not looked at: it is encrypted for .*\n`
            + `Backup .* verified: .*, ${PAGES} encrypted pages, .*\n$`));
        assertCopied(store);
    });

    it('is looked at as a whole with the identity', async (t) => {
        const store = await encrypted(t);
        const copied = await store.json('copy', DATE, store.there, '--encryption-identity-file', key);
        assert.deepEqual([copied.outcome, copied.keys, copied.unseen, copied.signature],
            ['valid', ENTRIES.length, null, 'untrusted']);
        assertCopied(store);
    });

    it('is not copied where somebody else is trusted, or it is not signed', async (t) => {
        const store = await encrypted(t);
        const path = join(directory, 'other');
        const { stdout } = await mustRun(['identity', 'create', '--output-dir', path, '--json']);
        const { node_id: other } = JSON.parse(stdout);
        assertFailed(await store.command('copy', DATE, store.there, '--identity-trusted', other), 8,
            'IntegrityError', /the copy of backup .* is not trusted/);
        assertNothingThere(store);
        const plain = await backedUp(t);
        assertFailed(await plain.command('copy', DATE, plain.there, '--identity-trusted', other), 8,
            'IntegrityError', /nobody has signed it/);
        assertNothingThere(plain);
    });
});

/** A copy that gets this signal while it is made; one that was done before it is made again. */
async function interrupted(store, signal) {
    for (let tries = 0; tries < 20; tries++) {
        const child = start(store.args('copy', DATE, store.there));
        let over = false;
        child.done.then(() => { over = true; });
        while (readdirSync(store.there).length === 0 && !over)
            await new Promise(setImmediate);
        child.kill(signal);
        const result = await child.done;
        if (result.code !== 0) return result;
        rmSync(join(store.there, ARCHIVE));
    }
    assert.fail('it is always done before the signal comes');
}

describe('nothing is left', () => {
    it('of a damaged archive', async (t) => {
        const store = await backedUp(t);
        const bytes = store.archiveBytes();
        bytes[Math.floor(bytes.length / 3)] ^= 1;
        writeFileSync(store.archivePath(), bytes);
        assertFailed(await store.command('copy', DATE, store.there), 8, 'IntegrityError',
            /its SHA-256 is .*; the database says .*; satellite backup verify --backup-date/);
        assertNothingThere(store);
        execFileSync('sqlite3', [join(store.directory, 'satellite.db'),
            'UPDATE backup_final_status SET checksum = NULL']);
        assertFailed(await store.command('copy', DATE, store.there), 8, 'IntegrityError',
            /the copy of backup .* page_\d\.json/);
        assertNothingThere(store);
    });

    it('after Ctrl-C, and nothing that looks whole after a kill', async (t) => {
        const entries = Array.from({ length: 40 }, (_, i) => ({ key: Buffer.from(`k${i}`),
            value: randomBytes(1 << 20), versionId: Buffer.from('v1') }));
        const large = await startFakeNode({ entries });
        t.after(() => large.stop());
        const store = await backedUp(t, { 'page-size': 4 }, large);
        for (const signal of ['SIGINT', 'SIGTERM']) {
            const { code, stderr } = await interrupted(store, signal);
            assert.equal(code, 130, stderr);
            assert.match(stderr, /^satellite: Canceled: .*interrupted[^\n]*\n$/);
            assertNothingThere(store);
        }
        assert.equal((await interrupted(store, 'SIGKILL')).signal, 'SIGKILL');
        for (const name of readdirSync(store.there)) assert.match(name, /^\.satellite-.*\.tmp$/);
        await mustRun(store.args('copy', DATE, store.there));
        assertCopied(store);
        assert.deepEqual(readdirSync(store.there), [ARCHIVE], 'what the killed one left is gone');
    });
});

describe('the destination', () => {
    it('is never written over', async (t) => {
        const store = await backedUp(t);
        const path = join(store.there, ARCHIVE);
        copyFileSync(store.archivePath(), path);
        truncateSync(path, statSync(path).size - 1);
        const before = readFileSync(path);
        assertFailed(await store.command('copy', DATE, store.there), 3, 'ValidationError',
            /is there and is another file; .*not written over/);
        assert.ok(readFileSync(path).equals(before));
        assert.deepEqual(readdirSync(store.there), [ARCHIVE]);
    });

    it('is elsewhere, a directory that is there or a new file', async (t) => {
        const store = await backedUp(t);
        const link = join(store.there, 'link');
        symlinkSync('/dev/null', link);
        for (const [path, code, type, pattern] of [
            [link, 3, 'ValidationError', /is a symbolic link/],
            ['/dev/null', 3, 'ValidationError', /no regular file/],
            [store.backups, 3, 'ValidationError', /lies in backup\.backup_dir; copy to another/],
            [store.path(DATE, 'x.zip'), 3, 'ValidationError', /lies in backup\.backup_dir/],
            [join(store.there, 'no', 'file'), 11, 'NotFoundError', /make it first/],
            [join(store.there, 'no/'), 3, 'ValidationError', /no directory that is there/],
            [join(store.there, 'x'.repeat(256)), 3, 'ValidationError', /too long/],
        ])
            assertFailed(await store.command('copy', DATE, path), code, type, pattern);
        assert.deepEqual(readdirSync(store.there), ['link']);
        assertFailed(await store.command('copy', DATE), 2, 'UsageError');
        assertFailed(await store.command('copy', '2024-01-16', store.there), 11, 'NotFoundError');
    });

    it('must be open to the owner of the backups', { skip: notRoot }, async (t) => {
        const { directory: open, copy } = openWorkspace(t);
        const store = new Store(join(open, 'state'), node, { 'contract-block': 'latest' });
        execFileSync('chown', [String(OWNER), store.directory]);
        const mine = join(open, 'mine');
        mkdirSync(mine);
        chmodSync(mine, 0o755);
        assert.equal((await runAs(OWNER, copy, store.args('run', '--backup-date', DATE))).code, 0);
        assertFailed(await runAs(OWNER, copy, store.args('copy', DATE, mine)), 5, 'FileSystemError',
            /copy '.*': .* Permission denied; the owner of the backups must be able to write there/);
        assert.deepEqual(readdirSync(mine), []);
    });
});
