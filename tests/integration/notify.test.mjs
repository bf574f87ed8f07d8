// SPDX-License-Identifier: Apache-2.0
//
// Who is told of a backup: commands, URLs, the dead man's switch. Nothing of it touches the backup.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import { makeCertificates } from './certificates.mjs';
import { mustRun, run, start, workspace } from './harness.mjs';
import { isCompleted, serviceConfig, startService, writeConfig } from './running.mjs';

const ENTRIES = realisticEntries(5);
const SECRET = 'a secret of the hook';

/** Receives; `answer(n)` gives the status of the nth request; over TLS with certificates. */
async function startReceiver(t, answer = () => 200, certificates = undefined) {
    const received = [];
    const waiting = [];
    const make = certificates === undefined ? createServer : createSecureServer;
    const server = make({
        cert: certificates && readFileSync(certificates.cert),
        key: certificates && readFileSync(certificates.key),
    }, async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const { method, url, headers } = request;
        received.push({ method, url, headers, body: Buffer.concat(chunks) });
        const status = answer(received.length);
        if (status !== null) response.writeHead(status).end('x'.repeat(1000));
        for (const look of waiting) look();
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    return {
        received,
        url: `http${certificates ? 's' : ''}://127.0.0.1:${server.address().port}`,
        count: (number) => new Promise((resolve) => {
            const look = () => { if (received.length >= number) resolve(received); };
            waiting.push(look);
            look();
        }),
    };
}

/** A command of the operator's that keeps what it is given beside itself. */
function writeHook(directory, script) {
    const path = join(directory, 'hook');
    writeFileSync(path, `#!/bin/sh\ncd ${directory}\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
}

async function setUp(t, notify, node = {}) {
    const fake = await startFakeNode({ entries: ENTRIES, ...node });
    t.after(() => fake.stop());
    const directory = workspace(t);
    const config = join(directory, 'config.yaml');
    writeConfig(config, serviceConfig(directory, fake, { notify }));
    return { directory, config, node: fake };
}

/** A node whose pages wait for `release`, with whose error they then fail. */
function holding() {
    let reach, release;
    const reached = new Promise((resolve) => { reach = resolve; });
    const released = new Promise((resolve) => { release = resolve; });
    return { reached, release, node: { methods: {
        async eth_call(params) {
            const truth = this.truth('eth_call', params);
            if (!isPageCall(params)) return truth;
            reach();
            const problem = await released;
            if (problem !== undefined) throw new RpcError(3, problem, '0x');
            return truth;
        },
    } } };
}

/** Failures are told to `receiver`; `other` makes the backup, until `release`. */
async function whileAnotherRuns(t) {
    const receiver = await startReceiver(t);
    const { reached, release, node } = holding();
    const { config } = await setUp(t, { on_failure: [`${receiver.url}/bad`] }, node);
    const other = start(['backup', 'run', '--config', config]);
    t.after(() => other.kill('SIGKILL'));
    await reached;
    return { receiver, config, other, release };
}

const paused = { methods: {
    eth_call(params) {
        if (isPageCall(params)) throw new RpcError(3, 'execution reverted: paused', '0x');
        return this.truth('eth_call', params);
    },
} };

describe('notifications of backup run', () => {
    it('go to URLs, signed, and to the heartbeat', async (t) => {
        const receiver = await startReceiver(t);
        const { config } = await setUp(t, {
            on_success: [`${receiver.url}/hook?token=SECRET-IN-URL`],
            on_failure: [`${receiver.url}/bad`],
            heartbeat_url: `${receiver.url}/alive`, webhook_secret: SECRET,
        });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        const [alive, hook] = receiver.received;
        assert.equal(receiver.received.length, 2);
        assert.deepEqual([alive.method, alive.url, alive.body.length], ['GET', '/alive', 0]);
        assert.equal(alive.headers['x-satellite-signature'], undefined);
        assert.deepEqual([hook.method, hook.url], ['POST', '/hook?token=SECRET-IN-URL']);
        assert.equal(hook.headers['content-type'], 'application/json');
        assert.equal(hook.headers['x-satellite-signature'],
            `sha256=${createHmac('sha256', SECRET).update(hook.body).digest('hex')}`);
        const body = JSON.parse(hook.body);
        assert.equal(body.event, 'backup_completed');
        assert.equal(body.total_keys, ENTRIES.length);
        assert.match(body.checksum, /^[0-9a-f]{64}$/);
        const completed = stderr.split('\n').find((line) => line.includes('operation completed'));
        assert.equal(body.run_id, JSON.parse(completed).run_id);
        assert.ok(!hook.body.includes(SECRET) && !hook.body.includes('SECRET-IN-URL'));

        assert.equal((await run(['backup', 'run', '--config', config])).code, 0);
        assert.equal(receiver.received.length, 2, 'nothing new was made');
        await run(['backup', 'run', '--config', config, '--dry-run']);
        assert.equal(receiver.received.length, 2);
    });

    it('go to commands, with nothing but what they need', async (t) => {
        const directory = workspace(t);
        const hook = writeHook(directory, 'cat > in; env > env; printf "%s|" "$@" > arguments; '
            + 'ls /proc/self/fd > fds; pwd > where');
        const { config } = await setUp(t, {
            on_success: [`${hook} --who  ops $HOME;true`], webhook_secret: SECRET });
        const { code, stderr } = await run(['backup', 'run', '--config', config],
            { env: { NOT_FOR_OTHERS: 'x' } });
        assert.equal(code, 0, stderr);
        assert.equal(JSON.parse(readFileSync(join(directory, 'in'))).event, 'backup_completed');
        assert.equal(readFileSync(join(directory, 'arguments'), 'utf8'), '--who|ops|$HOME;true|');
        const names = readFileSync(join(directory, 'env'), 'utf8').trim().split('\n')
            .map((line) => line.split('=')[0]).filter((name) => !['PWD', 'OLDPWD', '_', 'SHLVL']
                .includes(name));
        assert.deepEqual(names.sort(), ['LC_ALL', 'PATH']);
        assert.deepEqual(readFileSync(join(directory, 'fds'), 'utf8').trim().split('\n')
            .map(Number).filter((fd) => fd > 3), []); // ls itself has 3
    });

    it('go to https receivers whose certificate is known, and to no others', async (t) => {
        const directory = workspace(t);
        const ours = makeCertificates(directory, 'ours');
        const others = makeCertificates(directory, 'others');
        const wrongName = makeCertificates(directory, 'ours-elsewhere', 'DNS:example.org');
        const good = await startReceiver(t, undefined, ours);
        const bad = await startReceiver(t, undefined, others);
        const elsewhere = await startReceiver(t, undefined, { ...wrongName });
        const ca = join(directory, 'cas.pem');
        writeFileSync(ca, [ours.ca, wrongName.ca].map((file) => readFileSync(file)).join('\n'));
        const { config } = await setUp(t, {
            on_success: [`${good.url}/hook`, `${bad.url}/hook`, `${elsewhere.url}/hook`],
            heartbeat_url: `${good.url}/alive`, webhook_secret: SECRET, ca_file: ca,
        });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        assert.deepEqual(good.received.map(({ url }) => url), ['/alive', '/hook']);
        assert.match(good.received[1].headers['x-satellite-signature'], /^sha256=[0-9a-f]{64}$/);
        assert.equal(bad.received.length + elsewhere.received.length, 0);
        const failed = stderr.trim().split('\n').map((line) => JSON.parse(line))
            .filter(({ msg }) => msg === 'Notification not delivered');
        assert.deepEqual(failed.map(({ target }) => target).sort(),
            [bad.url, elsewhere.url].sort());
    });

    it('say what failed', async (t) => {
        const receiver = await startReceiver(t);
        const { config } = await setUp(t,
            { on_failure: [`${receiver.url}/bad`], heartbeat_url: `${receiver.url}/alive` }, paused);
        const { code } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 4);
        assert.equal(receiver.received.length, 1);
        const body = JSON.parse(receiver.received[0].body);
        assert.deepEqual([body.event, body.error_type, body.retryable],
            ['backup_failed', 'ContractConnectionError', false]);
        assert.match(body.error, /paused/);
        const { stdout } = await run(['backup', 'status', '--config', config, '--json']);
        assert.ok(JSON.parse(stdout).error_message.endsWith(` (run ${body.run_id})`), stdout);
        assert.equal(receiver.received[0].headers['x-satellite-signature'], undefined);
    });

    it('say that old backups stay, since the newest has shrunk', async (t) => {
        const receiver = await startReceiver(t);
        const { config } = await setUp(t, { on_failure: [`${receiver.url}/bad`] });
        const small = await startFakeNode({ entries: ENTRIES.slice(0, 2) });
        t.after(() => small.stop());
        const args = ['backup', 'run', '--config', config, '--retention-days', '30'];
        await mustRun([...args, '--backup-date', '2024-01-14']);
        assert.deepEqual(receiver.received, []);
        await mustRun([...args, '--backup-date', '2024-01-15', '--contract-rpc-urls', small.url]);
        const bodies = receiver.received.map(({ body }) => JSON.parse(body));
        assert.deepEqual(
            bodies.map(({ event, backup_date: date, error_type: type }) => [event, date, type]),
            [['cleanup_failed', '2024-01-15', 'IntegrityError']]);
        assert.match(bodies[0].error, /nothing removed.* fewer than half/);
    });

    it('do not come where nothing has failed', async (t) => {
        const { receiver, config, other, release } = await whileAnotherRuns(t);
        const busy = await run(['backup', 'run', '--config', config]);
        assert.equal(busy.code, 10, busy.stderr);
        release();
        assert.equal((await other.done).code, 0);
        const none = await run(
            ['backup', 'retry', '--config', config, '--backup-date', '2001-01-01']);
        assert.match(none.stderr, /NotFoundError/);
        assert.deepEqual(receiver.received.map(({ body }) => String(body)), []);
    });

    it('are tried again, and given up where it is no use; the backup is none the worse', async (t) => {
        const receiver = await startReceiver(t, (n) => (n === 1 ? 503 : n === 2 ? 200 : 403));
        const { config, directory } = await setUp(t, { on_success: [`${receiver.url}/a?key=K`] });
        const first = await run(['backup', 'run', '--config', config]);
        assert.equal(first.code, 0, first.stderr);
        assert.equal(receiver.received.length, 2);
        assert.ok(!first.stderr.includes('not delivered'), first.stderr);
        const second = await run(['backup', 'run', '--config', config, '--force']);
        assert.equal(second.code, 0, second.stderr);
        assert.equal(receiver.received.length, 3);
        const warning = JSON.parse(second.stderr.split('\n')
            .find((line) => line.includes('not delivered')));
        assert.deepEqual([warning.level, warning.target, warning.error],
            ['warn', receiver.url, 'HTTP 403']);
        assert.ok(!second.stderr.includes('key=K'));
        assert.ok(existsSync(join(directory, 'backups', 'latest', 'backup_latest.zip')));
    });

    it('that nobody takes are dropped at the end, which others outlast', async (t) => {
        const silent = await startReceiver(t, () => null); // no answer, ever
        const good = await startReceiver(t);
        const directory = workspace(t);
        const hook = writeHook(directory, 'sleep 1000 & echo $! > child; sleep 1000');
        const { config } = await setUp(t, { on_success: [silent.url, good.url, hook] });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        assert.equal(good.received.length, 1);
        const dropped = stderr.trim().split('\n').map((line) => JSON.parse(line))
            .filter(({ msg }) => msg === 'Notification not delivered');
        assert.deepEqual(dropped.map(({ target }) => target).sort(), [hook, silent.url].sort());
        if (existsSync(join(directory, 'child'))) {
            const pid = readFileSync(join(directory, 'child'), 'utf8').trim();
            assert.ok(!existsSync(`/proc/${pid}`)
                || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '), 'it lives on');
        }
    });

    it('name a command that failed', async (t) => {
        const { config } = await setUp(t, { on_success: ['/bin/false', '/no/such/command x'] });
        const { code, stderr } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0, stderr);
        assert.match(stderr, /"target":"\/bin\/false","attempts":1,"error":"[^"]*exit code 1"/);
        assert.match(stderr, /"target":"\/no\/such\/command","attempts":1,"error":"[^"]*No such file/);
    });
});

describe('notifications of verify', () => {
    it('say that a backup is invalid', async (t) => {
        const receiver = await startReceiver(t);
        const { config, directory } = await setUp(t, { on_failure: [receiver.url] });
        const { code } = await run(['backup', 'run', '--config', config]);
        assert.equal(code, 0);
        assert.equal((await run(['backup', 'verify', '--config', config])).code, 0);
        assert.equal(receiver.received.length, 0);
        const archive = join(directory, 'backups', 'latest', 'backup_latest.zip');
        const bytes = readFileSync(archive);
        bytes[100] ^= 1;
        writeFileSync(archive, bytes); // the same file: a hard link
        assert.equal((await run(['backup', 'verify', '--config', config])).code, 8);
        const body = JSON.parse(receiver.received[0].body);
        assert.deepEqual([body.event, body.error_type], ['verify_invalid', 'IntegrityError']);
    });
});

describe('notifications of the service', () => {
    it('come for the first failure, which another\'s work on the backup is not', async (t) => {
        const { receiver, config, other, release } = await whileAnotherRuns(t);
        const service = startService(t, config);
        const { error_type: type } = await service.until(
            ({ msg }) => msg === 'Backup operation failed');
        assert.equal(type, 'BusyError');
        other.kill('SIGKILL');
        await other.done;
        release('execution reverted: paused');
        service.child.kill('SIGHUP');
        const [{ body }] = await receiver.count(1);
        assert.equal(JSON.parse(body).error_type, 'ContractConnectionError');
        await service.stop();
    });

    it('come for each success, and once for a slot that fails', async (t) => {
        const receiver = await startReceiver(t);
        let broken = true;
        const { config } = await setUp(t,
            { on_success: [`${receiver.url}/good`], on_failure: [`${receiver.url}/bad`] },
            { methods: {
                eth_call(params) {
                    if (broken && isPageCall(params))
                        throw new RpcError(3, 'execution reverted: paused', '0x');
                    return this.truth('eth_call', params);
                },
            } });
        const service = startService(t, config);
        await receiver.count(1);
        service.child.kill('SIGHUP'); // tries again, fails again
        await service.count(2, ({ msg }) => msg === 'Next attempt');
        broken = false;
        service.child.kill('SIGHUP');
        await service.until(isCompleted);
        await receiver.count(2);
        await service.stop();
        assert.deepEqual(receiver.received.map(({ url }) => url), ['/bad', '/good']);
    });
});

describe('their settings', () => {
    it('are refused where the certificates cannot be read', async (t) => {
        const { config } = await setUp(t, { ca_file: '/no/such/file.pem' });
        const { code, stderr } = await run(['backup', 'config', 'validate', '--config', config]);
        assert.equal(code, 3);
        assert.match(stderr, /notify\.ca_file '\/no\/such\/file\.pem' not opened/);
    });

    it('are warned of where the service could not run a command', async (t) => {
        const { config, directory } = await setUp(t, {}); // its sandbox knows no command
        const service = startService(t, config);
        await service.until(isCompleted);
        const apart = mkdtempSync(join('/var', 'satellite-hook-'));
        t.after(() => rmSync(apart, { recursive: true }));
        const hook = writeHook(apart, 'exit 0');
        const text = readFileSync(config, 'utf8');
        const isWarning = ({ msg }) => msg === 'Notification command cannot be run';
        writeFileSync(config, text.replace('notify:\n',
            `notify:\n  on_failure: ["${hook} x", "/no/such/command"]\n`));
        service.child.kill('SIGHUP');
        const [outside, missing] = await service.count(2, isWarning);
        assert.deepEqual([outside.setting, outside.target], ['notify.on_failure', hook]);
        assert.match(outside.error, /outside of what the service may run/);
        assert.match(outside.hint, /restart/);
        assert.match(missing.error, /No such file/);
        await service.stop();

        const again = startService(t, config); // now its sandbox knows it
        await again.until(({ msg }) => msg === 'Service started');
        await again.until(isWarning);
        assert.ok(existsSync(join(directory, 'backups')));
        await again.stop();
        assert.deepEqual(again.log.all.filter(isWarning).map(({ target }) => target),
            ['/no/such/command']);
    });

    it('are masked where they are shown', async (t) => {
        const { config } = await setUp(t, {
            on_success: ['https://hooks.example.org/T/SECRETPATH', '/usr/bin/tell SECRETARG'],
            heartbeat_url: 'https://hc.example.org/SECRETUUID', webhook_secret: 'SECRETKEY',
        });
        const { code, stdout } = await run(['backup', 'config', 'show', '--config', config]);
        assert.equal(code, 0);
        assert.doesNotMatch(stdout, /SECRET/);
        assert.match(stdout, /https:\/\/hooks\.example\.org\/\*\*\*,\/usr\/bin\/tell \*\*\*/);
    });

    it('are refused where they are neither a URL nor a path', async (t) => {
        const { config } = await setUp(t, { on_failure: ['mail -s x root'] });
        const { code, stderr } = await run(['backup', 'config', 'validate', '--config', config]);
        assert.equal(code, 3);
        assert.match(stderr, /notify\.on_failure.*neither a URL nor a command/);
    });
});
