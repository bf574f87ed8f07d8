// SPDX-License-Identifier: Apache-2.0
//
// Encrypted and signed backups, read: with the right identity everything is as with a plain backup
// of the same block, with another or none it is refused in one line; damage and forged signatures
// are found; and nothing readable ever lies on the disk.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
    chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync,
    writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { privateKeyToAddress } from 'viem/accounts';
import { startAnvil } from '../chain/anvil.mjs';
import { spawnChild } from '../chain/children.mjs';
import { createEntries, deploy, editEntry, readAllPairs } from '../chain/contract.mjs';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { keystoreText, testKey } from '../chain/keystore.mjs';
import { rpc } from '../chain/rpc.mjs';
import {
    ANVIL_ARGS, DATE, Store, assertFailed, assertSameEntries, mustRun, program, run, start,
    workspace,
} from './harness.mjs';

const NEXT = '2024-01-16';
const PASSPHRASE = 'correct horse battery';
const ENTRIES = [...realisticEntries(250), ...oddEntries()];
const directory = workspace({ after });

/* --- keys --- */

function ageKey(name) {
    const path = join(directory, name);
    execFileSync('age-keygen', ['-o', path], { stdio: 'ignore' });
    return { path, recipient: execFileSync('age-keygen', ['-y', path]).toString().trim() };
}

async function ownKey(name) {
    const path = join(directory, name);
    const { stdout } = await mustRun(['backup', 'key', 'generate', '--output', path]);
    return { path, recipient: stdout.trim() };
}

/** Runs a command at a terminal and answers its prompts; resolves to { code, shown }. */
async function atTerminal(command, answers, env = {}) {
    const quoted = command.map((word) => `'${word}'`).join(' ');
    const child = spawnChild('script', ['-qec', quoted, '/dev/null'],
        { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...env } });
    const left = [...answers];
    let shown = '';
    child.stdout.on('data', (text) => {
        shown += text;
        if (left.length > 0 && left[0][0].test(shown)) {
            child.stdin.write(`${left[0][1]}\r`);
            left.shift();
        }
    });
    const { code } = await child.ended;
    return { code, shown, unanswered: left.length };
}

/** The identity file under PASSPHRASE, as `age -p` makes it. */
async function protect(path, ...options) {
    const out = `${path}${options.join('')}.age`;
    const { code, shown } = await atTerminal(['age', '-p', ...options, '-o', out, path],
        [[/Enter passphrase/, PASSPHRASE], [/Confirm passphrase/, PASSPHRASE]]);
    assert.equal(code, 0, shown);
    return out;
}

async function signer(name) {
    const path = join(directory, name);
    const { stdout } = await mustRun(['identity', 'create', '--output-dir', path, '--json']);
    return {
        nodeId: JSON.parse(stdout).node_id,
        settings: {
            'identity-cert-path': join(path, 'identity.cert'),
            'identity-key-path': join(path, 'identity.key'),
        },
    };
}

const CA_CONFIG = `[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
[names]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
`;

/** A signer whose certificates ended long ago. */
async function expiredSigner(name) {
    const cwd = join(directory, name);
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'config'), CA_CONFIG);
    writeFileSync(join(cwd, 'index.txt'), '');
    const openssl = (...args) => execFileSync('openssl', args, { cwd, stdio: 'pipe' });
    for (const each of ['ca', 'identity']) {
        openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${each}.key`);
        openssl('req', '-new', '-key', `${each}.key`, '-subj', `/CN=${each}`, '-out', `${each}.csr`);
    }
    const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z', '-notext'];
    openssl('ca', '-batch', '-config', 'config', '-selfsign', '-keyfile', 'ca.key', '-in', 'ca.csr',
        ...dates, '-extensions', 'authority', '-out', 'ca.cert');
    openssl('ca', '-batch', '-config', 'config', '-cert', 'ca.cert', '-keyfile', 'ca.key', '-in',
        'identity.csr', ...dates, '-out', 'leaf.cert');
    writeFileSync(join(cwd, 'identity.cert'),
        ['leaf.cert', 'ca.cert'].map((file) => readFileSync(join(cwd, file))).join(''));
    chmodSync(join(cwd, 'identity.key'), 0o600);
    const shown = await mustRun(['identity', 'show', '--cert', join(cwd, 'identity.cert'), '--json']);
    return {
        nodeId: JSON.parse(shown.stdout).node_id,
        settings: {
            'identity-cert-path': join(cwd, 'identity.cert'),
            'identity-key-path': join(cwd, 'identity.key'),
        },
    };
}

const identityFlag = (key) => ['--encryption-identity-file', key.path ?? key];

/* --- what must not be found --- */

const NEEDLES = ENTRIES.slice(0, 250).filter((_, i) => i % 25 === 0)
    .flatMap(({ key, value }) => [key, value.subarray(0, 40)])
    .flatMap((bytes) => [bytes, Buffer.from(bytes.toString('hex')),
        Buffer.from(bytes.toString('base64').replace(/.{2}=*$/, ''))]);

function filesBelow(path) {
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function assertHoldsNone(bytes, what, needles = NEEDLES) {
    for (const needle of needles) {
        assert.ok(!bytes.includes(needle), `${what} has ${needle.toString().slice(0, 60)}`);
    }
}

/** No key and no value, as it is, in hex or in base64, in any file below. */
function assertNothingReadable(paths, needles = NEEDLES) {
    for (const file of paths.flatMap(filesBelow)) {
        assertHoldsNone(readFileSync(file), file, needles);
    }
}

/* --- one chain, backed up twice, plain and encrypted --- */

let chain, address, keys, locked, armored, mine, other, plain, store;

before(async () => {
    chain = await startAnvil({ args: ANVIL_ARGS });
    address = await deploy(chain.url);
    await createEntries(chain.url, address, ENTRIES);
    keys = [ageKey('age.txt'), await ownKey('own.txt'), ageKey('stranger.txt')];
    locked = await protect(keys[0].path);
    armored = await protect(keys[0].path, '-a');
    mine = await signer('mine');
    other = await signer('other');
    const node = { url: chain.url, address };
    const common = { 'contract-block': 'latest', 'page-size': 50 };
    plain = new Store(join(directory, 'plain'), node, common);
    store = new Store(join(directory, 'encrypted'), node, {
        ...common, ...mine.settings,
        'encryption-recipients': `${keys[0].recipient},${keys[1].recipient}`,
    });
    for (const each of [plain, store]) await each.mustRun();
    await editEntry(chain.url, address,
        { ...ENTRIES[7], value: Buffer.from('newer'), versionId: Buffer.from('v9') });
    for (const each of [plain, store]) await mustRun(each.args('run', '--backup-date', NEXT));
});
after(() => chain?.stop());

/** A copy of the encrypted store whose database knows no checksums, for what is done to it. */
function copied(t, from = store, more = {}) {
    const to = new Store(join(workspace(t), 'copy'), { url: chain.url, address },
        { 'contract-block': 'latest', 'page-size': 50, ...more });
    execFileSync('cp', ['-a', `${from.directory}/.`, to.directory]);
    execFileSync('sqlite3', [join(to.directory, 'satellite.db'),
        'UPDATE backup_final_status SET checksum = NULL']);
    return to;
}

async function verify(each, ...args) {
    const { code, stdout, stderr } = await each.command('verify', ...args, '--json');
    return { code, stderr, result: JSON.parse(stdout).backups[0] };
}

/** Every command that reads what is in a backup, without the restore onto a chain. */
function readingCommands(output) {
    return [
        ['get', ENTRIES[3].key.toString(), '--backup-date', DATE],
        ['get', ENTRIES[3].key.toString(), '--backup-date', DATE, '--json'],
        ['export', '--backup-date', DATE, '--output', '-'],
        ['export', '--backup-date', DATE, '--output', '-', '--format', 'csv'],
        ['export', '--backup-date', DATE, '--output', output, '--format', 'sqlite'],
        ['diff', DATE, NEXT, '--json'],
        ['test-restore', '--backup-date', DATE],
    ];
}

/** What a command gives, but for times, and the content of the database it writes. */
async function resultOf(each, output, command, args, env) {
    rmSync(output, { force: true });
    const { code, stdout, stderr } = await run([...each.args(...command), ...args], { env });
    const dump = existsSync(output)
        ? execFileSync('sqlite3', [output, 'SELECT position, hex(key), hex(value), hex(version_id)'
            + ' FROM entries; SELECT * FROM backup WHERE name <> \'pages_sha256\''
            + ' ; PRAGMA index_list(entries)'], { maxBuffer: 1 << 26 }).toString()
        : null;
    return { code, stderr, dump, stdout: stdout.replace(/, [\d.]+(ms|s)\n/, '\n') };
}

describe('with a right identity', () => {
    it('every reading command gives what it gives of a plain backup, and leaves nothing', async (t) => {
        const directory = workspace(t);
        const scratch = join(directory, 'scratch');
        const output = join(directory, 'out.db');
        mkdirSync(scratch);
        writeFileSync(join(directory, 'pass'), `${PASSPHRASE}\n`);
        const ways = [
            identityFlag(keys[0]), identityFlag(keys[1]),
            [...identityFlag(armored), '--passphrase-file', join(directory, 'pass')],
        ];
        for (const command of readingCommands(output)) {
            const wanted = await resultOf(plain, output, command, []);
            assert.ok([0, 12].includes(wanted.code), `${command}: ${wanted.stderr}`);
            for (const way of ways) {
                const got = await resultOf(store, output, command, way, { TMPDIR: scratch });
                assert.deepEqual(got, wanted, command.join(' '));
                rmSync(output, { force: true });
                assert.deepEqual(readdirSync(scratch), []);
                assertNothingReadable([store.directory, scratch]);
            }
        }
    });

    it('verify looks at everything, against the chain too', async () => {
        const { code, result } = await verify(store, '--backup-date', NEXT, '--against-chain',
            ...identityFlag(keys[0]));
        assert.equal(code, 0);
        const wanted = (await verify(plain, '--backup-date', NEXT, '--against-chain')).result;
        const but = { bytes: 0, duration_ms: 0, signature: 0, signer: 0, encrypted: 0 };
        assert.deepEqual({ ...result, ...but }, { ...wanted, ...but });
        assert.deepEqual([result.keys, result.encrypted, result.unseen, result.signature,
            result.signer], [ENTRIES.length, true, null, 'untrusted', mine.nodeId]);
        assert.equal(existsSync(store.path(NEXT, 'keys.index')), false);
        assert.equal(existsSync(plain.path(NEXT, 'keys.index')), true);
    });

    it('the passphrase is asked for at the terminal, once, and not shown', async () => {
        const args = store.args('diff', DATE, NEXT, ...identityFlag(locked));
        const { code, shown, unanswered } = await atTerminal([program, ...args],
            [[/Passphrase of identity file .*: /, PASSPHRASE]]);
        assert.equal(code, 12, shown);
        assert.equal(unanswered, 0);
        assert.match(shown, /0 added, 0 removed, 1 changed/);
        assert.doesNotMatch(shown, /horse/);
        assert.equal(shown.match(/Passphrase of/g).length, 1);
        const wrong = await atTerminal([program, ...args], [[/Passphrase of/, 'wrong']]);
        assert.equal(wrong.code, 9);
        assert.match(wrong.shown, /AccessError.*the passphrase is wrong/);
    });

    it('is not asked for a plain backup', async () => {
        const { code, stderr } =
            await plain.command('get', ENTRIES[3].key.toString(), ...identityFlag(locked));
        assert.equal(code, 0, stderr);
    });
});

describe('without a right identity', () => {
    it('every reading command says in one line for whom the backup is', async (t) => {
        const output = join(workspace(t), 'out.db');
        const named = new RegExp(`(${keys[0].recipient}|${keys[1].recipient}), `
            + `(${keys[0].recipient}|${keys[1].recipient}).*encryption.identity_file`);
        for (const command of readingCommands(output)) {
            const words = command.filter((word) => word !== '--json');
            for (const way of [[], identityFlag(keys[2])]) {
                assertFailed(await store.command(...words, ...way), 9, 'AccessError', named);
                assert.equal(existsSync(output), false);
            }
        }
        const { checks } = await store.json('status', '--backup-date', DATE);
        const [drill] = checks.filter(({ kind }) => kind === 'test_restore');
        assert.equal(drill.outcome, 'not_checked', 'could not check is not invalid');
    });

    it('verify checks all but the entries, and says so', async () => {
        const { code, result } = await verify(store, '--backup-date', DATE);
        assert.equal(code, 0);
        assert.deepEqual([result.outcome, result.keys, result.pages, result.encrypted],
            ['valid', 0, Math.ceil(ENTRIES.length / 50), true]);
        assert.match(result.unseen, /encrypted for age1.*identity_file is not set/);
        const { stdout } = await store.command('verify', '--backup-date', DATE);
        assert.match(stdout, /keys, values and duplicates were not looked at: .*age1/);
        const { checks } = await store.json('status', '--backup-date', DATE);
        assert.match(checks.find(({ kind }) => kind === 'verify').message, /identity_file is not set/);
    });

    it('verify with one that opens nothing, or against the chain, could not check', async (t) => {
        const [pass, cut, open] = ['pass', 'cut', 'open'].map((name) => join(workspace(t), name));
        writeFileSync(pass, `${PASSPHRASE}\n`);
        writeFileSync(cut, readFileSync(locked).subarray(0, -20), { mode: 0o600 });
        writeFileSync(open, readFileSync(keys[0].path), { mode: 0o644 });
        for (const [args, expected] of [[identityFlag(keys[2]), 9], [['--against-chain'], 9],
            [identityFlag(join(directory, 'nowhere')), 5], [identityFlag(open), 3],
            [[...identityFlag(cut), '--passphrase-file', pass], 3]]) {
            const { code, result, stderr } = await verify(store, '--backup-date', DATE, ...args);
            assert.equal(code, expected, stderr);
            assert.equal(result.outcome, 'not_checked');
            assert.equal(result.pages, Math.ceil(ENTRIES.length / 50), 'checksums are all the same');
        }
    });

    it('a passphrase that nobody can be asked for is a clear error', async (t) => {
        const pass = join(workspace(t), 'pass');
        writeFileSync(pass, 'wrong\n');
        assertFailed(await store.command('get', 'x', ...identityFlag(locked), '--passphrase-file',
            pass), 9, 'AccessError', /the passphrase is wrong/);
        assertFailed(await store.command('get', 'x', '--passphrase-file', pass), 2, 'UsageError');
        const { code, stderr } = await new Promise((resolve) => {
            const args = store.args('get', 'x', ...identityFlag(locked));
            const child = spawnChild('setsid', [program, ...args],
                { stdio: ['ignore', 'ignore', 'pipe'] });
            let text = '';
            child.stderr.on('data', (piece) => { text += piece; });
            child.ended.then(({ code: ended }) => resolve({ code: ended, stderr: text }));
        });
        assert.equal(code, 2);
        assert.match(stderr, /no terminal .*passphrase; give --passphrase-file/);
    });
});

/* --- damage --- */

/** Where an entry's bytes stand in an archive, by its directory. */
function place(bytes, name) {
    const end = bytes.length - 22;
    let at = bytes.readUInt32LE(end + 16);
    while (at < end) {
        const [nameSize, extraSize] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)];
        if (bytes.toString('latin1', at + 46, at + 46 + nameSize) === name) {
            const local = bytes.readUInt32LE(at + 42);
            const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
            return { record: at, local, data, size: bytes.readUInt32LE(at + 20) };
        }
        at += 46 + nameSize + extraSize + bytes.readUInt16LE(at + 32);
    }
    throw new Error(`no ${name}`);
}

/** Puts bytes of the same size in the place of a stored entry, its checksums set right. */
function replaceStored(path, name, content) {
    const bytes = readFileSync(path);
    const { record, local, data, size } = place(bytes, name);
    assert.equal(content.length, size, `${name}: the same size`);
    content.copy(bytes, data);
    bytes.writeUInt32LE(crc32(content), local + 14);
    bytes.writeUInt32LE(crc32(content), record + 16);
    writeFileSync(path, bytes);
}

function stored(path, name) {
    const bytes = readFileSync(path);
    const { data, size } = place(bytes, name);
    return Buffer.from(bytes.subarray(data, data + size));
}

const PAGE = 'page_2.json.gz.age';
const PLACES = {
    'the age header': [PAGE, 30],
    'a recipient': [PAGE, 80],
    'the payload': [PAGE, 700],
    'the tail': [PAGE, -1],
    'the signature': ['manifest.sig', 60],
    'the manifest': ['manifest.json', 300],
};

describe('a flipped byte', () => {
    for (const [what, [name, offset]] of Object.entries(PLACES)) {
        it(`in ${what} is found, even with the zip's checksums set right`, async (t) => {
            const each = copied(t);
            const content = stored(each.archivePath(), name);
            content[(offset + content.length) % content.length] ^= 1;
            replaceStored(each.archivePath(), name, content);
            for (const way of [[], identityFlag(keys[0])]) {
                const { code, result } = await verify(each, '--backup-date', DATE, ...way);
                assert.equal(code, 8, what);
                assert.equal(result.outcome, 'invalid');
            }
            const read = await each.command('export', '--backup-date', DATE, '--output', '-',
                ...identityFlag(keys[0]));
            assert.equal(read.code, 8, read.stderr);
        });
    }

    it('in a page file beside the archive is found', async (t) => {
        const each = copied(t);
        const bytes = readFileSync(each.path(DATE, PAGE));
        bytes[400] ^= 1;
        writeFileSync(each.path(DATE, PAGE), bytes);
        const { code, result } = await verify(each, '--backup-date', DATE);
        assert.equal(code, 8);
        assert.equal(result.findings[0].where, `file ${PAGE}`);
    });

    it('in a page whose checksums all were set right is found by who has the identity', async (t) => {
        // The manifest is what somebody without the keys could make anew, were it not signed.
        const each = copied(t, store);
        const content = stored(each.archivePath(), PAGE);
        content[content.length - 1] ^= 1;
        replaceStored(each.archivePath(), PAGE, content);
        rmSync(each.path(DATE, PAGE));
        const { createHash } = await import('node:crypto');
        const sha256 = (data) => createHash('sha256').update(data).digest('hex');
        const manifest = JSON.parse(stored(each.archivePath(), 'manifest.json'));
        const text = stored(each.archivePath(), 'manifest.json').toString();
        const sums = manifest.pages.map(({ sha256: sum, number }) =>
            (number === 2 ? sha256(content) : sum));
        const forged = text.replace(manifest.pages[2].sha256, sums[2])
            .replace(manifest.pages_sha256, sha256(sums.join('')));
        replaceStored(each.archivePath(), 'manifest.json', Buffer.from(forged));
        const { code, result } =
            await verify(each, '--backup-date', DATE, ...identityFlag(keys[0]));
        assert.equal(code, 8);
        const found = result.findings.map(({ where, what }) => `${where}: ${what}`).join('\n');
        assert.match(found, /archive page_2.json.gz.age: .*age payload/);
        assert.match(found, /archive: manifest.sig/);
    });
});

/* --- signatures --- */

/** What each command that believes a backup says of it. */
async function believed(each, ...args) {
    const commands = [['verify'], ['get', ENTRIES[3].key.toString()], ['test-restore'],
        ['export', '--output', '-']];
    return Promise.all(commands.map(async ([command, ...rest]) =>
        (await each.command(command, ...rest, '--backup-date', DATE, ...identityFlag(keys[0]),
            ...args)).code));
}

describe('signatures', () => {
    const all = (code) => [code, code, code, code];

    it('whose certificates ended long ago count like others: node IDs are trusted', async (t) => {
        const expired = await expiredSigner('expired');
        const each = new Store(join(workspace(t), 'expired'), { url: chain.url, address },
            { 'contract-block': 'latest', ...expired.settings });
        await each.mustRun();
        assert.deepEqual(await believed(each, '--identity-trusted', expired.nodeId), all(0));
        assert.deepEqual(await believed(each, '--identity-trusted', mine.nodeId), all(8));
        const { result } = await verify(each, '--identity-trusted', expired.nodeId);
        assert.deepEqual([result.signature, result.signer], ['trusted', expired.nodeId]);
    });

    it('of a trusted identity are believed', async () => {
        const trusted = ['--identity-trusted', `${other.nodeId},${mine.nodeId}`];
        assert.deepEqual(await believed(store, ...trusted), all(0));
        const { result } = await verify(store, '--backup-date', DATE, ...trusted);
        assert.deepEqual([result.signature, result.signer], ['trusted', mine.nodeId]);
    });

    it('of another one, or none, are not, where some are trusted', async () => {
        assert.deepEqual(await believed(store), all(0));
        assert.deepEqual(await believed(store, '--identity-trusted', other.nodeId), all(8));
        assert.deepEqual(await believed(plain), all(0));
        assert.deepEqual(await believed(plain, '--identity-trusted', mine.nodeId), all(8));
        const { result } = await verify(plain, '--backup-date', DATE);
        assert.deepEqual([result.signature, result.signer], ['none', null]);
        const foreign = await verify(store, '--backup-date', DATE, '--identity-trusted',
            other.nodeId);
        assert.match(foreign.stderr, new RegExp(`signed by ${mine.nodeId}, which is not trusted`));
    });

    it('of another backup are wrong, whoever is trusted', async (t) => {
        const each = copied(t);
        const replayed = stored(each.archivePath(NEXT), 'manifest.sig');
        replaceStored(each.archivePath(), 'manifest.sig', replayed);
        writeFileSync(each.path(DATE, 'manifest.sig'), replayed);
        assert.deepEqual(await believed(each), all(8));
        assert.deepEqual(await believed(each, '--identity-trusted', mine.nodeId), all(8));
        const { result } = await verify(each, '--backup-date', DATE);
        assert.equal(result.signature, 'wrong');
    });

    it('do not make a backup another one', async (t) => {
        const each = copied(t);
        copyFileSync(each.archivePath(NEXT), each.archivePath());
        execFileSync('sqlite3', [join(each.directory, 'satellite.db'),
            'UPDATE backup_final_status SET file_size = NULL']);
        assert.deepEqual(await believed(each, '--identity-trusted', mine.nodeId), all(8));
    });

    it('are wanted from node IDs, which is checked at the start', async () => {
        assertFailed(await store.command('verify', '--identity-trusted', 'nobody'), 3,
            'ValidationError', /identity.trusted/);
    });
});

/* --- the service --- */

describe('the service', () => {
    /** What it has found of a new backup, with these settings, as { verify, test_restore }. */
    async function checked(t, settings) {
        const each = new Store(join(workspace(t), 'service'), { url: chain.url, address },
            { 'contract-block': 'latest', 'encryption-recipients': keys[0].recipient,
                'verify-interval': '1h', 'test-restore-interval': '1h', 'log-format': 'json',
                ...settings });
        const { progress, ...flags } = each.settings;
        const service = start(['run', 'backup', ...Object.entries(flags)
            .flatMap(([name, value]) => [`--${name}`, String(value)])]);
        let checks = [];
        while (checks.length < 2 && service.exitCode === null) {
            await sleep(100);
            const { code, stdout } = await each.command('status', '--json');
            checks = code === 0 ? JSON.parse(stdout).checks : [];
        }
        service.kill('SIGTERM');
        const { code, stderr } = await service.done;
        assert.equal(code, 0, stderr);
        return Object.fromEntries(checks.map((check) => [check.kind, check]));
    }

    it('proves everything with an identity', async (t) => {
        const { verify, test_restore: drill } =
            await checked(t, { 'encryption-identity-file': keys[0].path });
        assert.deepEqual([verify.outcome, verify.keys, verify.message],
            ['valid', ENTRIES.length, null]);
        assert.deepEqual([drill.outcome, drill.keys], ['valid', ENTRIES.length]);
    });

    it('proves without one what can be, and could not check the rest', async (t) => {
        for (const [settings, why] of [[{}, /identity_file is not set/],
            [{ 'encryption-identity-file': locked }, /passphrase, and there is nobody to ask/]]) {
            const { verify, test_restore: drill } = await checked(t, settings);
            assert.deepEqual([verify.outcome, verify.keys], ['valid', 0]);
            assert.match(verify.message, why);
            assert.equal(drill.outcome, 'not_checked');
            assert.match(drill.message, why);
        }
    });
});

/* --- onto a chain --- */

function restoreArgs(t, each, url, contract, ...more) {
    const directory = workspace(t);
    writeFileSync(join(directory, 'key.json'), keystoreText(testKey(0), 'pw'));
    writeFileSync(join(directory, 'password'), 'pw\n');
    return each.args('restore', '--backup-date', DATE, '--rpc-url', url, '--contract', contract,
        '--keystore', join(directory, 'key.json'), '--password-file', join(directory, 'password'),
        '--max-total-cost', '100ether', '--contract-confirmations', '0', '--yes', ...more);
}

async function pairsOf(url, contract) {
    return (await readAllPairs(url, contract)).map((pair) => Object.fromEntries(
        Object.entries(pair).map(([name, hex]) => [name, Buffer.from(hex.slice(2), 'hex')])));
}

async function sentBy(url) {
    const account = privateKeyToAddress(`0x${testKey(0).toString('hex')}`);
    return Number(await rpc(url, 'eth_getTransactionCount', account, 'latest'));
}

describe('restore', () => {
    it('takes the identity, and refuses without it or with a foreign signature', async (t) => {
        const target = await startAnvil({ args: ANVIL_ARGS });
        t.after(() => target.stop());
        const contract = await deploy(target.url);
        assertFailed(await run(restoreArgs(t, store, target.url, contract)), 9, 'AccessError',
            /encrypted for age1/);
        assertFailed(await run(restoreArgs(t, store, target.url, contract, ...identityFlag(keys[0]),
            '--identity-trusted', other.nodeId)), 8, 'IntegrityError', /not trusted/);
        assert.equal(await sentBy(target.url), 1, 'nothing was sent');
        const { code, stderr } = await run(restoreArgs(t, store, target.url, contract, '--json',
            ...identityFlag(keys[0]), '--identity-trusted', mine.nodeId));
        assert.equal(code, 0, stderr);
        assertSameEntries(await pairsOf(target.url, contract), ENTRIES);
        const drill = await store.command('test-restore', '--backup-date', DATE, '--rpc-url',
            target.url, ...identityFlag(keys[0]));
        assert.equal(drill.code, 0, drill.stderr);
    });

    it('killed in the middle leaves a journal that only the identity reads, and goes on', async (t) => {
        const target = await startAnvil({ args: [...ANVIL_ARGS, '--block-time', '1'] });
        t.after(() => target.stop());
        const contract = await deploy(target.url);
        const scratch = workspace(t);
        const args = restoreArgs(t, store, target.url, contract, '--json',
            ...identityFlag(keys[1]));
        const journals = () => readdirSync(store.directory).filter((name) => /\.journal$/.test(name))
            .map((name) => join(store.directory, name));
        const child = start(args, { env: { TMPDIR: scratch } });
        while (child.exitCode === null &&
            !journals().some((path) => statSync(path).size > 100_000)) await sleep(20);
        child.kill('SIGKILL');
        await child.done;
        assert.equal(journals().length, 1);
        assert.match(readFileSync(journals()[0], 'utf8').split('\n')[0], /"encrypted_to":"age1/);
        assertNothingReadable([store.directory, scratch]);
        const resumed = await run(args);
        assert.equal(resumed.code, 0, resumed.stderr);
        assert.equal(JSON.parse(resumed.stdout).resumed, true);
        assert.equal(await sentBy(target.url), 1 + ENTRIES.length, 'nothing was sent twice');
        assertSameEntries(await pairsOf(target.url, contract), ENTRIES);
        assert.deepEqual(journals(), []);
    });
});

/* --- scratch --- */

const LARGE = 40_000;
const largeKey = (i) => Buffer.from(`large_key_${String(i).padStart(6, '0')}_${'k'.repeat(200)}`);
const LARGE_NEEDLES = [Buffer.from('large_key_'), Buffer.from('kkkkkkkkkkkk'),
    Buffer.from('large_value_')];

/** The files on a disk that a process has open below a directory, names or none; less one that
 * ThreadSanitizer has at its start. */
function openBelow(pid, path) {
    try {
        return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
            const link = `/proc/${pid}/fd/${fd}`;
            try {
                const target = readlinkSync(link);
                return target.startsWith(path) && !/\/tsan\.[^/]*$/.test(target) ? [link] : [];
            } catch {
                return []; // closed meanwhile
            }
        });
    } catch {
        return []; // it has ended
    }
}

describe('a large backup', () => {
    let large, node;
    before(async () => {
        const entries = Array.from({ length: LARGE }, (_, i) => ({
            key: largeKey(i), value: Buffer.from(`large_value_${i}`), versionId: Buffer.from('v1'),
        }));
        node = await startFakeNode({ entries });
        large = new Store(join(directory, 'large'), node,
            { 'encryption-recipients': keys[0].recipient, 'page-size': 1000 });
        await large.mustRun();
        await mustRun(large.args('run', '--backup-date', NEXT));
        large.settings['memory-limit'] = '64MiB'; // to sort in as little as there can be
    });
    after(() => node?.stop());

    /** Runs a command up to a moment, looks at its open files, kills it, looks at what is left. */
    async function killedAt(t, command, moment) {
        const scratch = workspace(t);
        const child = start([...large.args(...command), ...identityFlag(keys[0])],
            { env: { TMPDIR: scratch } });
        const deadline = Date.now() + 60_000;
        while (child.exitCode === null && !moment(child, scratch)) {
            assert.ok(Date.now() < deadline, 'the moment came');
            assert.deepEqual(readdirSync(scratch), [], 'no file with a name');
            await sleep(1);
        }
        assert.equal(child.exitCode, null, `${child.soFar.stderr} before the moment`);
        child.kill('SIGSTOP');
        const open = openBelow(child.pid, scratch)
            .map((link) => ({ link, bytes: readFileSync(link) }));
        for (const { link, bytes } of open) assertHoldsNone(bytes, link, LARGE_NEEDLES);
        child.kill('SIGKILL');
        await child.done;
        assert.deepEqual(readdirSync(scratch), []);
        assertNothingReadable([large.directory], LARGE_NEEDLES);
        return open.map(({ bytes }) => bytes.length);
    }

    it('is compared with scratch files that nobody can read', async (t) => {
        const sizes = await killedAt(t, ['diff', DATE, NEXT], (child, scratch) =>
            openBelow(child.pid, scratch).some((link) => statSync(link).size > 1 << 20));
        assert.ok(Math.max(...sizes) > 1 << 20, 'something was written there');
        const { code, stderr } = await large.command('diff', DATE, NEXT, ...identityFlag(keys[0]));
        assert.equal(code, 0, stderr);
    });

    it('is restored for a drill in memory only', async (t) => {
        let grown = 0;
        const sizes = await killedAt(t, ['test-restore'], (child) => {
            const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
            grown = Math.max(grown, Number(rss?.[1] ?? 0));
            return grown > 24 * 1024;
        });
        assert.deepEqual(sizes, []);
        const passed = await large.command('test-restore', ...identityFlag(keys[0]));
        assert.equal(passed.code, 0, passed.stderr);
    });

    it('that does not fit into memory could not be checked, and says what to do', async (t) => {
        const many = await startFakeNode({ entries: Array.from({ length: 3000 }, (_, i) => ({
            key: largeKey(i), value: Buffer.alloc(20_000, 'large_value_'),
            versionId: Buffer.from('v1') })) });
        t.after(() => many.stop());
        const full = new Store(join(workspace(t), 'full'), many,
            { 'encryption-recipients': keys[0].recipient, 'page-size': 100 });
        await full.mustRun();
        full.settings['memory-limit'] = '64MiB';
        assertFailed(await full.command('test-restore', ...identityFlag(keys[0])), 7,
            'ResourceError', /in memory.*backup.memory_limit/);
        const { checks: [check] } = await full.json('status');
        assert.equal(check.outcome, 'not_checked');
        assert.equal((await full.command('verify', ...identityFlag(keys[0]))).code, 0);
    });

    it('is exported to what was asked for, 0600, and nowhere else', async (t) => {
        const scratch = workspace(t);
        const output = join(workspace(t), 'out.db');
        const child = start([...large.args('export', '--format', 'sqlite', '--output', output),
            ...identityFlag(keys[0])], { env: { TMPDIR: scratch } });
        let seen = 0;
        while (child.exitCode === null && child.signalCode === null) {
            seen += openBelow(child.pid, scratch).length;
            await sleep(1);
        }
        const { code, stderr } = await child.done;
        assert.equal(code, 0, stderr);
        assert.equal(seen, 0, 'no temporary file beside');
        assert.equal(statSync(output).mode & 0o777, 0o600);
        assert.equal(execFileSync('sqlite3', [output, 'SELECT count(*) FROM entries']).toString(),
            `${LARGE}\n`);
    });
});
