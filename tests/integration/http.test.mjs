// SPDX-License-Identifier: Apache-2.0
//
// The service over HTTP: every route, who may use it, and what clients that mean harm get.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import {
    assertFailed, DATE, mustRun, root, run, start, Store, whileRunning, workspace,
} from './harness.mjs';
import { serviceConfig, startService as startConfigured, writeConfig } from './running.mjs';
import { ask, flagsOf, lifo, makeToken, startService } from './web.mjs';

const ENTRIES = realisticEntries(50);
const spec = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'));

const filled = (path) => path.replace('{date}', DATE).replace('{file}', 'dashboard.js')
    .replace('{id}', '1');

function assertProblem(answer, status, type, detail = /./) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.json.status, status);
    assert.equal(answer.json.error_type, type);
    assert.match(answer.json.detail, detail);
    assert.equal(typeof answer.json.title, 'string');
}

/** Bytes as they are; resolves to all that came back until the end. */
async function raw(url, text, { holdMs = 0 } = {}) {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (part) => { answer += part; });
    socket.on('error', () => {});
    socket.write(text);
    if (holdMs === 0) socket.end();
    await once(socket, 'close');
    return answer;
}

/** Waits until a condition holds. */
async function until(condition) {
    while (!await condition()) await sleep(20);
}

/** A value against a schema of docs/openapi.json, as far as that one uses the language. */
function assertFits(value, schema, at = '$') {
    if (schema.$ref) {
        assertFits(value, spec.components.schemas[schema.$ref.split('/').at(-1)], at);
        return;
    }
    if (schema.oneOf) {
        assert.ok(schema.oneOf.some((one) => {
            try { assertFits(value, one, at); return true; } catch { return false; }
        }), `${at} fits none`);
        return;
    }
    if (schema.const !== undefined) assert.equal(value, schema.const, at);
    if (schema.enum) assert.ok(schema.enum.includes(value), `${at}: ${value}`);
    if (schema.type) {
        const types = [schema.type].flat();
        const type = value === null ? 'null' : Array.isArray(value) ? 'array'
            : Number.isInteger(value) && !types.includes('number') ? 'integer' : typeof value;
        assert.ok(types.includes(type), `${at}: ${type} is not ${types}`);
    }
    for (const name of schema.required ?? []) assert.ok(name in value, `${at}.${name} is missing`);
    if (schema.properties && value !== null && typeof value === 'object')
        for (const [name, one] of Object.entries(value)) {
            assert.ok(schema.properties[name], `${at}.${name} is not described`);
            assertFits(one, schema.properties[name], `${at}.${name}`);
        }
    if (schema.items && Array.isArray(value))
        value.forEach((one, i) => assertFits(one, schema.items, `${at}[${i}]`));
}

describe('the API', () => {
    const all = lifo({ after });
    let service;
    let store;
    let tokens;
    let today;
    before(async () => {
        const node = await startFakeNode({ entries: ENTRIES });
        all.after(() => node.stop());
        store = new Store(workspace(all), node, { 'page-size': 5, 'min-free-space': '1MiB' });
        await store.mustRun();
        tokens = {
            viewer: await makeToken(store, 'viewer'),
            operator: await makeToken(store, 'operator'),
            admin: await makeToken(store, 'admin'),
        };
        service = await startService(all, store);
        const done = await service.logged('Backup operation completed');
        today = done.backup_date;
    });

    it('serves what docs/openapi.json describes, and nothing else', async () => {
        const { json } = await service.get('/api/v1/openapi.json');
        assert.deepEqual(json, spec);
        const table = readFileSync(join(root, 'src/web/routes.def'), 'utf8');
        const routes = [...table.matchAll(/^SCB_ROUTE\((\w+), +"([^"]+)", +(\w+),/gm)];
        const described = Object.entries(spec.paths).flatMap(([path, methods]) =>
            Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
        assert.deepEqual(routes.map(([, method, path]) => `${method} ${path}`).sort(),
            described.sort());
        for (const [path, methods] of Object.entries(spec.paths)) {
            for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
                const answer = await service[method === 'POST' ? 'post' : 'get'](filled(path),
                    { method });
                const known = methods[method.toLowerCase()] !== undefined;
                assert.equal(answer.status !== 405, known, `${method} ${path}: ${answer.status}`);
                if (!known) {
                    const allowed = Object.keys(methods).map((one) => one.toUpperCase())
                        .flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]));
                    assert.deepEqual(answer.headers.allow.split(', ').sort(), allowed.sort());
                } else {
                    assert.ok(methods[method.toLowerCase()].responses[answer.status]
                        || answer.status === 404, `${method} ${path}: ${answer.status}`);
                }
            }
        }
    });

    it('says of each GET what its schema says', async () => {
        const verify = await service.post(`/api/v1/backups/${DATE}/verify`, { token: tokens.operator });
        await service.operation(verify, tokens.viewer);
        const from = { '/api/v1/cleanup': '?older_than=1d&keep_daily=1',
            '/api/v1/backups': '?limit=1' };
        for (const [path, { get }] of Object.entries(spec.paths)) {
            const schema = get?.responses[200].content['application/json']?.schema;
            if (!schema || path.endsWith('openapi.json')) continue;
            const answer = await service.get(filled(path) + (from[path] ?? ''));
            assert.equal(answer.status, 200, `${path}: ${answer.text}`);
            assert.equal(answer.headers['content-type'], 'application/json');
            assertFits(answer.json, schema, path);
        }
    });

    it('is alive and ready, and gives its metrics to Prometheus', async () => {
        assert.equal((await service.get('/healthz')).json.status, 'ok');
        assert.deepEqual((await service.get('/readyz')).json,
            { status: 'ok', database: 'ok', disk: 'ok' });
        const metrics = await service.get('/metrics', { headers: {
            Accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1',
        } });
        assert.equal(metrics.status, 200);
        assert.match(metrics.headers['content-type'], /^text\/plain; version=0\.0\.4/);
        assert.match(metrics.text,
            /^satellite_backup_operations_total\{result="completed"\} [1-9]/m);
        execFileSync('promtool', ['check', 'metrics'], { input: metrics.text });
        const { json } = await service.get('/api/v1/metrics');
        assert.ok(json.metrics.some((one) => one.name === 'satellite_backup_last_keys'
            && one.value === ENTRIES.length));
        const { json: usage } = await service.get('/api/v1/resource-usage');
        assert.ok(usage.metrics.some((one) => one.name === 'satellite_backup_memory_bytes'
            && one.value > 1e6));
    });

    it('shows the backups page by page, as the command line does', async () => {
        const { json: first } = await service.get('/api/v1/backups?limit=1');
        assert.deepEqual(first.backups.map((one) => one.backup_date), [today]);
        const { json: rest } = await service.get(first.next);
        assert.deepEqual(rest.backups.map((one) => one.backup_date), [DATE]);
        assert.equal(rest.next, null);
        const { json: backup } = await service.get(`/api/v1/backups/${DATE}`);
        const listed = (await store.json('list')).find((one) => one.backup_date === DATE);
        for (const [name, value] of Object.entries(listed)) assert.deepEqual(backup[name], value, name);

        const numbers = [];
        let next = `/api/v1/backups/${DATE}/pages?limit=4`;
        while (next) {
            const { json } = await service.get(next);
            assert.ok(json.pages.length <= 4);
            numbers.push(...json.pages.map((page) => page.page_number));
            next = json.next;
        }
        assert.deepEqual(numbers, Array.from({ length: 10 }, (_, i) => i));
        for (const path of ['/api/v1/storage?limit=1', '/api/v1/cleanup?older_than=1d&limit=1&keep_daily=0']) {
            const { json: part } = await service.get(path);
            assert.deepEqual(part.backups.map((one) => one.backup_date), [today], path);
            assert.match(part.next, new RegExp(`before=${today}`));
            const { json: end } = await service.get(part.next);
            assert.deepEqual(end.backups.map((one) => one.backup_date), [DATE], path);
            assert.equal(end.next, null);
            assert.equal(end.total_backups, part.total_backups);
            assert.equal(end.used_bytes, part.used_bytes);
        }
        assert.equal((await service.get('/api/v1/storage')).json.total_backups, 2);
        assert.deepEqual((await service.get('/api/v1/endpoints')).json.endpoints.map((one) => one.breaker),
            ['closed']);
    });

    it('answers HEAD like GET, without the body', async () => {
        for (const path of ['/healthz', '/api/v1/backups', '/']) {
            const got = await service.get(path);
            const head = await service.get(path, { method: 'HEAD' });
            assert.equal(head.status, 200);
            assert.equal(head.text, '');
            assert.equal(head.headers['content-length'], got.headers['content-length']);
        }
    });

    it('says what is wrong with a request', async () => {
        const get = (path, headers) => service.get(path, { headers });
        assertProblem(await get('/nothing'), 404, 'NotFoundError', /\/nothing/);
        assertProblem(await get('/api/v1/backups/2023-01-01'), 404, 'NotFoundError');
        assertProblem(await get('/api/v1/backups/2023-02-30'), 404, 'NotFoundError');
        assertProblem(await get('/api/v1/backups/latest/pages'), 404, 'NotFoundError');
        assertProblem(await get('/api/v1/operations/9999'), 404, 'NotFoundError');
        assertProblem(await get('/api/v1/operations/x'), 404, 'NotFoundError');
        assertProblem(await get('/assets/nothing.js'), 404, 'NotFoundError');
        for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=-1', 'limit=', 'other=1',
            'before=yesterday', 'limit=1&limit=2', `limit=${'9'.repeat(30)}`, 'limit=%zz', 'a%00=1',
            Array.from({ length: 9 }, (_, i) => `a${i}=1`).join('&')])
            for (const list of ['backups', 'storage'])
                assertProblem(await get(`/api/v1/${list}?${query}`), 400, 'ValidationError');
        assertProblem(await get('/api/v1/cleanup'), 400, 'ValidationError', /older_than/);
        assertProblem(await get('/api/v1/status', { Accept: 'text/html' }), 406, 'ValidationError');
        assertProblem(await get('/api/v1/status', { Accept: 'application/json;q=0' }), 406,
            'ValidationError');
        const post = (body, headers) => service.post('/api/v1/backups',
            { body, headers, token: tokens.operator });
        assertProblem(await post('force', { 'Content-Type': 'text/plain' }), 415, 'ValidationError');
        for (const body of ['{', '[]', '"x"', '{"force":1}', '{"other":true}', '{"force":true}x',
            '{"force":true,"force":false}', 'ÿ', '['.repeat(5000), '{"a":'.repeat(2000)])
            assertProblem(await post(body), 400, 'ValidationError');
        assertProblem(await post(`{"force":${' '.repeat(20000)}true}`), 413, 'ValidationError');
    });

    it('does what it is asked to, for those who may', async () => {
        const again = await service.operation(
            await service.post('/api/v1/backups', { token: tokens.operator }), tokens.viewer);
        assert.equal(again.kind, 'run');
        assert.equal(again.state, 'done');
        assert.match(again.result, /done already/);
        const forced = await service.operation(await service.post('/api/v1/backups',
            { token: tokens.operator, body: { force: true } }), tokens.viewer);
        assert.match(forced.backup_date, /^\d{4}-\d\d-\d\dT\d{6}Z$/);
        assert.match(forced.result, /completed: 50 keys/);
        const verified = await service.operation(await service.post(
            `/api/v1/backups/${forced.backup_date}/verify`, { token: tokens.operator }), tokens.viewer);
        assert.match(verified.result, /^valid: 50 keys/);
        const { json: shown } = await service.get(`/api/v1/backups/${forced.backup_date}`);
        assert.equal(shown.checks[0].outcome, 'valid');
        const retried = await service.operation(await service.post(
            `/api/v1/backups/${forced.backup_date}/retry`, { token: tokens.operator }), tokens.viewer);
        assert.match(retried.result, /done already/);

        writeFileSync(store.archivePath(forced.backup_date), 'gone');
        const broken = await service.operation(await service.post(
            `/api/v1/backups/${forced.backup_date}/verify`, { token: tokens.operator }), tokens.viewer);
        assert.equal(broken.state, 'failed');
        assert.equal(broken.error_type, 'IntegrityError');
        const { json: status } = await service.get('/api/v1/status');
        assert.equal(status.health, 'damaged');

        const cleaned = await service.operation(await service.post('/api/v1/cleanup',
            { token: tokens.admin, body: { older_than: '1d', allow_shrunk: true } }), tokens.viewer);
        assert.equal(cleaned.state, 'done', cleaned.error);
        assert.match(cleaned.result, /backups removed/);
        const { json: { operations } } = await service.get('/api/v1/operations');
        assert.equal(operations[0].id, cleaned.id);
    });

    it('lets nobody do what is not theirs, and writes down who did what', async () => {
        const asks = [['POST', '/api/v1/backups', 'operator'],
            ['POST', `/api/v1/backups/${DATE}/retry`, 'operator'],
            ['POST', `/api/v1/backups/${DATE}/verify`, 'operator'],
            ['POST', '/api/v1/cleanup', 'admin']];
        for (const [method, path, role] of asks) {
            const nobody = await service.post(path, { method });
            assertProblem(nobody, 401, 'AccessError');
            assert.match(nobody.headers['www-authenticate'], /^Bearer/);
            const lower = { operator: 'viewer', admin: 'operator' }[role];
            assertProblem(await service.post(path, { method, token: tokens[lower] }), 403,
                'AccessError', new RegExp(`takes the role ${role}`));
        }
        for (const bad of [`${tokens.admin}0`, tokens.admin.slice(0, -1), 'satellite_', '', 'x'.repeat(4000),
            tokens.admin.replace(/.$/, (last) => (last === '0' ? '1' : '0'))]) {
            assertProblem(await service.get('/api/v1/status', { headers: { Authorization: `Bearer ${bad}` } }),
                401, 'AccessError');
        }
        assertProblem(await service.get('/api/v1/status', { headers: { Authorization: 'Basic YTpi' } }),
            401, 'AccessError');

        const short = await makeToken(store, 'viewer', '--expires', '1s');
        await until(async () => (await service.get('/api/v1/whoami', { token: short })).status === 401);
        assertProblem(await service.get('/api/v1/status', { token: short }), 401, 'AccessError', /expired/);
        const told = await service.logged('HTTP request refused');
        assert.equal(told.level, 'warn');
        assert.equal(told.address, '127.0.0.1');
        assert.match(told.error, /credentials/);
        const spare = await makeToken(store, 'viewer');
        assert.equal((await service.get('/api/v1/whoami', { token: spare })).json.role, 'viewer');
        await mustRun(['token', 'revoke', spare.split('_')[1], ...flagsOf(store)]);
        assertProblem(await service.get('/api/v1/whoami', { token: spare }), 401, 'AccessError');

        const { stdout } = await mustRun(store.args('audit', 'list', '--json'));
        const lines = stdout.trim().split('\n').map((line) => JSON.parse(line))
            .filter((line) => line.caller?.startsWith('token:'));
        const seen = (operation, result) => lines.some((line) => line.operation === operation
            && line.result === result && line.caller === `token:${tokens.operator.split('_')[1]}`);
        assert.ok(seen('backup_run', 'OK'), 'the run is audited');
        assert.deepEqual(lines.filter(({ caller }) => caller === `token:${short.split('_')[1]}`)
            .map(({ operation, result }) => [operation, result]), [['backup_status', 'AccessError']]);
        assert.ok(seen('backup_cleanup', 'AccessError'), 'the refusal is audited');
        assert.ok(!stdout.includes(tokens.operator), 'no token is written down');
    });

    it('serves no page under another name, and no other page', async () => {
        for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80',
            '169.254.169.254', '[::2]'])
            assertProblem(await service.get('/api/v1/status', { headers: { Host: host } }), 421,
                'ValidationError', /Host/);
        for (const host of ['a b', 'x:99999', '[::1'])
            assert.equal((await service.get('/api/v1/status', { headers: { Host: host } })).status, 400);
        assert.match(await raw(service.url, 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'), /^HTTP\/1\.1 400 /);
        for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.1.2.3:80', '[::1]:9464'])
            assert.equal((await service.get('/api/v1/status', { headers: { Host: host } })).status, 200);
        const { host } = new URL(service.url);
        for (const origin of ['http://evil.example', 'null', `https://${host}`, `http://${host}0`])
            assertProblem(await service.post('/api/v1/backups',
                { token: tokens.operator, headers: { Host: host, Origin: origin } }), 403, 'ValidationError');
        assertProblem(await service.get('/api/v1/status',
            { headers: { 'Sec-Fetch-Site': 'same-site' } }), 403, 'ValidationError');
        const own = await service.get('/api/v1/status',
            { headers: { Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' } });
        assert.equal(own.status, 200);
        assert.equal(own.headers['access-control-allow-origin'], undefined);
        const page = await service.get('/', { headers: { 'Sec-Fetch-Site': 'cross-site' } });
        assert.equal(page.status, 200);
        assert.match(page.headers['content-security-policy'],
            /^default-src 'none'; script-src 'self'; style-src 'self'/);
        assert.ok(!/unsafe|data:|https?:/.test(page.headers['content-security-policy']));
        assert.equal(page.headers['x-frame-options'], 'DENY');
    });

    it('is not led astray by paths', async () => {
        for (const path of ['/../etc/passwd', '/assets/../../etc/passwd', '/assets/%2e%2e/x', '//healthz',
            '/healthz/', '/healthz%00', '/assets/..%2fx', '/./healthz', '/api/v1/backups/../status',
            '/assets/\\..\\x', `/${'a'.repeat(3000)}`, '/api/v1/backups/2024-01-15%2f..',
            'http://127.0.0.1/healthz', '*']) {
            const answer = await service.get('/', { path });
            assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
        }
    });

    it('bounds what it is sent', async () => {
        const host = 'Host: localhost\r\n';
        const huge = await raw(service.url, `GET /healthz HTTP/1.1\r\n${host}X: ${'x'.repeat(40000)}\r\n\r\n`);
        assert.match(huge, /^(HTTP\/1\.1 4(31|14|00|13) |$)/);
        const many = await raw(service.url, `GET /healthz HTTP/1.1\r\n${host}${'A: b\r\n'.repeat(5000)}\r\n`);
        assert.match(many, /^(HTTP\/1\.1 4(31|13|00) |$)/);
        for (const text of ['GET\r\n\r\n', '\0\0\0\0', 'GET /healthz HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00',
            'GET /healthz HTTP/1.1\r\n\r\n', `get /healthz HTTP/1.1\r\n${host}\r\n`,
            `POST /api/v1/backups HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
            `POST /api/v1/backups HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`,
            `POST /api/v1/backups HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`])
            assert.doesNotMatch(await raw(service.url, text), /^HTTP\/1\.\d 2/, JSON.stringify(text));
        const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
        const chunked = await raw(service.url, `POST /api/v1/backups HTTP/1.1\r\n${host}Connection: close\r\n`
            + `Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`);
        assert.match(chunked, /^HTTP\/1\.1 413 /);
        const declared = await raw(service.url, `POST /api/v1/backups HTTP/1.1\r\n${host}`
            + 'Content-Length: 1000000\r\n\r\n');
        assert.match(declared, /^HTTP\/1\.1 413 /);
        assert.equal((await service.get('/healthz')).status, 200);
    });

    it('slows down who asks too often, and says for how long', async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 8 });
        const answers = await Promise.all(Array.from({ length: 400 }, () =>
            service.get('/api/v1/progress', { agent, hurry: true })));
        const refused = answers.filter((answer) => answer.status === 429);
        assert.ok(refused.length > 0, 'some are refused');
        assert.ok(answers.every((answer) => [200, 429].includes(answer.status)));
        assertProblem(refused[0], 429, 'ResourceError');
        assert.ok(Number(refused[0].headers['retry-after']) >= 1);
        const scrapes = await Promise.all(Array.from({ length: 400 }, () =>
            service.get('/metrics', { agent })));
        assert.ok(scrapes.every((answer) => answer.status === 200), 'scrapes are not counted');
        agent.destroy();
        await until(async () => (await service.get('/api/v1/progress')).status === 200);
    });
});

describe('a service that is asked', () => {
    const heldNode = async (t) => {
        let reached;
        let release;
        const waiting = new Promise((resolve) => { reached = resolve; });
        const gate = new Promise((resolve) => { release = resolve; });
        let pages = 0;
        const node = await startFakeNode({ entries: ENTRIES, methods: {
            async eth_call(params) {
                pages += isPageCall(params) ? 1 : 0;
                if (isPageCall(params) && pages > 4) {
                    reached();
                    await gate;
                }
                return this.truth('eth_call', params);
            },
        } });
        t.after(() => { release(); return node.stop(); });
        return { node, waiting, release };
    };

    it('shows the running backup, and makes one at a time', async (test) => {
        const t = lifo(test);
        const { node, waiting, release } = await heldNode(t);
        const store = new Store(workspace(t), node, { 'page-size': 5 });
        const token = await makeToken(store, 'operator');
        const service = await startService(t, store);
        await whileRunning(service.child, waiting);
        let progress;
        await until(async () => {
            progress = (await service.get('/api/v1/progress')).json;
            return progress.pages === 4;
        });
        assert.equal(progress.activity, 'backup');
        assert.equal(progress.total_pages, 10);
        assert.equal(progress.keys, 20);
        assert.equal(progress.total_keys, ENTRIES.length);
        const { backup_date: date } = progress;
        assertProblem(await service.post('/api/v1/backups', { token }), 409, 'BusyError', /being made/);
        assertProblem(await service.post(`/api/v1/backups/${date}/retry`, { token }), 409, 'BusyError');
        assertProblem(await service.post(`/api/v1/backups/${date}/verify`, { token }), 409, 'BusyError',
            /not completed/);
        const { json: backup } = await service.get(`/api/v1/backups/${date}`);
        assert.equal(backup.status, 'in_progress');
        assert.equal(backup.interrupted, false);
        release();
        await service.logged('Backup operation completed');
        await until(async () => (await service.get('/api/v1/progress')).json.next_run !== null);
        const { json: status } = await service.get('/api/v1/status');
        assert.equal(status.health, 'ok');
        assert.equal(status.newest_completed.backup_date, date);
        assert.match(status.progress.next_run, /T00:00:00\.000Z$/);
    });

    it('goes on with a failed backup', async (test) => {
        const t = lifo(test);
        let broken = true;
        const node = await startFakeNode({ entries: ENTRIES, methods: {
            eth_call(params) {
                if (broken && isPageCall(params)) throw new RpcError(3, 'execution reverted: closed <b>');
                return this.truth('eth_call', params);
            },
        } });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const token = await makeToken(store, 'operator');
        const service = await startService(t, store);
        await service.logged('Backup operation failed');
        let status;
        await until(async () => {
            status = (await service.get('/api/v1/status')).json;
            return status.health === 'failing';
        });
        assert.match(status.health_reason, /closed <b>/);
        broken = false;
        const retried = await service.operation(await service.post(
            `/api/v1/backups/${status.newest.backup_date}/retry`, { token }), token);
        assert.equal(retried.state, 'done', retried.error);
        assert.equal((await service.get('/api/v1/status')).json.health, 'ok');
    });

    it('is ready before the first backup', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES,
            methods: { eth_chainId: () => new Promise(() => {}) } }); // so none is begun
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const ready = async () => {
            const service = await startService(t, store);
            const { json } = await service.get('/readyz');
            await service.stop();
            return json;
        };
        const all = { status: 'ok', database: 'ok', disk: 'ok' };
        assert.deepEqual(await ready(), all, 'with nothing there');
        mkdirSync(store.backups);
        await mustRun(store.args('list', '--rescan')); // makes the database
        assert.deepEqual(await ready(), all, 'with nothing in the database');
    });

    it('is not ready where the disk is full, but lives', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        await store.mustRun();
        const service = await startService(t, store, { 'min-free-space': '1023TiB' });
        const ready = await service.get('/readyz');
        assert.equal(ready.status, 503);
        assert.deepEqual(ready.json, { status: 'unavailable', database: 'ok', disk: 'ResourceError' });
        assert.equal((await service.get('/healthz')).status, 200);
        await service.stop();
        assert.ok(!service.log.some((line) => line.msg === 'HTTP request failed'), 'it was answered');
    });

    it('ends at once, whoever is connected', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const service = await startService(t, store);
        const { hostname, port } = new URL(service.url);
        const sockets = Array.from({ length: 20 }, () => connect(Number(port), hostname));
        await Promise.all(sockets.map((socket) => once(socket, 'connect')));
        for (const socket of sockets) {
            socket.on('error', () => {});
            socket.write('GET /healthz HTTP/1.1\r\nHost: local');
        }
        const { code, stderr } = await service.stop();
        assert.equal(code, 0, stderr);
    });

    it('refuses to listen where it should not or cannot', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const refused = async (settings, code, type, pattern) => assertFailed(
            await run(['run', 'backup', ...flagsOf(store, settings)]), code, type, pattern);
        for (const [settings, code, type, pattern] of [
            [{ 'server-listen': '127.0.0.1' }, 3, 'ValidationError', /no address with a port/],
            [{ 'server-listen': '127.0.0.1:70000' }, 3, 'ValidationError'],
            [{ 'server-tls-cert-path': '/nowhere' }, 3, 'ValidationError', /go together/],
            [{ 'server-tls-client-ca-path': '/nowhere' }, 3, 'ValidationError', /no TLS/],
            [{ 'server-tls-cert-path': '/nowhere', 'server-tls-key-path': '/nowhere' }, 5,
                'FileSystemError', /\/nowhere/],
        ]) {
            await refused(settings, code, type, pattern);
            assertFailed(await run(['backup', 'config', 'validate', ...flagsOf(store, settings)]), code, type,
                pattern);
        }
        const service = await startService(t, store);
        await refused({ 'server-listen': new URL(service.url).host }, 5, 'FileSystemError', /in use/);
    });

    it('serves other machines only monitoring where there is no TLS', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const token = await makeToken(store, 'admin');
        for (const listen of ['0.0.0.0:0', ':0']) {
            const service = await startService(t, store, { 'server-listen': listen });
            const url = `http://127.0.0.1:${new URL(service.url).port}`;
            await mustRun(['backup', 'config', 'validate', ...flagsOf(store, { 'server-listen': listen })]);
            for (const path of ['/metrics', '/healthz', '/readyz'])
                for (const sent of [undefined, token, 'none'])
                    assert.equal((await ask(url, { path, token: sent })).status, 200, path);
            for (const path of Object.keys(spec.paths).filter((one) => !/^\/(metrics|healthz|readyz)$/.test(one)))
                for (const method of Object.keys(spec.paths[path])) {
                    const answer = await ask(url, { path: filled(path), method: method.toUpperCase(), token });
                    assertProblem(answer, 403, 'AccessError', /takes TLS/);
                    assert.match(answer.json.hint, /server\.tls_cert_path/);
                }
            assertProblem(await ask(url, { path: '/metrics', headers: { Host: 'evil.example' } }), 421,
                'ValidationError');
            assert.match(service.log.find((line) => /without TLS/.test(line.msg)).paths, /metrics/);
            await service.stop();
        }
        const { stdout } = await mustRun(store.args('audit', 'list', '--json'));
        assert.ok(!stdout.includes(`token:${token.split('_')[1]}`), 'the token was not even looked at');
    });

    it('makes a due backup before what it is asked for', async (test) => {
        const t = lifo(test);
        const { node, waiting, release } = await heldNode(t);
        const store = new Store(workspace(t), node, { 'page-size': 5 });
        const token = await makeToken(store, 'operator');
        const SLOT_MS = 4000;
        const service = await startService(t, store, { 'chore-interval': `${SLOT_MS}ms` });
        await whileRunning(service.child, waiting);
        const slot = Math.floor(Date.now() / SLOT_MS);
        const asked = await service.post('/api/v1/cleanup', { token: await makeToken(store, 'admin'),
            body: { older_than: '1d' } });
        await until(() => Math.floor(Date.now() / SLOT_MS) > slot); // the next one is due
        release();
        const cleaned = await service.operation(asked, token);
        const completed = service.log.filter((line) => line.msg === 'Backup operation completed');
        assert.ok(completed.filter((line) => line.ts < cleaned.started_at).length >= 2,
            'the cleanup went before the second backup');
    });

    it('listens nowhere where server.listen is empty', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node, { 'log-level': 'info', 'log-format': 'json' });
        const child = start(['run', 'backup', ...flagsOf(store, { 'server-listen': '' })]);
        await until(() => child.soFar.stderr.includes('Backup operation completed'));
        child.kill('SIGTERM');
        const { stderr } = await child.done;
        assert.doesNotMatch(stderr, /HTTP server started/);
    });
});

describe('over TLS', () => {
    const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });

    /** Two certificates for 127.0.0.1 and backup.example, and three identities. */
    async function keys(t) {
        const dir = workspace(t);
        const path = (name) => join(dir, name);
        for (const name of ['server', 'next'])
            openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                '-days', '2', '-subj', '/CN=backup.example', '-addext',
                'subjectAltName=DNS:backup.example,IP:127.0.0.1',
                '-keyout', path(`${name}.key`), '-out', path(`${name}.cert`));
        const identities = {};
        for (const name of ['viewer', 'unbound', 'stranger']) {
            await mustRun(['identity', 'create', '--output-dir', path(name), '--difficulty', '8']);
            const { stdout } = await mustRun(['identity', 'show', '--json', '--cert',
                join(path(name), 'identity.cert')]);
            identities[name] = {
                id: JSON.parse(stdout).node_id,
                tls: { cert: readFileSync(join(path(name), 'identity.cert')),
                    key: readFileSync(join(path(name), 'identity.key')) },
                ca: readFileSync(join(path(name), 'ca.cert')),
            };
        }
        writeFileSync(path('clients.pem'), Buffer.concat([identities.viewer.ca, identities.unbound.ca]));
        return { path, identities, ca: readFileSync(path('server.cert')) };
    }

    it('knows nodes by their certificates, and tells those that are accepted from others', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const { path, identities, ca } = await keys(t);
        const store = new Store(workspace(t), node);
        const service = await startService(t, store, {
            'server-listen': '0.0.0.0:0',
            'server-tls-cert-path': path('server.cert'), 'server-tls-key-path': path('server.key'),
            'server-tls-client-ca-path': path('clients.pem'),
            'access-bindings': `node:${identities.viewer.id}=viewer`,
        });
        const url = service.url.replace('0.0.0.0', '127.0.0.1');
        assert.match(url, /^https:/);
        const get = (name, where) => ask(url, { path: where,
            tls: { ca, ...(name ? identities[name].tls : {}) } });
        assert.equal((await get('viewer', '/api/v1/status')).status, 200);
        assert.deepEqual((await get('viewer', '/api/v1/whoami')).json,
            { caller: `node:${identities.viewer.id}`, role: 'viewer' });
        assertProblem(await get('unbound', '/api/v1/status'), 403, 'AccessError');
        assertProblem(await get('stranger', '/api/v1/status'), 401, 'AccessError', /certificate/);
        assertProblem(await get(null, '/api/v1/status'), 401, 'AccessError');
        for (const open of ['/metrics', '/healthz', '/readyz', '/'])
            assert.equal((await get(null, open)).status, 200, open);
        const token = await makeToken(store, 'operator');
        assert.equal((await ask(url, { path: '/api/v1/whoami', token, tls: { ca } })).json.role, 'operator');
        const named = (host) => ask(url, { path: '/healthz', headers: { Host: host },
            tls: { ca, checkServerIdentity: () => undefined } });
        assert.equal((await named('backup.example:9464')).status, 200);
        assertProblem(await named('evil.example'), 421, 'ValidationError');
        await assert.rejects(ask(url, { path: '/healthz', tls: { ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } }));
        await assert.rejects(ask(url.replace('https', 'http'), { path: '/healthz' }));
    });

    it('takes over certificates, authorities and bindings while it runs', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const { path, identities } = await keys(t);
        const [ca, nextCa] = ['server', 'next'].map((name) => readFileSync(path(`${name}.cert`)));
        const install = (cert, key = cert) => {
            copyFileSync(path(`${cert}.cert`), path('live.cert'));
            copyFileSync(path(`${key}.key`), path('live.key'));
        };
        install('server');
        const config = join(workspace(t), 'config.yaml');
        const sections = serviceConfig(workspace(t), node, {
            server: { tls_cert_path: path('live.cert'), tls_key_path: path('live.key'),
                tls_client_ca_path: path('clients.pem') },
            access: { bindings: [`node:${identities.viewer.id}=viewer`] },
        });
        writeConfig(config, sections);
        const service = startConfigured(t, config);
        const { url } = await service.until(({ msg }) => msg === 'HTTP server started');
        const whoami = (name, trusted, agent) => ask(url, { path: '/api/v1/whoami', agent,
            tls: { ca: trusted, ...identities[name].tls } });
        /** Reads it all again, until something is logged. */
        const reload = async (pattern, more = {}) => {
            for (const [section, settings] of Object.entries(more))
                sections[section] = { ...sections[section], ...settings };
            writeConfig(config, sections);
            const before = service.log.all.length;
            service.child.kill('SIGHUP');
            return service.until((line) => service.log.all.indexOf(line) >= before
                && pattern.test(`${line.msg} ${line.setting}`));
        };
        const agent = new SecureAgent({ keepAlive: true, maxSockets: 1 });
        t.after(() => agent.destroy());
        assert.equal((await whoami('viewer', ca, agent)).json.role, 'viewer');
        assert.equal((await whoami('unbound', ca)).json.role, 'none');

        // What was renewed under the same names; connections that are there go on.
        install('next');
        await reload(/TLS certificate changed/,
            { access: { bindings: [`node:${identities.unbound.id}=operator`] } });
        assert.equal((await whoami('unbound', nextCa)).json.role, 'operator');
        assert.equal((await whoami('viewer', nextCa)).json.role, 'none');
        await assert.rejects(whoami('viewer', ca), /self-signed|unable to verify/);
        assert.equal((await whoami('viewer', ca, agent)).json.role, 'none');

        // What does not go together is not taken.
        install('next', 'server');
        const { error } = await reload(/TLS certificate not taken over/);
        assert.match(error, /live\.cert' and '.*live\.key'/);
        assert.equal((await whoami('unbound', nextCa)).status, 200);
        install('next');
        writeFileSync(path('clients.pem'), identities.viewer.ca);
        await reload(/TLS certificate changed/);
        assert.equal((await whoami('unbound', nextCa)).status, 401);
        assert.equal((await whoami('viewer', nextCa)).status, 200);

        // Other names; and TLS is not ended under those who rely on it.
        await reload(/^Setting changed server\.tls_key_path/,
            { server: { tls_cert_path: path('server.cert'), tls_key_path: path('server.key') } });
        await service.until(({ path: taken }) => taken === path('server.cert'));
        assert.equal((await whoami('viewer', ca)).status, 200);
        delete sections.server;
        const { level } = await reload(/needs a restart server\.tls_cert_path/);
        assert.equal(level, 'warn');
        assert.equal((await whoami('viewer', ca)).status, 200);
        agent.destroy();
        await service.stop();
    });

    it('refuses keys that are not its own, or everybody\'s', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: ENTRIES });
        t.after(() => node.stop());
        const { path } = await keys(t);
        const store = new Store(workspace(t), node);
        const tls = (key) => run(['run', 'backup', ...flagsOf(store, {
            'server-tls-cert-path': path('server.cert'), 'server-tls-key-path': path(key) })]);
        openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-out', path('other.key'));
        assertFailed(await tls('other.key'), 3, 'ValidationError', /server\.cert' and '.*other\.key'.*; server\.tls_key_path is/);
        openssl('ec', '-in', path('server.key'), '-out', path('open.key'));
        for (const mode of ['0644', '0620', '0602']) {
            execFileSync('chmod', [mode, path('open.key')]);
            assertFailed(await tls('open.key'), 3, 'ValidationError', /open to others/);
        }
        execFileSync('chown', ['1:0', path('open.key')]); // root's may be read by its group, no other's
        execFileSync('chmod', ['0640', path('open.key')]);
        assertFailed(await tls('open.key'), 3, 'ValidationError', /open to others/);
    });
});
