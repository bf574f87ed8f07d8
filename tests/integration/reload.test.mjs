// SPDX-License-Identifier: Apache-2.0
//
// The service while it runs: settings that change, its log file, what its service manager is told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnChild } from '../chain/children.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, silentPages, startFakeNode } from '../chain/fake.mjs';
import { mustRun, program, start, Store, workspace } from './harness.mjs';
import { ask } from './web.mjs';
import {
    isCompleted, serviceConfig, startManager, startService, writeConfig,
} from './running.mjs';

const ENTRIES = realisticEntries(30);

async function setUp(t, more = {}, options = {}) {
    const node = await startFakeNode({ entries: ENTRIES, ...options.node });
    t.after(() => node.stop());
    const directory = workspace(t);
    const config = join(directory, 'config.yaml');
    const sections = serviceConfig(directory, node, more);
    writeConfig(config, sections);
    return {
        node, directory, config, sections,
        change(changes) {
            for (const [section, settings] of Object.entries(changes))
                sections[section] = { ...sections[section], ...settings };
            writeConfig(config, sections);
        },
    };
}

function pageSize(directory, date) {
    const archive = join(directory, 'backups', date, `backup_${date}.zip`);
    return JSON.parse(execFileSync('unzip', ['-p', archive, 'manifest.json'])).page_size;
}

describe('settings that change while the service runs', () => {
    it('are taken over on SIGHUP, those that may be', async (t) => {
        const made = await setUp(t);
        const service = startService(t, made.config);
        await service.until(isCompleted);
        made.change({
            backup: { chore_interval: '2s', page_size: 7, backup_dir: '/elsewhere' },
            log: { level: 'debug' },
        });
        service.child.kill('SIGHUP');
        const done = await service.count(2, isCompleted);
        const changed = service.log.all.filter(({ msg }) => msg === 'Setting changed');
        assert.deepEqual(changed.map(({ setting }) => setting).slice(0, 3),
            ['backup.page_size', 'backup.chore_interval', 'log.level']);
        const fixed = service.log.all.filter(({ msg }) => /needs a restart/.test(msg));
        assert.deepEqual([fixed[0].setting, fixed[0].level], ['backup.backup_dir', 'warn']);
        assert.equal(pageSize(made.directory, done.at(-1).backup_date), 7);
        await service.until(({ level }) => level === 'debug');
        await service.stop();
    });

    it('may be the identity that signs', async (t) => {
        const made = await setUp(t);
        const directory = join(made.directory, 'identity');
        await mustRun(['identity', 'create', '--output-dir', directory]);
        const signed = ({ backup_date: date }) => execFileSync('unzip', ['-Z1',
            join(made.directory, 'backups', date, `backup_${date}.zip`)], { encoding: 'utf8' })
            .includes('manifest.sig');
        const service = startService(t, made.config);
        const [first] = await service.count(1, isCompleted);
        const identity = { cert_path: join(directory, 'identity.cert'),
            key_path: join(directory, 'identity.key') };
        made.change({ identity, backup: { chore_interval: '2s' } });
        service.child.kill('SIGHUP');
        const done = await service.count(2, isCompleted);
        assert.deepEqual([signed(first), signed(done[1])], [false, true]);
        await service.stop(); // the audit log's head is signed by it, too
        const head = service.log.all.findLast(({ msg }) => msg === 'Audit log head');
        assert.equal(head.signed, true);
    });

    it('are noticed at the next run without a signal', async (t) => {
        const made = await setUp(t, { backup: { chore_interval: '1s' } });
        const service = startService(t, made.config);
        const [first] = await service.count(1, isCompleted);
        assert.equal(pageSize(made.directory, first.backup_date), 100);
        made.change({ backup: { page_size: 9 } });
        await service.until(({ setting }) => setting === 'backup.page_size');
        const after = service.log.all.length;
        await service.until((line) => isCompleted(line) && service.log.all.indexOf(line) >= after);
        const last = service.log.all.findLast(isCompleted);
        assert.equal(pageSize(made.directory, last.backup_date), 9);
        await service.stop();
    });

    it('stay as they are where the new ones are invalid', async (t) => {
        const made = await setUp(t);
        const service = startService(t, made.config);
        await service.until(isCompleted);
        for (const [i, [text, pattern]] of [
            ['backup: {page_size: 0}', /page_size/],
            ['backup: {page_size: "', /not valid YAML/],
            [null, /not opened/],
        ].entries()) {
            if (text === null) rmSync(made.config);
            else writeFileSync(made.config, text);
            service.child.kill('SIGHUP');
            const lines = await service.count(i + 1, ({ msg }) => /not taken over/.test(msg));
            assert.equal(lines[i].level, 'error');
            assert.match(lines[i].error, pattern);
        }
        made.change({ contract: { block: 90 } }); // every backup would be the same
        service.child.kill('SIGHUP');
        const lines = await service.count(4, ({ msg }) => /not taken over/.test(msg));
        assert.match(lines[3].error, /contract\.block/);
        made.change({ contract: { block: 'auto' }, backup: { group: 'no-such-group' } });
        service.child.kill('SIGHUP');
        assert.match((await service.count(5, ({ msg }) => /not taken over/.test(msg)))[4].error,
            /backup\.group: no group/);
        assert.equal(service.log.all.filter(({ msg }) => msg === 'Setting changed').length, 0);
        made.change({ backup: { group: '', chore_interval: '2s' } });
        service.child.kill('SIGHUP');
        await service.count(2, isCompleted); // and it goes on
        await service.stop();
    });

    it('are overruled by flags and environment, as at the start', async (t) => {
        const made = await setUp(t, { backup: { page_size: 10, retry_attempts: 2 } });
        const service = startService(t, made.config,
            { args: ['--page-size', '11'], env: { BACKUP_RETRY_ATTEMPTS: '3' } });
        await service.until(isCompleted);
        made.change({ backup: { page_size: 12, retry_attempts: 4, chore_interval: '2s' } });
        service.child.kill('SIGHUP');
        const done = await service.count(2, isCompleted);
        assert.equal(pageSize(made.directory, done[1].backup_date), 11);
        assert.deepEqual(service.log.all.filter(({ msg }) => msg === 'Setting changed')
            .map(({ setting }) => setting), ['backup.chore_interval']);
        await service.stop();
    });
});

describe('SIGHUP', () => {
    it('tries a backup again that waits for its next slot', async (t) => {
        let paused = true;
        const made = await setUp(t, {}, { node: { methods: {
            eth_call(params) {
                if (paused && isPageCall(params))
                    throw new RpcError(3, 'execution reverted: paused', '0x');
                return this.truth('eth_call', params);
            },
        } } });
        const service = startService(t, made.config);
        await service.until(({ msg }) => msg === 'Next attempt');
        paused = false;
        service.child.kill('SIGHUP');
        await service.until(isCompleted);
        await service.stop();
    });

    it('opens the log file again', async (t) => {
        const made = await setUp(t, { backup: { chore_interval: '1s' } });
        const file = join(made.directory, 'satellite.log');
        made.change({ log: { file } });
        const service = startService(t, made.config);
        const completed = (path) => {
            try {
                return readFileSync(path, 'utf8').split('\n').filter((line) =>
                    line !== '' && isCompleted(JSON.parse(line))).length;
            } catch (error) {
                if (error.code === 'ENOENT') return 0;
                throw error;
            }
        };
        const until = async (test) => {
            while (!test()) await new Promise((resolve) => { setTimeout(resolve, 20); });
        };
        await until(() => completed(file) > 0);
        const old = `${file}.1`;
        renameSync(file, old);
        service.child.kill('SIGHUP');
        await until(() => completed(file) > 0);
        const left = readFileSync(old, 'utf8');
        await until(() => completed(file) > 1);
        assert.equal(readFileSync(old, 'utf8'), left, 'the old file is still written to');
        await service.stop();
    });

    it('still ends a command that is not the service', async (t) => {
        const { held, methods } = silentPages();
        const node = await startFakeNode({ entries: ENTRIES, methods });
        t.after(() => node.stop());
        const child = start(new Store(workspace(t), node).args('run'));
        await held;
        child.kill('SIGHUP');
        assert.equal((await child.done).code, 130);
    });
});

describe('the service manager', () => {
    it('is told what the service does', async (t) => {
        let release;
        const reached = new Promise((resolve) => { release = resolve; });
        let goOn;
        const held = new Promise((resolve) => { goOn = resolve; });
        const manager = await startManager(t);
        const made = await setUp(t, { backup: { page_size: 10, max_concurrent_pages: 1 } },
            { node: { methods: {
                async eth_call(params) {
                    const last = isPageCall(params) && this.pagesAsked().length === 3;
                    if (last) {
                        release();
                        await held;
                    }
                    return this.truth('eth_call', params);
                },
            } } });
        const service = startService(t, made.config,
            { env: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '200000' } });
        await manager.lines.until((line) => line === 'READY=1');
        await reached;
        const date = new Date(Math.floor(Date.now() / 2_592_000_000) * 2_592_000_000)
            .toISOString().slice(0, 10);
        await manager.lines.until((line) => line === `STATUS=backup ${date}: 2/3 pages`);
        await manager.lines.count(3, (line) => line === 'WATCHDOG=1');
        goOn();
        await manager.lines.until((line) => /^STATUS=idle; next backup at \d{4}-/.test(line));
        service.child.kill('SIGHUP');
        await manager.lines.until((line) => line === 'RELOADING=1');
        assert.match(await manager.lines.until((line) => /^MONOTONIC_USEC=/.test(line)), /=\d+$/);
        await manager.lines.count(2, (line) => line === 'READY=1');
        await service.stop();
        await manager.lines.until((line) => line === 'STOPPING=1');
    });

    it('is not needed while a slow node is asked for a block, call by call', async (t) => {
        const slow = (method) => async function answer(params) {
            await new Promise((resolve) => { setTimeout(resolve, 1200); });
            return this.truth(method, params);
        };
        const made = await setUp(t, { backup: { page_size: 1000, // of one answer, and of the disk
            smart_contract_timeout: '4s', file_operation_timeout: '1s' } }, { node: {
            methods: Object.fromEntries(['eth_chainId', 'eth_getBlockByNumber', 'eth_getCode',
                'eth_call'].map((method) => [method, slow(method)])) } });
        const service = startService(t, made.config);
        const ended = service.child.done.then(({ stderr }) => assert.fail(stderr));
        await Promise.race([service.until(isCompleted), ended]);
        assert.ok(made.node.calls.length >= 6, 'few calls');
        ended.catch(() => {});
        await service.stop();
    });

    it('hears no sign of life from a loop that hangs', async (t) => {
        const manager = await startManager(t);
        const made = await setUp(t, {
            backup: { chore_interval: '1s', page_size: 1,
                smart_contract_timeout: '2s', file_operation_timeout: '1s' },
            log: { level: 'debug' },
        }, { node: { entries: realisticEntries(1000) } });
        const service = startService(t, made.config,
            { env: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '60000' } });
        const { url } = await service.until(({ msg }) => msg === 'HTTP server started');
        assert.equal((await ask(`${url}healthz`)).status, 200);
        await manager.lines.count(5, (line) => line === 'WATCHDOG=1');
        service.child.stderr.pause(); // nobody reads the log: whoever writes to it waits
        while ((await ask(`${url}healthz`)).status !== 503)
            await new Promise((resolve) => { setTimeout(resolve, 50); });
        assert.equal((await ask(`${url}healthz`)).json.status, 'silent');
        const pings = () => manager.lines.all.filter((line) => line === 'WATCHDOG=1').length;
        const before = pings();
        await new Promise((resolve) => { setTimeout(resolve, 500); });
        assert.ok(pings() <= before + 1, 'it is said to be alive'); // one may be on its way
        service.child.stderr.resume();
        await service.until(({ msg }) => msg === 'The service hangs');
        await manager.lines.count(before + 3, (line) => line === 'WATCHDOG=1');
        await service.stop();
    });

    it('is not needed where a file of the settings hangs', async (t) => {
        const made = await setUp(t, { backup: { file_operation_timeout: '1s' } });
        const service = startService(t, made.config);
        await service.until(isCompleted);
        rmSync(made.config);
        execFileSync('mkfifo', [made.config]); // like a mount that does not answer
        service.child.kill('SIGHUP');
        const { code, stderr } = await service.child.done;
        assert.equal(code, 5, stderr);
        assert.match(stderr, /"error_type":"FileSystemError","error":"a file operation has not come/);
    });
});

describe('the log', () => {
    it('has the id of the run on each of its lines', async (t) => {
        const made = await setUp(t, { backup: { chore_interval: '1s' }, log: { level: 'debug' } });
        const service = startService(t, made.config);
        await service.count(2, isCompleted);
        await service.stop();
        const ids = service.log.all.filter(isCompleted).map(({ run_id }) => run_id);
        for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
        assert.equal(new Set(ids).size, ids.length);
        for (const line of service.log.all) {
            const own = line.backup_date && service.log.all.find((one) =>
                isCompleted(one) && one.backup_date === line.backup_date)?.run_id;
            if (own) assert.equal(line.run_id, own, line.msg);
            assert.match(line.run_id, /^[0-9a-f]{16}$/, line.msg);
            if (/^Service/.test(line.msg)) assert.equal(line.run_id, service.log.all[0].run_id);
        }
        assert.ok(!ids.includes(service.log.all[0].run_id));
        const status = JSON.parse((await mustRun(['backup', 'status', '--config', made.config,
            '--json'])).stdout);
        assert.equal(status.run_id, ids.at(-1));
    });

    it('has priorities for journald', async (t) => {
        const made = await setUp(t);
        for (const [format, date, pattern] of [
            ['console', '2024-01-15', /^<6>\d\d:\d\d:\d\d info  [A-Z]/],
            ['json', '2024-01-16', /^<6>\{"level":"info",/],
        ]) {
            const child = spawnChild('sh', ['-c',
                'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', 'sh', program,
                'backup', 'run', '--config', made.config, '--log-format', format,
                '--backup-date', date, '--progress', 'never'], { stdio: ['ignore', 'ignore', 'pipe'] });
            let text = '';
            child.stderr.setEncoding('utf8').on('data', (more) => { text += more; });
            const read = once(child.stderr, 'close');
            assert.equal((await child.ended).code, 0, text);
            await read;
            const lines = text.trim().split('\n');
            assert.ok(lines.length >= 2, text);
            for (const line of lines) assert.match(line, pattern);
        }
    });

    it('has none where the journal is not what is written to', async (t) => {
        const made = await setUp(t);
        const { stderr } = await mustRun(['backup', 'run', '--config', made.config],
            { env: { JOURNAL_STREAM: '8:12345' } });
        for (const line of stderr.trim().split('\n')) JSON.parse(line);
    });
});
