// SPDX-License-Identifier: Apache-2.0
//
// Encrypted and signed backups: what plain tools (age, gunzip, openssl, unzip) make of them, and
// that a run which cannot read what it wrote still keeps all promises.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
    chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync,
    writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { encodePage } from '../chain/abi.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { createEntries, deploy } from '../chain/contract.mjs';
import { bigEntry, oddEntries, realisticEntries } from '../chain/entries.mjs';
import { isPageCall, startFakeNode } from '../chain/fake.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, assertFailed, DATE, mustRun, root, run, start, Store, unzip, whileRunning,
    workspace,
} from './harness.mjs';

const ENTRIES = [...realisticEntries(930), ...oddEntries()];
const PAGES = 20;
const SETTINGS = { 'page-size': 50, 'max-concurrent-pages': 2, 'contract-block': 90 };
const HELD_FROM = 500; // what is past this entry is not answered before `release`
const MAX = { maxBuffer: 1 << 28 };

function sha256(bytes) {
    return createHash('sha256').update(bytes).digest('hex');
}

/** An identity file made by age-keygen, and its recipient. */
function keygen(directory, name = 'key.txt') {
    const path = join(directory, name);
    execFileSync('age-keygen', ['-o', path], { stdio: 'ignore' });
    return { path, recipient: execFileSync('age-keygen', ['-y', path]).toString().trim() };
}

/** What `age -d -i key.txt FILE | gunzip` prints. */
function opened(file, key) {
    return gunzipSync(execFileSync('age', ['-d', '-i', key.path],
        { input: file, stdio: ['pipe', 'pipe', 'pipe'], ...MAX }));
}

/** A new identity, as the settings that sign with it. */
async function identity(directory, name = 'identity') {
    const path = join(directory, name);
    const { stdout } = await mustRun(
        ['identity', 'create', '--output-dir', path, '--difficulty', '0', '--json']);
    return {
        nodeId: JSON.parse(stdout).node_id,
        settings: {
            'identity-cert-path': join(path, 'identity.cert'),
            'identity-key-path': join(path, 'identity.key'),
        },
    };
}

/** What the commands of docs/formats.md print about manifest.sig in a directory. */
function checkedByOpenssl(cwd) {
    const text = readFileSync(join(root, 'docs', 'formats.md'), 'utf8');
    const [, section] = text.split(/^## Signature.*$/m);
    const [, commands] = /```sh\n([^]*?)```/.exec(section);
    const { stdout } = spawnSync('bash', ['-c', commands], { cwd, ...MAX });
    return stdout.toString().trim();
}

async function fakeNode(t, options) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    return node;
}

/** A node that answers the first half of the entries; `held` resolves when more is wanted. */
async function holdingNode(t, { holds = (first) => first >= HELD_FROM, ...options } = {}) {
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    let reached;
    const held = new Promise((resolve) => { reached = resolve; });
    const node = await fakeNode(t, { ...options, methods: {
        async eth_call(params) {
            const truth = this.truth('eth_call', params);
            if (isPageCall(params) && holds(this.pagesAsked().at(-1)[0])) {
                reached();
                await released;
            }
            return truth;
        },
    } });
    return { node, held, release };
}

/** Has a run stopped by this signal while it waits for the second half. */
async function interrupt(t, store, { held, release }, signal) {
    const child = start(store.args('run', '--backup-date', DATE));
    await whileRunning(child, held);
    while ((await donePages(store)).length === 0); /* rows are recorded now and then */
    child.kill(signal);
    const result = await child.done;
    release();
    return result;
}

/** The plain pages of the node, in their order. */
async function plainPages(directory, node, settings = SETTINGS) {
    const store = new Store(join(directory, 'plain'), node, settings);
    await store.mustRun();
    return Array.from({ length: store.manifest().total_pages },
        (_, page) => readFileSync(store.path(DATE, `page_${page}.json`)));
}

/** Every page of the store opens to these, from its file and from the zip, and is what is said. */
async function assertOpensTo(store, pages, key) {
    const manifest = store.manifest();
    const { pages: rows } = await store.json('status', '--backup-date', DATE, '--pages');
    assert.equal(manifest.pages.length, pages.length);
    assert.equal(rows.length, pages.length);
    const scratch = join(store.directory, 'scratch');
    unzip('-qq', store.archivePath(), '-d', scratch);
    for (const [page, plain] of pages.entries()) {
        const name = `page_${page}.json.gz.age`;
        const file = readFileSync(store.path(DATE, name));
        assert.ok(opened(file, key).equals(plain), name);
        assert.ok(readFileSync(join(scratch, name)).equals(file), `${name} in the zip`);
        const { sha256: checksum, size, file: named } = manifest.pages[page];
        assert.deepEqual({ checksum, size, named },
            { checksum: sha256(file), size: file.length, named: name });
        const row = rows[page];
        assert.deepEqual([row.checksum, row.file_size, row.file_path],
            [checksum, size, `${DATE}/${name}`]);
    }
    rmSync(scratch, { recursive: true });
    assert.match(unzip('-Zv', store.archivePath(), 'page_0.json.gz.age').toString(),
        /compression method: +none \(stored\)/);
    assert.deepEqual(readdirSync(store.path(DATE)).filter((name) => /^page_\d+\.json$/.test(name)),
        []);
}

/** No file below the store's directory holds any of their keys or values. */
function assertNoneOnDisk(store, entries) {
    const needles = entries.flatMap(({ key, value }) => [key, value])
        .filter(({ length }) => length >= 8).map((bytes) => bytes.subarray(0, 200));
    assert.ok(needles.length > 100);
    let files = 0;
    for (const file of readdirSync(store.directory, { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue;
        files++;
        const bytes = readFileSync(join(file.parentPath ?? file.path, file.name));
        const found = needles.find((needle) => bytes.includes(needle));
        assert.equal(found, undefined, `'${found}' is in ${file.name}`);
    }
    assert.ok(files > 3);
}

const encryptedTo = (...keys) =>
    ({ 'encryption-recipients': keys.map(({ recipient }) => recipient).join() });

describe('an encrypted backup of a contract on anvil', () => {
    let anvil, node;
    const entries = realisticEntries(1000);
    before(async () => {
        anvil = await startAnvil({ args: ANVIL_ARGS });
        const address = await deploy(anvil.url);
        await createEntries(anvil.url, address, entries);
        await rpc(anvil.url, 'anvil_mine', '0x3');
        node = { url: anvil.url, address };
    });
    after(() => anvil?.stop());

    it('opens, for each recipient, with age and gunzip to the pages of a plain one', async (t) => {
        const directory = workspace(t);
        const block = Number(await rpc(anvil.url, 'eth_blockNumber')) - 2;
        const keys = ['a', 'b', 'c', 'other'].map((name) => keygen(directory, name));
        const pages = await plainPages(directory, node, { 'contract-block': block });
        const store = new Store(join(directory, 'encrypted'), node,
            { 'contract-block': block, ...encryptedTo(...keys.slice(0, 3)) });
        await store.mustRun();
        for (const key of keys.slice(0, 3)) await assertOpensTo(store, pages, key);
        assert.throws(() => opened(readFileSync(store.path(DATE, 'page_0.json.gz.age')), keys[3]),
            /no identity matched/);
        const { encryption } = store.manifest();
        assert.equal(encryption.format, 'age-encryption.org/v1');
        assert.deepEqual([...encryption.recipients].sort(),
            keys.slice(0, 3).map(({ recipient }) => recipient).sort());
        assert.ok(readFileSync(store.path('latest', 'backup_latest.zip'))
            .equals(store.archiveBytes()));
        assertNoneOnDisk(store, entries);
    });
});

describe('an encrypted backup', () => {
    it('holds odd entries, and none of them in plain', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t);
        const key = keygen(directory);
        const pages = await plainPages(directory, node);
        const store = new Store(join(directory, 'encrypted'), node,
            { ...SETTINGS, ...encryptedTo(key) });
        await store.mustRun('--log-level', 'debug');
        await assertOpensTo(store, pages, key);
        assertNoneOnDisk(store, ENTRIES);
        assert.ok(!existsSync(store.path(DATE, 'keys.index')));
    });

    it('of an empty contract has one page', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t, { entries: [] });
        const key = keygen(directory);
        const store = new Store(join(directory, 'encrypted'), node,
            { ...SETTINGS, ...encryptedTo(key) });
        await store.mustRun();
        await assertOpensTo(store, [Buffer.from('[]')], key);
    });

    it('keeps no page files where that is not wanted', async (t) => {
        const directory = workspace(t);
        const key = keygen(directory);
        const store = new Store(join(directory, 'store'), await fakeNode(t),
            { ...SETTINGS, ...encryptedTo(key), 'keep-page-files': false });
        await store.mustRun();
        assert.deepEqual(readdirSync(store.path(DATE)).sort(),
            [`backup_${DATE}.zip`, 'manifest.json']);
        const page = unzip('-p', store.archivePath(), 'page_0.json.gz.age');
        assert.equal(JSON.parse(opened(page, key)).length, 50);
    });

    it('with large pages, in one piece and in many, is never plain on the disk', async (t) => {
        const directory = workspace(t);
        const key = keygen(directory);
        const big = { ...bigEntry(8_500_000), key: Buffer.from('big, a key of its own') };
        const wide = realisticEntries(100).map((entry, i) =>
            ({ ...entry, value: Buffer.from(`${entry.value} ${big.value.subarray(i * 20_000, (i + 1) * 20_000)}`) }));
        const entries = [...realisticEntries(HELD_FROM), ...wide, big];
        const settings = { ...SETTINGS, 'max-value-size': '10MiB' };
        const most = (start, count) => (count > 1 && start >= HELD_FROM + 50 ? 3 : count);
        const page = (start, count) =>
            encodePage(entries.slice(start, start + Math.min(count, most(start, count))));
        const pages = await plainPages(directory, await fakeNode(t, { entries, page }), settings);
        assert.ok(pages.at(-1).length > 8 << 20);

        // Killed when the page in pieces is half made, in its file.
        const holds = (first) => first > HELD_FROM + 80 && first < HELD_FROM + 100;
        const holding = await holdingNode(t, { entries, page, holds });
        const store = new Store(join(directory, 'encrypted'), holding.node,
            { ...settings, ...encryptedTo(key) });
        const result = await interrupt(t, store, holding, 'SIGKILL');
        assert.equal(result.signal, 'SIGKILL');
        assert.ok(statSync(store.path(DATE, 'page_11.json.gz.age')).size > 100_000);
        assertNoneOnDisk(store, [...wide, big]);
        await store.mustRun();
        await assertOpensTo(store, pages, key);
        assertNoneOnDisk(store, [...wide, big]);
    });

    it('is of one page by two endpoints\' word, whose bytes never are the same', async (t) => {
        const directory = workspace(t);
        const key = keygen(directory);
        const nodes = [await fakeNode(t), await fakeNode(t,
            { page: (start, count) => encodePage(ENTRIES.slice(start, start + Math.min(count, 9))) })];
        const forged = ENTRIES.map((entry, i) =>
            (i === 777 ? { ...entry, value: Buffer.from('forged') } : entry));
        const liar = await fakeNode(t, { entries: forged });
        const pages = await plainPages(directory, nodes[0]);
        const settings = { ...SETTINGS, ...encryptedTo(key), 'contract-quorum': 2 };
        const by = (name, ...urls) => new Store(join(directory, name),
            { url: urls.join(), address: nodes[0].address }, settings);
        const store = by('agreed', nodes[0].url, nodes[1].url);
        await store.mustRun();
        await assertOpensTo(store, pages, key);
        assertFailed(await by('not', nodes[0].url, liar.url).run(), 4, 'ContractConnectionError',
            /page 15 .*do not agree on what is in it/);
    });

    it('is found again without its database, which then knows its pages', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t);
        const key = keygen(directory);
        const pages = await plainPages(directory, node);
        const store = new Store(join(directory, 'encrypted'), node,
            { ...SETTINGS, ...encryptedTo(key) });
        await store.mustRun();
        for (const name of readdirSync(store.directory).filter((file) => /\.db/.test(file))) {
            rmSync(join(store.directory, name));
        }
        node.calls.length = 0;
        const bytes = store.archiveBytes();
        await store.mustRun();
        assert.deepEqual(node.pagesAsked(), []);
        assert.ok(store.archiveBytes().equals(bytes));
        await assertOpensTo(store, pages, key);
    });
});

/** The pages that are on record as done. */
async function donePages(store) {
    const { pages } = await store.json('status', '--backup-date', DATE, '--pages');
    return pages.filter((page) => page.status === 'completed').map((page) => page.page_number);
}

function startsAsked(node) {
    return [...new Set(node.pagesAsked().map(([first]) => first))].sort((a, b) => a - b);
}

describe('an encrypted run that was interrupted', () => {
    for (const [signal, again] of [['SIGINT', 'retry'], ['SIGKILL', 'run']]) {
        it(`by ${signal} is finished by ${again} without a secret, fetching only the rest`, async (t) => {
            const directory = workspace(t);
            const key = keygen(directory);
            const holding = await holdingNode(t);
            const { node } = holding;
            const store = new Store(join(directory, 'encrypted'), node,
                { ...SETTINGS, ...encryptedTo(key) });
            await interrupt(t, store, holding, signal);
            assertNoneOnDisk(store, ENTRIES);
            const done = await donePages(store);
            assert.ok(done.length > 0, 'nothing was kept');
            const kept = done.map((page) => readFileSync(store.path(DATE, `page_${page}.json.gz.age`)));
            node.calls.length = 0;
            const { code, stderr } = await store.command(again, '--backup-date', DATE);
            assert.equal(code, 0, stderr);
            assert.deepEqual(startsAsked(node), Array.from({ length: PAGES }, (_, page) => page)
                .filter((page) => !done.includes(page)).map((page) => page * 50));
            for (const [i, page] of done.entries()) {
                assert.ok(readFileSync(store.path(DATE, `page_${page}.json.gz.age`))
                    .equals(kept[i]), `page ${page} was made again`);
            }
            await assertOpensTo(store, await plainPages(directory, node), key);
        });
    }

    it('does not trust a page file that changed: it is fetched, and its new checksum counts', async (t) => {
        const directory = workspace(t);
        const key = keygen(directory);
        const holding = await holdingNode(t);
        const { node } = holding;
        const store = new Store(join(directory, 'encrypted'), node,
            { ...SETTINGS, ...encryptedTo(key) });
        await interrupt(t, store, holding, 'SIGINT');
        const [page] = await donePages(store);
        const file = store.path(DATE, `page_${page}.json.gz.age`);
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1] ^= 1;
        writeFileSync(file, bytes);
        node.calls.length = 0;
        await store.mustRun();
        assert.ok(startsAsked(node).includes(page * 50), 'the page was not fetched again');
        await assertOpensTo(store, await plainPages(directory, node), key);
    });

    it('starts over with other recipients, and says so', async (t) => {
        const directory = workspace(t);
        const [a, b] = ['a', 'b'].map((name) => keygen(directory, name));
        const changes = [[{}, encryptedTo(a)], [encryptedTo(a), encryptedTo(b)],
            [encryptedTo(a, b), encryptedTo(a)], [encryptedTo(a), {}]];
        for (const [i, [first, second]] of changes.entries()) {
            const holding = await holdingNode(t);
            const { node } = holding;
            const store = new Store(join(directory, `store ${i}`), node, { ...SETTINGS, ...first });
            await interrupt(t, store, holding, 'SIGINT');
            assert.ok((await donePages(store)).length > 0);
            store.settings = new Store(store.directory, node, { ...SETTINGS, ...second }).settings;
            node.calls.length = 0;
            const { stderr } = await store.mustRun('--log-level', 'warn');
            assert.match(stderr, /Backup starts over.*encryption\.recipients has changed/);
            assert.equal(startsAsked(node).length, PAGES);
            const names = readdirSync(store.path(DATE)).filter((name) => name.startsWith('page_'));
            assert.equal(names.length, PAGES);
            const suffix = second === changes[3][1] ? /\.json$/ : /\.json\.gz\.age$/;
            assert.ok(names.every((name) => suffix.test(name)), names.join());
        }
    });

    it('goes on with the same recipients in another order', async (t) => {
        const directory = workspace(t);
        const [a, b] = ['a', 'b'].map((name) => keygen(directory, name));
        const holding = await holdingNode(t);
        const store = new Store(join(directory, 'store'), holding.node,
            { ...SETTINGS, ...encryptedTo(a, b) });
        await interrupt(t, store, holding, 'SIGINT');
        const done = await donePages(store);
        store.settings['encryption-recipients'] = encryptedTo(b, a)['encryption-recipients'];
        holding.node.calls.length = 0;
        await store.mustRun();
        assert.equal(startsAsked(holding.node).length, PAGES - done.length);
    });
});

describe('a signed backup', () => {
    it('has a signature beside the manifest and at the zip\'s end, which openssl checks', async (t) => {
        const directory = workspace(t);
        const { nodeId, settings } = await identity(directory);
        const store = new Store(join(directory, 'store'), await fakeNode(t),
            { ...SETTINGS, ...settings });
        await store.mustRun();
        const names = unzip('-Z1', store.archivePath()).toString().trim().split('\n');
        assert.deepEqual(names.slice(-2), ['manifest.json', 'manifest.sig']);
        const signature = readFileSync(store.path(DATE, 'manifest.sig'));
        assert.ok(unzip('-p', store.archivePath(), 'manifest.sig').equals(signature));
        assert.equal(JSON.parse(signature).node_id, nodeId);
        assert.equal(checkedByOpenssl(store.path(DATE)), 'Verified OK');
        const manifest = readFileSync(store.path(DATE, 'manifest.json'), 'utf8');
        writeFileSync(store.path(DATE, 'manifest.json'), manifest.replace(/"block_number": \d/, '$&1'));
        assert.notEqual(checkedByOpenssl(store.path(DATE)), 'Verified OK');
    });

    it('is encrypted too, and its archive, made again from the page files, is signed again', async (t) => {
        const directory = workspace(t);
        const node = await fakeNode(t);
        const key = keygen(directory);
        const { settings } = await identity(directory);
        const store = new Store(join(directory, 'encrypted'), node,
            { ...SETTINGS, ...encryptedTo(key), ...settings });
        const pages = await plainPages(directory, node);
        const size = pages.reduce((sum, page) => sum + page.length, 0);
        // All pages are made; the archive fails, and with it the run.
        assert.notEqual((await store.run('--max-backup-file-size', String(size >> 5))).code, 0);
        const first = await store.run('--max-backup-file-size', '1KiB');
        assertFailed(first, 7, 'ResourceError', /max_backup_file_size/);
        await store.mustRun();
        const before = readFileSync(store.path(DATE, 'manifest.sig'));
        assert.equal(checkedByOpenssl(store.path(DATE)), 'Verified OK');
        await assertOpensTo(store, pages, key);

        // As a crash before the archive gets its name leaves it.
        rmSync(store.archivePath());
        execFileSync('sqlite3', [join(store.directory, 'satellite.db'),
            "UPDATE backup_final_status SET status = 'in_progress', completed_at = NULL"]);
        node.calls.length = 0;
        const { code, stderr } = await store.command('retry', '--backup-date', DATE);
        assert.equal(code, 0, stderr);
        assert.deepEqual(node.pagesAsked(), []);
        assert.ok(!readFileSync(store.path(DATE, 'manifest.sig')).equals(before));
        assert.equal(checkedByOpenssl(store.path(DATE)), 'Verified OK');
        assert.ok(unzip('-p', store.archivePath(), 'manifest.sig')
            .equals(readFileSync(store.path(DATE, 'manifest.sig'))));
        await assertOpensTo(store, pages, key);
    });
});

describe('settings that cannot be obeyed', () => {
    /** Each is refused by a run, a dry run, the service and `config validate`; nothing is made. */
    async function assertRefused(t, settings, pattern, { code = 3, type = 'ValidationError', secret } = {}) {
        const node = await fakeNode(t);
        const store = new Store(join(workspace(t), 'store'), node, { ...SETTINGS, ...settings });
        const { 'contract-block': _, progress: __, ...live } = store.settings;
        const flags = Object.entries(live).flatMap(([name, value]) => [`--${name}`, value]);
        for (const result of [await store.run(), await store.run('--dry-run'),
            await run(['run', 'backup', ...flags]),
            await run(['backup', 'config', 'validate', ...flags])]) {
            assertFailed(result, code, type, pattern);
            assert.ok(!secret || !result.stderr.includes(secret.slice(15)), 'a secret was shown');
        }
        assert.deepEqual(node.calls, []);
        assert.ok(!existsSync(store.backups));
    }

    it('are recipients that are none, twice there or too many', async (t) => {
        const directory = workspace(t);
        const key = keygen(directory);
        const { recipient } = key;
        const secret = /AGE-SECRET-KEY-1\w+/.exec(readFileSync(key.path, 'utf8'))[0];
        const mistyped = recipient.slice(0, -1) + (recipient.endsWith('q') ? 'p' : 'q');
        const many = Array.from({ length: 65 }, (_, i) => `age1${i}`).join();
        const table = [
            ['age1x', /encryption\.recipients: entry 1: age recipient 'age1x' is no X25519/],
            [mistyped, /encryption\.recipients: .*mistyped/],
            [`${recipient},${secret}`, /entry 2: this is no age recipient.*public key/],
            [`${recipient},${recipient}`, /entry 2: .* is there twice/],
            [many, /encryption\.recipients.*64/],
            ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA', /this is no age recipient/],
        ];
        for (const [value, pattern] of table) {
            await assertRefused(t, { 'encryption-recipients': value }, pattern, { secret });
        }
    });

    it('are identities that cannot sign', async (t) => {
        const directory = workspace(t);
        const [mine, other] = [await identity(directory, 'a'), await identity(directory, 'b')];
        const { 'identity-cert-path': cert, 'identity-key-path': key } = mine.settings;
        await assertRefused(t, { 'identity-cert-path': cert }, /identity\.key_path is not/);
        await assertRefused(t, { 'identity-key-path': key }, /identity\.cert_path is not/);
        await assertRefused(t, { ...mine.settings,
            'identity-key-path': other.settings['identity-key-path'] },
        /not the key of the certificate/);
        await assertRefused(t, { ...mine.settings, 'identity-cert-path': key }, /identity\.key/);
        const open = join(directory, 'open.key');
        copyFileSync(key, open);
        chmodSync(open, 0o644);
        await assertRefused(t, { ...mine.settings, 'identity-key-path': open }, /open to others/);
        await assertRefused(t, { ...mine.settings, 'identity-key-path': join(directory, 'no') },
            /not opened/, { code: 11, type: 'NotFoundError' });
    });

    it('are no reason to encrypt less: memory for it must be there', async (t) => {
        const key = keygen(workspace(t));
        await assertRefused(t, { ...encryptedTo(key), 'memory-limit': '170MiB' }, /memory_limit/);
    });
});
