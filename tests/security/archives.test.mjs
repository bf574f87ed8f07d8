// SPDX-License-Identifier: Apache-2.0
//
// Archives that somebody else made, first under a forged checksum in the status database, then
// where the database is to be made of them, given to every command that reads one: nothing is written outside, nothing of them is taken for a backup, nothing crashes.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, workspace } from '../integration/harness.mjs';

const MAKE = `
import stat, sys, zipfile
source, target, how = sys.argv[1:4]
good = zipfile.ZipFile(source)
names = good.namelist()
out = zipfile.ZipFile(target, 'w', zipfile.ZIP_DEFLATED)
def put(name, data):
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_STORED if name == 'manifest.json' else zipfile.ZIP_DEFLATED
    out.writestr(info, data)
def link(name, to):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    out.writestr(info, to)
evil = {'up': '../evil', 'absolute': '/tmp/satellite-evil', 'backslash': '..\\\\evil',
        'drive': 'C:evil', 'nul': 'page_0.json\\0evil', 'directory': 'evil/', 'empty': '',
        'long': 'a' * 60000, 'newline': 'page_9.json\\n', 'look-alike': 'pаge_0.json'}
for name in names:
    data = good.read(name)
    if how == 'renamed-up' and name == 'page_0.json':
        put('../page_0.json', data)
    elif how == 'link' and name == 'page_0.json':
        link(name, '/etc/passwd')
    elif how == 'bomb' and name == 'page_0.json':
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with out.open(info, 'w', force_zip64=True) as file:
            for _ in range(64):
                file.write(b'[' + b' ' * 1048575)
    elif how == 'manifest-lies' and name == 'manifest.json':
        put(name, data.replace(b'"page_0.json"', b'"../../evil"'))
    elif how == 'manifest-date' and name == 'manifest.json':
        put(name, data.replace(b'${DATE}', b'../../evil'))
    elif how == 'manifest-huge' and name == 'manifest.json':
        put(name, data.replace(b'{', b'{' + b' ' * (64 << 20), 1))
    elif how == 'no-manifest' and name == 'manifest.json':
        pass
    else:
        put(name, data)
if how in evil:
    put(evil[how], b'evil')
if how == 'duplicate':
    put('page_0.json', b'[]')
if how == 'two-manifests':
    put('manifest.json', good.read('manifest.json'))
if how == 'many':
    for i in range(70000):
        put('x%d' % i, b'')
out.close()
if how == 'cut':
    data = open(target, 'rb').read()
    open(target, 'wb').write(data[:-30])
`;

const KINDS = ['up', 'absolute', 'backslash', 'drive', 'nul', 'directory', 'empty', 'long',
    'newline', 'look-alike', 'renamed-up', 'link', 'bomb', 'manifest-lies', 'manifest-date',
    'manifest-huge', 'no-manifest', 'duplicate', 'two-manifests', 'many', 'cut'];

const COPY = join(tmpdir(), `satellite-no-copy-${process.pid}.zip`);
const READERS = [['verify'], ['copy', DATE, COPY], ['get', 'user_1'], ['export', '--output', '-'],
    ['export', '--output', '-', '--format', 'csv'], ['diff', DATE, DATE], ['test-restore'], ['status', '--pages'],
    ['restore', '--rpc-url', 'http://127.0.0.1:1', '--contract', `0x${'1'.repeat(40)}`,
        '--dry-run']];
const WRITERS = [['run', '--backup-date', DATE], ['retry', '--backup-date', DATE]];

let node, good;
before(async () => {
    node = await startFakeNode({ entries: realisticEntries(150) });
    good = new Store(mkdtempSync(join(tmpdir(), 'satellite-test-')), node);
    await good.mustRun();
});
after(() => {
    rmSync(good.directory, { recursive: true });
    return node?.stop();
});

/** The status database then says that this archive is the one that was written. */
function forgeChecksum(store) {
    const bytes = store.archiveBytes();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    execFileSync('sqlite3', [join(store.directory, 'satellite.db'),
        `UPDATE backup_final_status SET checksum = '${sha256}', file_size = ${bytes.length}`]);
}

async function readAll(store, readers) {
    await Promise.all(readers.map(async ([command, ...more]) => {
        const { code, signal, stderr } = await store.command(command, ...more);
        assert.equal(signal, null, `${command}: ${stderr}`);
        assert.ok(code === 0 || code > 2, `${command}: exit ${code}: ${stderr}`);
        if (['verify', 'copy', 'export', 'test-restore'].includes(command))
            assert.notEqual(code, 0, `${command} took it for a backup`);
    }));
}

describe('a hostile archive:', () => {
    for (const kind of KINDS) {
        it(kind, async (t) => {
            const directory = workspace(t);
            const store = new Store(directory, node);
            cpSync(good.directory, directory, { recursive: true });
            rmSync(store.archivePath());
            execFileSync('python3',
                ['-W', 'ignore', '-c', MAKE, good.archivePath(), store.archivePath(), kind]);
            forgeChecksum(store);
            await readAll(store, READERS);
            for (const writer of WRITERS) await readAll(store, [writer]);
            rmSync(join(directory, 'satellite.db'));
            assert.equal((await store.command('list', '--rescan')).signal, null);
            await readAll(store, READERS.slice(0, 4));
            assert.ok(!existsSync('/tmp/satellite-evil'));
            assert.ok(!existsSync(COPY));
            for (const place of [directory, store.backups, join(directory, '..')])
                assert.deepEqual(readdirSync(place).filter((name) => /evil/.test(name)), []);
        });
    }
});
