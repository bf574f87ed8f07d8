// SPDX-License-Identifier: Apache-2.0
//
// backup config update on real files: what it leaves, and what it leaves alone.

import assert from 'node:assert/strict';
import {
    chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync,
    symlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startFakeNode } from '../chain/fake.mjs';
import { mustRun, run, workspace } from './harness.mjs';
import { isCompleted, serviceConfig, startService, writeConfig } from './running.mjs';

const TEXT = `# of ours
backup:
  page_size: 100   # keys

  retention_days: 35
contract: {rpc_urls: ["https://rpc.example.org/KEY-OF-OURS"]}
`;

function setUp(t, text = TEXT) {
    const directory = join(workspace(t), 'etc');
    mkdirSync(directory);
    const path = join(directory, 'config.yaml');
    writeFileSync(path, text);
    return { directory, path };
}

const updateAlone = (path, ...args) =>
    run(['backup', 'config', 'update', '--config', path, ...args]);

/** With an audit log of its own, beside the configuration's directory. */
const update = (path, ...args) => run(['backup', 'config', 'update', '--config', path, ...args],
    { env: { SATELLITE_DATABASE_URL: `sqlite://${join(path, '../../satellite.db')}` } });

/** Off a terminal the log, and so the error, is JSON: no flag says so here, it would be written. */
function assertFailed({ code, stdout, stderr }, expectedCode, type, pattern = /./) {
    assert.deepEqual([code, stdout], [expectedCode, ''], stderr);
    const { error_type: actual, error, hint } = JSON.parse(stderr);
    assert.equal(actual, type);
    assert.match(`${error}; ${hint}`, pattern);
}

/** Where a warning comes before it. */
function assertFailedAtLast({ code, stderr }, expectedCode, pattern) {
    assert.equal(code, expectedCode, stderr);
    assert.match(JSON.parse(stderr.trim().split('\n').at(-1)).error, pattern);
}

describe('backup config update', () => {
    it('changes what it is told and nothing else', async (t) => {
        const { path, directory } = setUp(t);
        chmodSync(path, 0o640);
        const { code, stdout, stderr } = await update(path, '--page-size', '20',
            '--chore-interval', '6h', '--log-level', 'warn');
        assert.equal(code, 0, stderr);
        assert.equal(readFileSync(path, 'utf8'), `${TEXT
            .replace('page_size: 100 ', 'page_size: 20 ')
            .replace('35\n', '35\n  chore_interval: "6h"\n')}log:\n  level: "warn"\n`);
        assert.equal(statSync(path).mode & 0o7777, 0o640);
        assert.deepEqual(readdirSync(directory), ['config.yaml']);
        assert.match(stdout, /backup\.page_size changed; a running service takes it over/);
        const show = await mustRun(['backup', 'config', 'show', '--config', path, '--json']);
        assert.equal(JSON.parse(show.stdout)['backup.page_size'].value, '20');
    });

    it('keeps the owner', { skip: process.getuid() !== 0 && 'needs root' }, async (t) => {
        const { path } = setUp(t);
        chownSync(path, 1234, 2345);
        assert.equal((await update(path, '--page-size', '20')).code, 0);
        const { uid, gid } = statSync(path);
        assert.deepEqual([uid, gid], [1234, 2345]);
    });

    it('leaves an unchanged file alone, and one that would be invalid', async (t) => {
        const { path } = setUp(t);
        const before = statSync(path);
        const same = await update(path, '--page-size', '100', '--json');
        assert.deepEqual(JSON.parse(same.stdout),
            { updated: false, file: path, settings: ['backup.page_size'] });
        for (const [args, pattern] of [
            [['--page-size', '0'], /--page-size: backup\.page_size: '0' is out of bounds/],
            [['--page-size', '7', '--validation', 'odd'], /--validation: .*not a choice/],
            [['--contract-rpc-urls', 'file:relative'], /not an absolute path/],
        ]) assertFailed(await update(path, ...args), 3, 'ValidationError', pattern);
        assertFailed(await update(path), 2, 'UsageError', /nothing to change/);
        const after = statSync(path);
        assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
        assert.equal(readFileSync(path, 'utf8'), TEXT);
        assertFailed(await update(`${path}.not-there`, '--page-size', '7'), 5, 'FileSystemError',
            /config init/);
    });

    it('writes nothing that would keep everybody out, or the service from starting', async (t) => {
        const { path, directory } = setUp(t);
        const refuse = async (flag, value, pattern) => {
            const before = readFileSync(path, 'utf8');
            assertFailed(await update(path, flag, value), 3, 'ValidationError', pattern);
            assert.equal(readFileSync(path, 'utf8'), before);
        };
        const locked = async () => {
            await refuse('--access-bindings', 'user:bob', /access\.bindings: entry 1, 'user:bob'/);
            await refuse('--database-url', 'postgres://bob@db/x', /PostgreSQL is not supported/);
            await refuse('--database-url', 'sqlite:///x.db?mode=ro', /mean something else/);
        };
        await locked(); // a file that is not finished yet
        writeConfig(path, { ...serviceConfig(directory, {
            url: 'http://127.0.0.1:1', address: '0x00000000000000000000000000000000000fa4e0' }) });
        await locked();
        await refuse('--contract-address', '0x1', /contract\.address/);
        await refuse('--encryption-recipients', `age1${'q'.repeat(58)}`, /encryption\.recipients/);
        await refuse('--identity-trusted', 'nobody', /identity\.trusted/);
        await refuse('--contract-quorum', '2', /contract\.quorum/);
        await refuse('--identity-cert-path', '/nowhere', /identity\.key_path is not/);
    });

    it('mends a file that is not valid', async (t) => {
        const database = { url: `sqlite://${join(workspace(t), 'satellite.db')}` };
        for (const [sections, args] of [
            [{ backup: { page_size: 0 } }, ['--page-size', '7']],
            [{ access: { bindings: ['user:bob'] } }, ['--access-bindings', 'user:bob=viewer']],
            [{ database: { url: 'postgres://bob@db/x' } }, ['--database-url', database.url]],
            [{ contract: { rpc_urls: 'file:/nowhere/urls' } }, ['--contract-rpc-urls', 'http://x']],
        ]) {
            const { path } = setUp(t);
            writeConfig(path, { database, ...sections });
            const show = () => run(['backup', 'config', 'show', '--config', path]);
            assert.notEqual((await show()).code, 0, args[0]);
            const { code, stderr } = await updateAlone(path, ...args);
            assert.equal(code, 0, stderr);
            const [line] = stderr.trim().split('\n').map((text) => JSON.parse(text));
            assert.match(line.msg, /Configuration not valid, its owner may mend it/);
            assert.ok(line.error.length > 0);
            const shown = await show();
            assert.equal(shown.code, 0, shown.stderr);
            assert.equal((await updateAlone(path, '--page-size', '8')).stderr, ''); // as ever
        }
        const { path } = setUp(t, 'backup: {page_size: 0');
        assertFailedAtLast(await updateAlone(path, '--page-size', '7'), 3, /not valid YAML/);
    });

    it('never repeats a secret', async (t) => {
        const { path, directory } = setUp(t);
        const secret = join(directory, 'urls');
        writeFileSync(secret, 'https://rpc.example.org/SECRET1\n');
        for (const args of [
            ['--contract-rpc-urls', 'https://a.example/SECRET2,https://b.example/SECRET3'],
            ['--notify-webhook-secret', 'SECRET4'],
            ['--contract-rpc-urls', `file:${secret}`],
        ]) {
            for (const json of [[], ['--json']]) {
                const { code, stdout, stderr } = await update(path, ...args, ...json);
                assert.equal(code, 0, stderr);
                assert.doesNotMatch(stdout + stderr, /SECRET|KEY-OF-OURS/);
            }
        }
        assert.match(readFileSync(path, 'utf8'), /rpc_urls: \["file:\/.*urls"\]/);
        const { stdout } = await mustRun(['backup', 'config', 'show', '--config', path]);
        assert.match(stdout, /https:\/\/rpc\.example\.org\/\*\*\*/);
        const failed = await update(path, '--contract-rpc-urls', 'ftp://SECRET5');
        assertFailed(failed, 3, 'ValidationError');
        assert.doesNotMatch(failed.stderr, /SECRET/);
    });

    it('replaces the file that a link points to, and leaves the link', async (t) => {
        const { path, directory } = setUp(t);
        mkdirSync(join(directory, 'real'));
        const real = join(directory, 'real', 'config.yaml');
        renameSync(path, real);
        symlinkSync('real/config.yaml', path);
        assert.equal((await update(path, '--page-size', '20')).code, 0);
        assert.ok(lstatSync(path).isSymbolicLink());
        assert.match(readFileSync(real, 'utf8'), /page_size: 20/);
        assert.deepEqual(readdirSync(directory).sort(), ['config.yaml', 'real']);
    });

    it('refuses a Kubernetes mount, whose next update would undo it', async (t) => {
        const { path, directory } = setUp(t);
        mkdirSync(join(directory, '..2026_11_25'));
        renameSync(path, join(directory, '..2026_11_25', 'config.yaml'));
        symlinkSync('..2026_11_25', join(directory, '..data'));
        symlinkSync('..data/config.yaml', path);
        assertFailed(await update(path, '--page-size', '20'), 3, 'ValidationError', /ConfigMap/);
        assert.equal(readFileSync(path, 'utf8'), TEXT);
    });

    it('loses none of several updates at once', async (t) => {
        const { path, directory } = setUp(t);
        const settings = ['--page-size', '--retention-days', '--retry-attempts',
            '--worker-concurrency', '--max-concurrent-pages', '--retention-min-backups'];
        const results = await Promise.all(settings.map((flag, i) => update(path, flag, `${i + 2}`)));
        for (const { code, stderr } of results) assert.equal(code, 0, stderr);
        const text = readFileSync(path, 'utf8');
        settings.forEach((flag, i) => assert.ok(
            text.includes(`  ${flag.slice(2).replaceAll('-', '_')}: ${i + 2}`), `${flag}\n${text}`));
        assert.deepEqual(readdirSync(directory), ['config.yaml']);
    });

    it('takes nothing with which no backup could be made, and nor does config validate', async (t) => {
        const { path, directory } = setUp(t);
        writeConfig(path, serviceConfig(directory, { address: `0x${'0'.repeat(39)}1`,
            url: 'http://127.0.0.1:1' }));
        const before = readFileSync(path, 'utf8');
        await mustRun(['backup', 'config', 'validate', '--config', path]);
        for (const [flag, value, pattern] of [
            ['--group', 'no-such-group', /backup\.group: no group 'no-such-group'/],
            ['--contract-ca-file', '/no/ca.pem', /contract\.ca_file '\/no\/ca\.pem' not opened/],
            ['--notify-ca-file', '/no/ca.pem', /notify\.ca_file '\/no\/ca\.pem' not opened/],
            ['--encryption-identity-file', '/no/key.txt',
                /encryption\.identity_file '\/no\/key\.txt' not opened/]]) {
            assertFailed(await updateAlone(path, flag, value), 3, 'ValidationError', pattern);
            assert.equal(readFileSync(path, 'utf8'), before);
            assertFailed(await run(['backup', 'config', 'validate', '--config', path, flag, value]),
                3, 'ValidationError', pattern);
        }
    });

    it('is taken over by a running service at its next run', async (t) => {
        const node = await startFakeNode({ entries: [] });
        t.after(() => node.stop());
        const { path, directory } = setUp(t);
        writeConfig(path, serviceConfig(directory, node, { backup: { chore_interval: '1s' } }));
        const service = startService(t, path);
        await service.until(isCompleted);
        assert.equal((await update(path, '--page-size', '20')).code, 0);
        await service.until(({ setting }) => setting === 'backup.page_size');
        await service.stop();
    });

    it('fills in a file of config init', async (t) => {
        const directory = join(workspace(t), 'etc');
        const path = join(directory, 'config.yaml');
        await mustRun(['backup', 'config', 'init', path]);
        const lines = readFileSync(path, 'utf8').split('\n').length;
        const { code, stderr } = await update(path, '--contract-rpc-urls', 'http://127.0.0.1:1',
            '--contract-address', '0x00000000000000000000000000000000000fa4e0',
            '--max-concurrent-pages', '20', '--notify-on-failure', '/usr/bin/tell');
        assert.equal(code, 0, stderr);
        assert.equal(readFileSync(path, 'utf8').split('\n').length, lines, 'in their own places');
        await mustRun(['backup', 'config', 'validate', '--config', path]);
    });
});
