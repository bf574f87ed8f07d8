// SPDX-License-Identifier: Apache-2.0
//
// Whole backups of a real contract on a real node: everything is there, byte for byte, as it was
// at one block.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readFileSync, readdirSync, rmSync, statSync, truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAnvil } from '../chain/anvil.mjs';
import {
    createEntries, deploy, editEntry, plantEntry, readAllPairs,
} from '../chain/contract.mjs';
import { bigEntry, oddEntries, realisticEntries } from '../chain/entries.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, archivedEntries, assertSameEntries, DATE, Store, unzip, workspace,
} from './harness.mjs';

let node;

before(async () => { node = await startAnvil({ args: ANVIL_ARGS }); });
after(() => node?.stop());

/** A contract with these entries, all of them in a finalized block. */
async function contractWith(entries) {
    const address = await deploy(node.url);
    if (entries.length > 0) await createEntries(node.url, address, entries);
    await rpc(node.url, 'anvil_mine', '0x3');
    return { url: node.url, address };
}

function sha256(bytes) {
    return createHash('sha256').update(bytes).digest('hex');
}

describe('a contract with 10,000 keys', () => {
    const entries = realisticEntries(10_000);
    let contract;
    before(async () => { contract = await contractWith(entries); });

    it('is backed up as another client reads it at the pinned block', async (t) => {
        const store = new Store(workspace(t), contract);
        await store.mustRun();
        // The backup belongs to its block, whatever happens afterwards.
        const edited = { ...entries[4711], value: Buffer.from('new'), versionId: Buffer.from('x') };
        await editEntry(node.url, contract.address, edited);

        const manifest = store.manifest();
        const block = await rpc(node.url, 'eth_getBlockByNumber',
            `0x${manifest.block_number.toString(16)}`, false);
        assert.equal(manifest.block_hash, block.hash);
        const pairs = await readAllPairs(
            node.url, contract.address, BigInt(manifest.block_number));
        assertSameEntries(archivedEntries(store.archivePath()), pairs);
        assertSameEntries(pairs, entries);
    });

    it('leaves page files, manifest, archive and latest that agree', async (t) => {
        const store = new Store(workspace(t), contract);
        await store.mustRun();
        const manifest = store.manifest();
        assert.equal(manifest.total_keys, 10_000);
        assert.equal(manifest.pages.length, 100);
        const inZip = unzip('-Z1', store.archivePath()).toString().trim().split('\n');
        assert.deepEqual(inZip,
            [...manifest.pages.map((_, number) => `page_${number}.json`), 'manifest.json']);
        manifest.pages.forEach((page, number) => {
            const bytes = readFileSync(store.path(DATE, `page_${number}.json`));
            assert.equal(page.sha256, sha256(bytes), `page ${number}`);
            assert.equal(page.size, bytes.length, `page ${number}`);
        });
        assert.deepEqual(unzip('-p', store.archivePath(), 'manifest.json'),
            readFileSync(store.path(DATE, 'manifest.json')));
        assert.equal(sha256(readFileSync(store.path('latest', 'backup_latest.zip'))),
            sha256(store.archiveBytes()));
    });

    it('is readable by nobody else', async (t) => {
        const store = new Store(workspace(t), contract, { 'page-size': 5000 });
        await store.mustRun();
        const mode = (...names) => (statSync(store.path(...names)).mode & 0o777).toString(8);
        assert.equal(mode(), '700');
        assert.equal(mode(DATE), '700');
        for (const name of readdirSync(store.path(DATE))) assert.equal(mode(DATE, name), '600');
    });

    it('gives the same bytes with 1 and with 32 requests in flight', async (t) => {
        const directory = workspace(t);
        const block = await rpc(node.url, 'eth_blockNumber');
        const archives = [];
        for (const inFlight of [1, 32]) {
            const store = new Store(join(directory, `in-flight-${inFlight}`), contract, {
                'contract-block': Number(block),
                'max-concurrent-pages': inFlight,
                'worker-concurrency': inFlight === 1 ? 1 : 4,
            });
            await store.mustRun();
            archives.push(store.archiveBytes());
        }
        assert.ok(archives[0].equals(archives[1]), 'the archives differ');
    });

    it('needs no page files afterwards', async (t) => {
        const store = new Store(workspace(t), contract, { 'keep-page-files': false });
        await store.mustRun();
        assert.deepEqual(readdirSync(store.path(DATE)).filter((name) => /^page_/.test(name)), []);
        assert.equal(archivedEntries(store.archivePath()).length, 10_000);
    });
});

describe('small contracts', () => {
    it('a page file has exactly the documented form', async (t) => {
        const entry = (key, value, versionId) => ({
            key: Buffer.from(key), value: Buffer.from(value), versionId: Buffer.from(versionId),
        });
        const contract = await contractWith([
            entry('user_profile_123', '{"name":"John Doe"}', 'v1.0.0'),
            entry('', '\b\t\n\v\f\r\x1b\x7f"\\/', ''),
            entry('🛰', [0xff, 0x00], 'é\u2028'),
        ]);
        const store = new Store(workspace(t), contract);
        await store.mustRun();
        assert.equal(readFileSync(store.path(DATE, 'page_0.json'), 'utf8'), `[
  {
    "key": "user_profile_123",
    "value": "{\\"name\\":\\"John Doe\\"}",
    "version_id": "v1.0.0"
  },
  {
    "key": "",
    "value": "\\b\\t\\n\\u000b\\f\\r\\u001b\x7f\\"\\\\/",
    "version_id": ""
  },
  {
    "key": "🛰",
    "value": "/wA=",
    "version_id": "é\u2028",
    "base64": ["value"]
  }
]`);
    });

    it('odd entries survive, whatever page they fall on', async (t) => {
        const entries = oddEntries();
        const contract = await contractWith(entries);
        const directory = workspace(t);
        for (const pageSize of [1, 7, 1000]) {
            const store = new Store(join(directory, `${pageSize}`), contract,
                { 'page-size': pageSize });
            await store.mustRun();
            assertSameEntries(archivedEntries(store.archivePath()), entries);
        }
    });

    it('an empty contract has one page, []', async (t) => {
        const store = new Store(workspace(t), await contractWith([]));
        await store.mustRun();
        assert.equal(readFileSync(store.path(DATE, 'page_0.json'), 'utf8'), '[]');
        assert.deepEqual(archivedEntries(store.archivePath()), []);
        const { total_keys: keys, pages } = store.manifest();
        assert.deepEqual([keys, pages.length], [0, 1]);
    });

    it('values of 3 MB among small ones are exact', async (t) => {
        const entries = [...realisticEntries(30), bigEntry(), ...realisticEntries(30, 30)];
        const address = await deploy(node.url);
        await createEntries(node.url, address, entries.slice(0, 30));
        await plantEntry(node.url, address, entries[30]);
        await createEntries(node.url, address, entries.slice(31));
        await rpc(node.url, 'anvil_mine', '0x3');
        const store = new Store(workspace(t), { url: node.url, address }, { 'page-size': 20 });
        await store.mustRun();
        assertSameEntries(archivedEntries(store.archivePath()), entries);
    });
});

describe('the last two steps', () => {
    const OLDER = '2024-01-14';

    /** A run of the next day, whose node is down. */
    async function runLater(store, settings) {
        const address = store.settings['contract-address'];
        const down = new Store(store.directory, { url: 'http://127.0.0.1:1', address },
            { 'retry-attempts': 1, ...settings });
        const { code, stderr } = await down.command('run', '--backup-date', '2024-01-16');
        assert.equal(code, 4, stderr);
        return stderr;
    }

    /** A backup whose process was killed right after it was completed. */
    async function unsettled(t) {
        const store = new Store(workspace(t), await contractWith(realisticEntries(250)));
        assert.equal((await store.command('run', '--backup-date', OLDER)).code, 0);
        await store.mustRun();
        const latest = store.path('latest', 'backup_latest.zip');
        rmSync(latest);
        linkSync(store.archivePath(OLDER), latest);
        return { store, settled: () => readFileSync(latest).equals(store.archiveBytes()) };
    }

    it('are redone by a start of another date, though its node is down', async (t) => {
        const { store, settled } = await unsettled(t);
        assert.ok(!settled());
        await runLater(store, { 'keep-page-files': false });
        assert.ok(settled(), 'latest is that of the day before');
        assert.deepEqual(readdirSync(store.path(DATE)).filter((name) => /^page_/.test(name)), []);
    });

    it('are left to the next start where the archive is not what was recorded', async (t) => {
        const { store } = await unsettled(t);
        const before = readFileSync(store.path('latest', 'backup_latest.zip'));
        truncateSync(store.archivePath(), 1000);
        assert.match(await runLater(store, { 'log-level': 'warn' }), /Newest backup not settled.*has 1000 bytes/);
        assert.ok(readFileSync(store.path('latest', 'backup_latest.zip')).equals(before));
    });
});

describe('a second run', () => {
    const entries = realisticEntries(250);
    let contract;
    before(async () => { contract = await contractWith(entries); });

    it('of the same date changes nothing, says so and is no failure', async (t) => {
        const store = new Store(workspace(t), contract);
        await store.mustRun();
        const before = statSync(store.archivePath());
        const { code, stdout, stderr } = await store.run();
        assert.equal(code, 0, stderr);
        assert.match(stdout + stderr, new RegExp(`${DATE}.*(already|done|completed)`, 's'));
        const after = statSync(store.archivePath());
        assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
    });

    it('with --force makes another one beside it', async (t) => {
        const store = new Store(workspace(t), contract);
        const run = (...more) => store.command('run', ...more); // today's, without a date
        assert.equal((await run()).code, 0);
        const isBackup = (name) => /^\d{4}-/.test(name);
        const [first, ...none] = readdirSync(store.backups).filter(isBackup);
        assert.deepEqual(none, []);
        const bytes = store.archiveBytes(first);
        const forced = await run('--force');
        assert.equal(forced.code, 0, forced.stderr);
        const names = readdirSync(store.backups).filter(isBackup);
        const second = names.find((name) => name !== first);
        assert.equal(names.length, 2);
        assert.match(second, /^\d{4}-\d\d-\d\dT\d{6}Z$/);
        assertSameEntries(archivedEntries(store.archivePath(second)), entries);
        assert.ok(store.archiveBytes(first).equals(bytes), 'the first one changed');
    });

    it('with --dry-run writes nothing', async (t) => {
        const store = new Store(workspace(t), contract);
        const { code, stderr, stdout } = await store.run('--dry-run');
        assert.equal(code, 0, stderr);
        assert.match(stdout + stderr, /250/, 'it says what it would read');
        assert.ok(!existsSync(store.path(DATE)), 'a backup was begun');
        assert.ok(!existsSync(store.path('latest')), 'latest was made');
    });
});
