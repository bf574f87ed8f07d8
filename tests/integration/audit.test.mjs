// SPDX-License-Identifier: Apache-2.0
//
// The audit log: what stands in it, what does not, and what `audit verify` finds. The chain and its
// signatures are checked by other means too: those that docs/access.md names.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
    closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { silentPages, startFakeNode } from '../chain/fake.mjs';
import {
    assertFailed, DATE, mustRun, run, start, Store, whileRunning, workspace,
} from './harness.mjs';

const ENTRIES = realisticEntries(5);
const GENESIS = '0'.repeat(64);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

let node;
before(async () => { node = await startFakeNode({ entries: ENTRIES }); });
after(() => node.stop());

function newStore(t, settings) {
    const store = new Store(workspace(t), node, settings);
    store.audit = settings?.['audit-path'] ?? join(store.directory, 'audit.log');
    return store;
}

const rawLines = (store) => readFileSync(store.audit, 'utf8').trimEnd().split('\n');
const lines = (store) => rawLines(store).map((line) => JSON.parse(line));
const verify = (store, ...more) => store.command('audit', 'verify', ...more);

async function listed(store, ...filters) {
    const { stdout } = await mustRun(store.args('audit', 'list', '--json', ...filters));
    return stdout.trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** The service, until it has made a backup; resolves to what it has logged. */
async function serveOnce(store) {
    const args = store.args('run').slice(2);
    args.splice(args.indexOf('--progress'), 2);
    const service = start(['run', 'backup', ...args, '--log-format', 'json', '--log-level', 'info']);
    await whileRunning(service, new Promise((resolve) => {
        service.stderr.on('data', () => {
            if (service.soFar.stderr.includes('Backup operation completed')) resolve();
        });
    }));
    service.kill('SIGTERM');
    const { code, stderr } = await service.done;
    assert.equal(code, 0, stderr);
    return stderr.trimEnd().split('\n').map((line) => JSON.parse(line));
}

describe('the audit log', () => {
    it('has a changed configuration: what was set, but no secret', async (t) => {
        const directory = workspace(t), config = join(directory, 'my.yaml');
        await mustRun(['backup', 'config', 'init', config, '--contract-address', node.address,
            '--contract-rpc-urls', node.url, '--backup-dir', join(directory, 'backups'),
            '--database-url', `sqlite://${join(directory, 'satellite.db')}`]);
        await mustRun(['backup', 'config', 'update', '--config', config, '--page-size', '7',
            '--notify-webhook-secret', 'hush-hush', '--contract-rpc-urls', 'https://u:pass@x.example/key']);
        const text = readFileSync(join(directory, 'audit.log'), 'utf8');
        const [begun, ended] = text.trim().split('\n').map((line) => JSON.parse(line));
        assert.equal(begun.operation, 'config_update');
        assert.deepEqual(begun.arguments,
            ['--page-size=7', '--notify-webhook-secret=***', '--contract-rpc-urls=***']);
        assert.equal(ended.result, 'OK');
        assert.doesNotMatch(text, /hush|pass|key/);
    });

    it('has no private key that was given in the place of a recipient', async (t) => {
        const store = newStore(t);
        const secret = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
        await store.mustRun();
        for (const args of [store.args('run', '--encryption-recipients', secret),
            store.args('export', '--output', join(store.directory, secret))])
            assert.doesNotMatch((await run(args)).stderr, /QQQQ/);
        const { stderr } = await run(['backup', 'config', 'update', '--encryption-recipients', secret]);
        assert.doesNotMatch(stderr, /QQQQ/);
        assert.doesNotMatch(readFileSync(store.audit, 'utf8'), /QQQQ/);
    });

    it('has every operation, in a chain that sha256sum can follow', async (t) => {
        const store = newStore(t);
        assert.equal((await store.command('list')).code, 0);
        assert.ok(!existsSync(store.audit), 'reading where nothing is leaves nothing');
        await store.mustRun();
        await store.json('list');
        await store.command('get', 'no such key');
        assert.equal(statSync(store.audit).mode & 0o777, 0o600);
        assert.deepEqual(lines(store).map(({ seq, operation, result, started }) =>
            [seq, operation, result, started]), [
            [1, 'backup_run', 'started', undefined], [2, 'backup_run', 'OK', 1],
            [3, 'backup_list', 'OK', undefined], [4, 'backup_get', 'NotFoundError', undefined],
        ]);
        assert.ok(lines(store).every(({ caller, role }) =>
            /^(user|uid):/.test(caller) && role === 'admin'));
        assert.ok(lines(store)[0].arguments.includes(`--backup-date=${DATE}`));
        let prev = GENESIS;
        for (const line of rawLines(store)) {
            assert.equal(JSON.parse(line).prev, prev);
            prev = JSON.parse(line).hash;
            assert.equal(sha256(line.slice(0, line.lastIndexOf(',"hash":'))), prev);
        }
    });

    it('keeps no secret and no key of the contract', async (t) => {
        const store = newStore(t);
        const secrets = ['--contract-rpc-urls',
            `${node.url.replace('://', '://user:SECRET1@')}/v3/SECRET2?key=SECRET3,http://127.0.0.1:1/SECRET4`];
        await run(store.args('run', '--backup-date', DATE, ...secrets));
        await run(store.args('restore', '--rpc-url', 'http://u:SECRET5@127.0.0.1:1/SECRET6',
            '--contract', node.address, '--dry-run'));
        await run(store.args('get', 'SECRET7', '--log-file', join(store.directory, 'log')));
        const text = readFileSync(store.audit, 'utf8');
        assert.equal(lines(store).length, 4);
        assert.doesNotMatch(text, /SECRET/);
        assert.match(text, /--contract-rpc-urls=http:\/\/127\.0\.0\.1:\d+\/\*\*\*,/);
        assert.match(text, /--rpc-url=http:\/\/127\.0\.0\.1:1\/\*\*\*/);
        assert.ok(text.includes(`sha256:${sha256('SECRET7')}`));
    });

    it('shows a run that was killed as begun and not ended', async (t) => {
        const { held, methods } = silentPages();
        const slow = await startFakeNode({ entries: ENTRIES, methods });
        t.after(() => slow.stop());
        const store = newStore(t);
        const child = start(new Store(store.directory, slow).args('run', '--backup-date', DATE));
        await whileRunning(child, held);
        child.kill('SIGKILL');
        await child.done;
        assert.deepEqual(lines(store).map((line) => line.result), ['started']);
        assert.equal((await verify(store)).code, 0);
    });

    it('is listed, by filters', async (t) => {
        const store = newStore(t);
        await store.mustRun();
        await store.json('list');
        const me = lines(store)[0].caller;
        assert.deepEqual((await listed(store)).map((line) => line.seq), [1, 2, 3]);
        const seqs = async (...filters) => (await listed(store, ...filters)).map(({ seq }) => seq);
        assert.deepEqual(await seqs('--operation', 'backup_run'), [1, 2]);
        assert.deepEqual(await seqs('--result', 'started'), [1]);
        assert.deepEqual(await seqs('--operation', 'backup_run', '--limit', '1'), [2]);
        assert.deepEqual(await seqs('--caller', 'user:nobody-at-all'), []);
        assert.deepEqual((await seqs('--caller', me, '--limit', '3')).length, 3);
        assert.deepEqual(await seqs('--until', '2024-01-15'), []);
        assert.deepEqual((await seqs('--since', '1h', '--operation', 'backup_run')), [1, 2]);
        const { ts } = lines(store)[2];
        assert.equal((await seqs('--since', ts))[0], 3);
        assert.deepEqual(await seqs('--until', ts), [1, 2]);
        const { stdout } = await mustRun(store.args('audit', 'list', '--limit', '2'));
        assert.match(stdout, /^ *SEQ TIME .*\n.*audit_list .*OK/);
        for (const [filter, value] of [['--since', 'soon'], ['--limit', '0'],
            ['--operation', 'backup_rum']])
            assertFailed(await store.command('audit', 'list', filter, value), 2, 'UsageError');
    });
});

describe('audit verify', () => {
    async function logOf(t, settings) {
        const store = newStore(t, settings);
        await store.mustRun();
        for (let i = 0; i < 3; i++) await store.json('list');
        return store;
    }

    it('finds what was changed, says where, and ends with 8', async (t) => {
        const store = await logOf(t);
        const whole = rawLines(store);
        assert.equal((await verify(store)).code, 0);
        for (const [change, pattern] of [
            [(all) => all.with(1, all[1].replace('"OK"', '"ok"')), /line 2: it was changed/],
            [(all) => all.toSpliced(2, 1), /line 3: the line with seq 3 is missing/],
            [(all) => all.with(2, all[3]).with(3, all[2]), /line 3: .*missing/],
        ]) {
            writeFileSync(store.audit, `${change(whole).join('\n')}\n`);
            const { code, stdout, stderr } = await verify(store);
            assert.equal(code, 8);
            assert.match(stderr, /^satellite: IntegrityError: audit log /);
            assert.match(stderr, pattern);
            assert.match(stdout, /BROKEN/);
            const json = await verify(store, '--json');
            assert.equal(json.code, 8);
            assert.equal(JSON.parse(json.stdout).valid, false);
            assert.ok(JSON.parse(json.stdout).findings[0].broken);
        }
    });

    it('goes over a line that a crash tore', async (t) => {
        const store = await logOf(t);
        writeFileSync(store.audit, readFileSync(store.audit, 'utf8').slice(0, -30));
        await store.json('list');
        const { stdout } = await mustRun(store.args('audit', 'verify', '--json'));
        const { torn, valid, findings } = JSON.parse(stdout);
        assert.deepEqual([torn, valid, findings[0].line], [1, true, 5]);
    });

    it('says what it is worth without a signed head', async (t) => {
        const store = await logOf(t);
        assert.match((await verify(store)).stdout, /not a determined forger/);
        assertFailed(await run(new Store(workspace(t), node).args('audit', 'verify')), 11,
            'NotFoundError', /no audit log/);
    });
});

describe('the service', () => {
    async function withIdentity(t) {
        const directory = join(workspace(t), 'identity');
        await mustRun(['identity', 'create', '--output-dir', directory]);
        return newStore(t, { 'identity-cert-path': join(directory, 'identity.cert'),
            'identity-key-path': join(directory, 'identity.key') });
    }

    it('audits what it does by itself, and signs its end, as openssl agrees', async (t) => {
        const store = await withIdentity(t);
        const log = await serveOnce(store);
        const all = lines(store);
        assert.deepEqual(all.slice(0, 3).map(({ caller, operation, result }) =>
            [caller === 'service', operation, result]), [
            [false, 'run_backup', 'started'], [true, 'backup_run', 'started'],
            [true, 'backup_run', 'OK'],
        ]);
        assert.match(all[1].arguments[0], /^--backup-date=\d{4}-/);
        const head = all.at(-1);
        assert.equal(head.head, head.seq - 1);
        const logged = log.filter((line) => line.msg === 'Audit log head').at(-1);
        assert.deepEqual([logged.level, logged.seq, logged.hash, logged.signed],
            ['info', head.seq, head.hash, true]);

        const file = (name) => join(store.directory, name);
        writeFileSync(file('head'), `satellite audit head 1\n${head.head}\n${head.prev}\n`);
        writeFileSync(file('head.sig'), Buffer.from(head.signature, 'base64'));
        writeFileSync(file('head.cert'), head.certificates);
        writeFileSync(file('head.pub'), execFileSync('openssl', ['x509', '-in', file('head.cert'),
            '-noout', '-pubkey']));
        assert.match(String(execFileSync('openssl', ['dgst', '-sha256', '-verify', file('head.pub'),
            '-signature', file('head.sig'), file('head')])), /Verified OK/);

        const { stdout } = await mustRun(store.args('audit', 'verify', '--json'));
        assert.equal(JSON.parse(stdout).signed_until, head.seq);
    });

    it('leaves a head that finds a cut at the end', async (t) => {
        const store = await withIdentity(t);
        const log = await serveOnce(store);
        const { hash } = log.filter((line) => line.msg === 'Audit log head').at(-1);
        assert.equal((await verify(store, '--head', hash)).code, 0);
        const kept = join(store.directory, 'kept.json');
        writeFileSync(kept, `${rawLines(store).find((line) => line.includes(hash))}\n`);
        assert.equal((await verify(store, '--head', kept)).code, 0);
        const cut = `${rawLines(store).slice(0, 3).join('\n')}\n`;
        writeFileSync(store.audit, cut);
        assert.match((await verify(store)).stderr, /the log is cut: it ends with seq 3/);
        const healed = await verify(store); // that it was verified is a line of its own
        assert.match(healed.stderr, /line 4: lines with seq 4 to \d+ are missing/);
        writeFileSync(store.audit, cut);
        writeFileSync(`${store.audit}.head`, ''); // who cuts it can do that as well
        assert.equal((await verify(store)).code, 0);
        const { code, stderr } = await verify(store, '--head', kept);
        assert.equal(code, 8, stderr);
        assert.match(stderr, /the head that was given is not in the log/);
        assertFailed(await verify(store, '--head', 'nowhere'), 2, 'UsageError', /neither a hash/);
    });
});

describe('an audit log that cannot be written', () => {
    /** Fills a directory's disk to the last byte. */
    function fill(directory) {
        const fd = openSync(join(directory, 'filler'), 'w');
        for (let size = 65536; size >= 1;) {
            try {
                writeSync(fd, Buffer.alloc(size));
            } catch (error) {
                assert.equal(error.code, 'ENOSPC');
                size = Math.floor(size / 2);
            }
        }
        closeSync(fd);
    }

    it('refuses what changes something, and only warns where it reads', async (t) => {
        const store = newStore(t);
        await store.mustRun();
        const blocked = new Store(store.directory, node,
            { 'audit-path': join(store.directory, 'satellite.db', 'audit.log'), 'log-level': 'warn' });
        assertFailed(await blocked.command('hold', DATE), 5, 'FileSystemError',
            /backup_hold is refused, for it would not be audited: .*make .* writable/);
        assert.equal((await store.json('list'))[0].held, false);
        const { code, stdout, stderr } = await blocked.command('list');
        assert.equal(code, 0);
        assert.match(stdout, new RegExp(DATE));
        assert.match(stderr, /backup_list is not in the audit log/);
    });

    it('on a full disk goes on in what is reserved, then the service without it', async (t) => {
        const directory = join(workspace(t), 'small');
        mkdirSync(directory);
        try {
            execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', directory],
                { stdio: 'ignore' });
        } catch {
            return t.skip('no right to mount a tmpfs');
        }
        try {
            await onFullDisk(t, directory);
        } finally {
            execFileSync('umount', ['-l', directory]);
        }
    });

    async function onFullDisk(t, directory) {
        const store = newStore(t, { 'audit-path': join(directory, 'audit.log'),
            'log-level': 'warn' });
        await store.mustRun();
        fill(directory);
        assert.throws(() => writeFileSync(join(directory, 'more'), 'x'), /ENOSPC/);
        const hold = await store.command('hold', DATE);
        assert.equal(hold.code, 0, hold.stderr);
        const filled = statSync(store.audit).size;

        const wide = Array(14).fill(['--access-bindings',
            Array(40).fill('uid:1234567=viewer').join(',')]).flat();
        let last;
        for (let i = 0; i < 20 && !last?.stderr; i++) last = await store.command('list', ...wide);
        assert.match(last.stderr, /backup_list is not in the audit log: .*No space left/);
        const more = statSync(store.audit).size - filled;
        assert.ok(more > 16384, `only ${more} bytes were reserved`);
        assert.equal(last.code, 0);
        for (let i = 0; i < 100; i++) // and the rest, in smaller lines
            if ((await store.command('list')).stderr) break;
        const { code, stderr } = await store.command('release', DATE);
        assert.equal(code, 5, stderr);
        assert.match(stderr, /backup_release is refused, for it would not be audited/);

        const log = await serveOnce(store);
        const dates = log.filter(({ msg }) => msg === 'Backup operation completed');
        assert.equal(dates.length, 1);
        assert.ok(log.some(({ msg, error }) =>
            msg === 'Audit log' && /^backup_run is not in the audit log/.test(error)));
        assert.equal((await verify(store)).code, 0);
    }
});
