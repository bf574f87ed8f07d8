// SPDX-License-Identifier: Apache-2.0
//
// backup export: what it writes is read with other programs (python3's csv and sqlite3 modules,
// JSON.parse) and is, byte for byte, what the contract holds.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bigEntry, oddEntries, realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, assertFailed, assertSameEntries, mustRun, workspace } from './harness.mjs';

const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', "'quoted", '\tTab', '\rReturn', ' blank ',
    'a,b', 'a"b""c', 'line\nbreak', 'line\r\nbreak'].map((text, i) => ({
    key: Buffer.from(text), value: Buffer.from(`${text}, ${i}`), versionId: Buffer.from(text),
}));
const ENTRIES = [...realisticEntries(250), ...oddEntries(), ...FORMULAS, bigEntry(300_000)];
let node;

before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node?.stop());

async function backedUp(t, from = node) {
    const store = new Store(workspace(t), from);
    await store.mustRun();
    return store;
}

async function exported(store, name, ...args) {
    const path = join(store.directory, name);
    await mustRun(store.args('export', '--output', path, ...args));
    return path;
}

/** So that only the pages' own checksums tell, on the way, that the archive is damaged. */
function forgetChecksum(store) {
    execFileSync('sqlite3', [join(store.directory, 'satellite.db'),
        'UPDATE backup_final_status SET checksum = NULL']);
}

/** Runs python that prints a JSON list of [key, value, version_id] in hex. */
function python(script, ...args) {
    const out = execFileSync('python3', ['-c', script, ...args], { maxBuffer: 1 << 28 });
    return JSON.parse(out).map((row) => {
        const [key, value, versionId] = row.map((hex) => Buffer.from(hex, 'hex'));
        return { key, value, versionId };
    });
}

const READ_CSV = `
import base64, csv, json, sys
csv.field_size_limit(1 << 30)
rows = []
with open(sys.argv[1], encoding='utf-8', newline='') as file:
    for row in csv.DictReader(file, strict=True):
        marked = row['base64'].split()
        rows.append([(base64.b64decode(row[name], validate=True) if name in marked
                      else row[name].encode()).hex() for name in ('key', 'value', 'version_id')])
json.dump(rows, sys.stdout)`;

const READ_SQLITE = `
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
def raw(value):
    return (value if isinstance(value, bytes) else value.encode()).hex()
rows = connection.execute('SELECT key, value, version_id FROM entries ORDER BY position')
json.dump([[raw(value) for value in row] for row in rows], sys.stdout)`;

function readNdjson(text) {
    const lines = text.split('\n');
    assert.equal(lines.pop(), '', 'a newline ends the last line');
    return lines.map((line) => {
        const entry = JSON.parse(line);
        const bytes = (name) => Buffer.from(entry[name],
            entry.base64?.includes(name) ? 'base64' : 'utf8');
        return { key: bytes('key'), value: bytes('value'), versionId: bytes('version_id') };
    });
}

describe('ndjson', () => {
    it('holds every entry, one a line', async (t) => {
        const store = await backedUp(t);
        const path = await exported(store, 'out.ndjson', '--format', 'ndjson');
        assertSameEntries(readNdjson(readFileSync(path, 'utf8')), ENTRIES);
    });

    it('is the default, and - is standard output', async (t) => {
        const store = await backedUp(t);
        const { stdout, stderr } = await mustRun(store.args('export', '--output', '-'));
        assertSameEntries(readNdjson(stdout), ENTRIES);
        assert.equal(stderr, '');
    });

    it('of an empty contract is empty', async (t) => {
        const none = await startFakeNode({ entries: [] });
        t.after(() => none.stop());
        const store = await backedUp(t, none);
        assert.equal((await mustRun(store.args('export', '--output', '-'))).stdout, '');
    });
});

describe('csv', () => {
    it('is read back by python to the same bytes', async (t) => {
        const path = await exported(await backedUp(t), 'out.csv', '--format', 'csv');
        assertSameEntries(python(READ_CSV, path), ENTRIES);
        assert.ok(readFileSync(path, 'utf8').startsWith('key,value,version_id,base64\r\n'));
    });

    it('--escape-formulas: no field begins as a formula, and an apostrophe less is the entry',
        async (t) => {
            const path = await exported(await backedUp(t), 'out.csv', '--format', 'csv',
                '--escape-formulas');
            const rows = python(READ_CSV, path);
            const fields = (entry) => [entry.key, entry.value, entry.versionId];
            const isUtf8 = (bytes) => Buffer.from(bytes.toString()).equals(bytes);
            for (const bytes of rows.flatMap(fields)) {
                if (isUtf8(bytes)) assert.doesNotMatch(bytes.toString(), /^[=+\-@\t\r]/);
            }
            const plain = (bytes) => (bytes[0] === 0x27 ? bytes.subarray(1) : bytes);
            assertSameEntries(rows.map((entry) => ({
                key: plain(entry.key),
                value: plain(entry.value),
                versionId: plain(entry.versionId),
            })), ENTRIES);
        });
});

describe('sqlite', () => {
    it('is read back by python to the same bytes', async (t) => {
        const path = await exported(await backedUp(t), 'out.db', '--format', 'sqlite');
        assertSameEntries(python(READ_SQLITE, path), ENTRIES);
    });

    it('finds a key by an index, and says what backup it is', async (t) => {
        const store = await backedUp(t);
        const path = await exported(store, 'out.db', '--format', 'sqlite');
        const out = execFileSync('python3', ['-c', `
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
plan = connection.execute('EXPLAIN QUERY PLAN SELECT value FROM entries WHERE key = ?', ('x',))
kinds = 'SELECT typeof(value), count(*) FROM entries GROUP BY 1 ORDER BY 1'
json.dump({'plan': plan.fetchone()[3], 'kinds': dict(connection.execute(kinds)),
           'value': connection.execute('SELECT value FROM entries WHERE key = ?',
                                       (sys.argv[2],)).fetchone()[0],
           'backup': dict(connection.execute('SELECT name, value FROM backup'))}, sys.stdout)`,
        path, ENTRIES[7].key.toString()]);
        const { plan, value, backup, kinds } = JSON.parse(out);
        const isText = (bytes) => !bytes.includes(0) && Buffer.from(bytes.toString()).equals(bytes);
        const texts = ENTRIES.filter((entry) => isText(entry.value)).length;
        assert.deepEqual(kinds, { blob: ENTRIES.length - texts, text: texts });
        assert.match(plan, /USING INDEX entries_key/);
        assert.equal(value, ENTRIES[7].value.toString());
        const manifest = store.manifest();
        for (const name of ['backup_date', 'chain_id', 'contract_address', 'block_number',
            'block_hash', 'total_keys', 'pages_sha256']) {
            assert.equal(backup[name], manifest[name], name);
        }
    });

    it('is not for standard output', async (t) => {
        const store = await backedUp(t);
        assertFailed(await store.command('export', '--format', 'sqlite', '--output', '-'), 2,
            'UsageError', /needs a file/);
    });
});

describe('the output', () => {
    it('is reported with --json, private, and replaced as a whole', async (t) => {
        const store = await backedUp(t);
        const path = join(store.directory, 'out.csv');
        writeFileSync(path, 'old');
        const report = await store.json('export', '--format', 'csv', '--output', path);
        assert.deepEqual({ ...report, duration_ms: undefined }, {
            backup_date: DATE, format: 'csv', output: path, keys: ENTRIES.length,
            duration_ms: undefined,
        });
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assertSameEntries(python(READ_CSV, path), ENTRIES);
    });

    it('is left as it was, and nothing beside it, where the backup is damaged', async (t) => {
        const store = await backedUp(t);
        const bytes = store.archiveBytes();
        bytes[Math.floor(bytes.length / 3)] ^= 1;
        writeFileSync(store.archivePath(), bytes);
        forgetChecksum(store);
        const directory = join(store.directory, 'out');
        mkdirSync(directory);
        for (const format of ['ndjson', 'csv', 'sqlite']) {
            writeFileSync(join(directory, 'file'), 'old');
            assertFailed(await store.command('export', '--format', format, '--output',
                join(directory, 'file')), 8, 'IntegrityError', /page_\d\.json/);
            assert.deepEqual(readdirSync(directory), ['file'], format);
            assert.equal(readFileSync(join(directory, 'file'), 'utf8'), 'old');
        }
    });

    it('is private, whatever lies where it is made', async (t) => {
        const store = await backedUp(t);
        const directory = join(store.directory, 'out');
        mkdirSync(directory);
        writeFileSync(join(directory, '.out.csv.tmp'), 'another one', { mode: 0o666 });
        const path = await exported(store, 'out/out.csv', '--format', 'csv');
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.equal(readFileSync(join(directory, '.out.csv.tmp'), 'utf8'), 'another one');
        assert.deepEqual(readdirSync(directory), ['.out.csv.tmp', 'out.csv']);
    });

    it('may have as long a name as a file can have', async (t) => {
        const store = await backedUp(t);
        for (const format of ['ndjson', 'sqlite'])
            await exported(store, format[0].repeat(255), '--format', format);
        assertFailed(await store.command('export', '--output',
            join(store.directory, 'x'.repeat(256))), 3, 'ValidationError', /name too long/);
    });

    it('must be a file, in a directory that is there', async (t) => {
        const store = await backedUp(t);
        const link = join(store.directory, 'link');
        symlinkSync('/dev/null', link);
        for (const path of ['/dev/null', store.directory, link]) {
            assertFailed(await store.command('export', '--output', path), 3, 'ValidationError',
                /no regular file/);
        }
        assertFailed(await store.command('export', '--output', join(store.directory, 'no/file')),
            11, 'NotFoundError');
        assertFailed(await store.command('export'), 2, 'UsageError', /--output FILE is missing/);
        assertFailed(await store.command('export', '--format', 'xml', '--output', '-'), 2,
            'UsageError', /none of ndjson, csv, sqlite/);
    });
});
