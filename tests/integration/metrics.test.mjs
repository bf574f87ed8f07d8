// SPDX-License-Identifier: Apache-2.0
//
// backup metrics: the numbers are exactly what happened, whatever that was, and go on from one
// process to the next. What happened is read off the node, the manifest and the disk.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { oddEntries, realisticEntries } from '../chain/entries.mjs';
import { isPageCall, pageCalls, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, mustRun, start, Store, whileRunning, workspace } from './harness.mjs';

const ENTRIES = [...realisticEntries(250), ...oddEntries()];
const PAGES = Math.ceil(ENTRIES.length / 100);
const PREFIX = 'satellite_backup_';

async function fakeNode(t, options) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    return node;
}

async function prometheus(store, ...more) {
    const { code, stdout, stderr } =
        await store.command('metrics', '--format', 'prometheus', ...more);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    return stdout;
}

/** Every sample by its name and labels, without the prefix: 'keys_total', 'pages_total{…}'. */
function samples(text) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => {
        const [, name, value] = /^(.*) ([^ ]+)$/.exec(line);
        assert.ok(name.startsWith(PREFIX), line);
        return [name.slice(PREFIX.length), Number(value)];
    }));
}

const metrics = async (store) => samples(await prometheus(store));

/** A counter's series by their one label. */
function byLabel(values, name) {
    const series = Object.entries(values).filter(([key]) => key.startsWith(`${name}{`))
        .map(([key, value]) => [/"(.*)"\}$/.exec(key)[1], value]);
    return Object.fromEntries(series);
}

/** contract_calls_total as { 'eth_call ok': 6, … } */
function calls(values) {
    return Object.fromEntries(Object.entries(values)
        .map(([key, value]) => [/^contract_calls_total\{method="(\w+)",result="(\w+)"\}/.exec(key),
            value])
        .filter(([match]) => match)
        .map(([[, method, result], value]) => [`${method} ${result}`, value]));
}

/** What the node was asked, as calls() gives it where all went well. */
function asked(node) {
    const counts = {};
    for (const { method } of node.calls)
        counts[`${method} ok`] = (counts[`${method} ok`] ?? 0) + 1;
    return counts;
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

describe('a completed backup', () => {
    it('is counted, to the byte', async (t) => {
        const node = await fakeNode(t);
        const store = new Store(workspace(t), node);
        const before = Date.now() / 1000;
        await store.mustRun();
        const values = await metrics(store);
        const manifest = store.manifest();
        const archive = store.archiveBytes().length;
        assert.deepEqual(byLabel(values, 'operations_total'),
            { started: 1, completed: 1, failed: 0 });
        assert.deepEqual(byLabel(values, 'pages_total'),
            { completed: PAGES, reused: 0, failed: 0 });
        assert.deepEqual(calls(values), asked(node));
        assert.deepEqual(byLabel(values, 'contract_errors_total'), {});
        assert.equal(values.page_duration_seconds_count, PAGES);
        assert.equal(values['page_duration_seconds_bucket{le="+Inf"}'], PAGES);
        assert.equal(values.contract_call_duration_seconds_count, node.calls.length);
        assert.equal(values.keys_total, ENTRIES.length);
        assert.ok(sum(Object.values(manifest.warnings)) > 0);
        assert.equal(values.warnings_total, sum(Object.values(manifest.warnings)));
        assert.equal(values.files_created_total, PAGES + 2);
        assert.equal(values.files_deleted_total, 0);
        assert.equal(values.file_bytes_total, archive + sum(manifest.pages.map((p) => p.size)));
        for (const name of ['retries_total', 'page_splits_total', 'repins_total'])
            assert.equal(values[name], 0, name);
        assert.equal(values.last_keys, ENTRIES.length);
        assert.equal(values.last_size_bytes, archive);
        assert.equal(values.last_block_number, manifest.block_number);
        assert.ok(values.last_success_timestamp_seconds >= before - 1);
        assert.ok(values.last_success_timestamp_seconds <= Date.now() / 1000);
        assert.ok(values.last_run_peak_memory_bytes > 1 << 20);
        assert.deepEqual(byLabel(values, 'endpoint_breaker_state'), { [node.url]: 0 });
        assert.deepEqual(byLabel(values, 'build_info'), { '0.1.0': 1 });
    });

    it('is counted with its signature', async (t) => {
        const directory = workspace(t);
        const identity = join(directory, 'identity');
        await mustRun(['identity', 'create', '--output-dir', identity, '--difficulty', '0']);
        const store = new Store(directory, await fakeNode(t), {
            'identity-cert-path': join(identity, 'identity.cert'),
            'identity-key-path': join(identity, 'identity.key'),
        });
        await store.mustRun();
        assert.equal((await metrics(store)).files_created_total, PAGES + 3);
    });

    it('is counted once, by the run that made it', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        await store.mustRun();
        const first = readFileSync(join(store.directory, 'metrics.json'), 'utf8');
        assert.match((await store.mustRun()).stdout, /done already/);
        await store.mustRun('--dry-run');
        const values = await metrics(store);
        const kept = JSON.parse(first).values;
        assert.equal(values['operations_total{result="started"}'], 1);
        assert.equal(values.keys_total, ENTRIES.length);
        assert.equal(values.last_success_timestamp_seconds * 1000,
            kept.last_success_timestamp_seconds);
    });

    it('adds to those of other processes', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        for (const date of ['2024-01-15', '2024-01-16', '2024-01-17']) {
            const { code, stderr } = await store.command('run', '--backup-date', date);
            assert.equal(code, 0, stderr);
        }
        const values = await metrics(store);
        assert.equal(values['operations_total{result="completed"}'], 3);
        assert.equal(values.keys_total, 3 * ENTRIES.length);
        assert.equal(values.page_duration_seconds_count, 3 * PAGES);
        assert.equal(values.last_keys, ENTRIES.length);
    });

    it('counts the files that it and a cleanup remove', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t),
            { 'keep-page-files': false, 'retention-min-backups': 1 });
        await store.mustRun();
        assert.equal((await metrics(store)).files_deleted_total, PAGES);
        const { code } = await store.command('run', '--backup-date', '2024-01-16');
        assert.equal(code, 0);
        const there = readdirSync(store.path(DATE)).length;
        await store.command('cleanup', '--older-than', '1d');
        assert.ok(!existsSync(store.path(DATE)));
        assert.equal((await metrics(store)).files_deleted_total, 2 * PAGES + there);
    });
});

describe('a node with troubles', () => {
    it('counts each attempt, and what came of it', async (t) => {
        const node = await fakeNode(t, {
            methods: pageCalls(2, () => new RawReply({ body: '{"jsonrpc"', cutAt: 5, reset: true })),
        });
        const store = new Store(workspace(t), node);
        await store.mustRun();
        const values = await metrics(store);
        const { 'eth_call ok': all, ...others } = asked(node);
        assert.deepEqual(calls(values),
            { 'eth_call ok': all - 2, 'eth_call no_answer': 2, ...others });
        assert.equal(values.retries_total, 2);
        assert.equal(values.page_duration_seconds_count, PAGES);
        assert.deepEqual(byLabel(values, 'contract_errors_total'), {});
    });

    for (const [result, lie] of [
        ['throttled', () => new RawReply({ status: 429 })],
        ['trouble', () => new RawReply({ status: 502, body: '<html>bad gateway</html>' })],
        ['block_unknown', () => { throw new RpcError(-32000, 'header not found'); }],
        ['no_answer', (truth) => new RawReply({ body: JSON.stringify({ r: truth() }), cutAt: 9 })],
    ]) {
        it(`knows ${result}`, async (t) => {
            const node = await fakeNode(t, { methods: pageCalls(1, lie) });
            const store = new Store(workspace(t), node);
            await store.mustRun();
            const values = await metrics(store);
            assert.equal(calls(values)[`eth_call ${result}`], 1, JSON.stringify(calls(values)));
            assert.equal(values.retries_total, 1);
        });
    }

    it('counts pages that it had to split, which are no errors', async (t) => {
        let refused = 0;
        const node = await fakeNode(t, { page(start, count) {
            if (count <= 12) return undefined;
            refused += 1;
            throw new RpcError(-32000, 'out of gas');
        } });
        const { page } = node;
        const healthy = await fakeNode(t);
        node.page = (start, count) => page(start, count) ?? healthy.page(start, count);
        const store = new Store(workspace(t), node);
        await store.mustRun();
        const values = await metrics(store);
        assert.ok(refused > 0);
        assert.equal(values.page_splits_total, refused);
        assert.equal(calls(values)['eth_call too_heavy'], refused);
        const again = node.pagesAsked().filter(([start, count], i, all) => // with more memory
            all.findIndex(([s, c]) => s === start && c === count) < i).length;
        assert.equal(calls(values)['eth_call outgrown'] ?? 0, again);
        assert.deepEqual(byLabel(values, 'contract_errors_total'), {});
        assert.equal(values['pages_total{result="completed"}'], PAGES);
    });

    it('counts a block that was lost', async (t) => {
        const node = await fakeNode(t, { methods: {
            eth_call(params) {
                if (isPageCall(params) && this.chain.finalized === 98) {
                    this.chain.fork = 'another';
                    this.chain.finalized = 99;
                }
                return this.truth('eth_call', params);
            },
        } });
        const store = new Store(workspace(t), node);
        await store.mustRun();
        const values = await metrics(store);
        assert.equal(values.repins_total, 1);
        assert.equal(values['operations_total{result="completed"}'], 1);
        assert.equal(values.last_block_number, 99);
    });

    it('shows the breaker of the endpoint that is left alone', async (t) => {
        const good = await fakeNode(t);
        const bad = await fakeNode(t, { methods: pageCalls(1000, () =>
            new RawReply({ status: 500, body: 'no' })) });
        const store = new Store(workspace(t), good, {
            'page-size': 5, 'contract-rpc-urls': `${good.url},${bad.url}`,
        });
        await store.mustRun();
        const values = await metrics(store);
        assert.deepEqual(byLabel(values, 'endpoint_breaker_state'),
            { [good.url]: 0, [bad.url]: 2 });
        const tried = bad.pagesAsked().length;
        assert.equal(calls(values)['eth_call trouble'], tried);
        assert.equal(values.retries_total, tried);
    });
});

describe('a backup that fails', () => {
    it('is counted with its page and its error, and so is the retry', async (t) => {
        const node = await fakeNode(t, { methods: pageCalls(1000, () => {
            throw new RpcError(3, 'execution reverted: closed');
        }) });
        const store = new Store(workspace(t), node,
            { 'max-concurrent-pages': 1, 'contract-block': 90 });
        const { code, stderr } = await store.run();
        assert.notEqual(code, 0);
        const [, errorType] = /^satellite: (\w+):/.exec(stderr);
        let values = await metrics(store);
        assert.deepEqual(byLabel(values, 'operations_total'),
            { started: 1, completed: 0, failed: 1 });
        assert.deepEqual(byLabel(values, 'pages_total'), { completed: 0, reused: 0, failed: 1 });
        // Another page may have been asked for before the first one's end was heard of.
        const { 'eth_call reverted': reverted, 'eth_call canceled': canceled = 0 } = calls(values);
        assert.equal(reverted + canceled, node.pagesAsked().length);
        assert.deepEqual(byLabel(values, 'contract_errors_total'), { [errorType]: reverted });
        assert.equal(values.last_success_timestamp_seconds, 0);
        assert.equal(values.keys_total, 0);

        Object.assign(node.methods, pageCalls(0));
        assert.equal((await store.command('retry', '--backup-date', DATE)).code, 0);
        values = await metrics(store);
        assert.deepEqual(byLabel(values, 'operations_total'),
            { started: 2, completed: 1, failed: 1 });
        assert.equal(values['pages_total{result="completed"}'], PAGES);
        assert.equal(values.keys_total, ENTRIES.length);
    });

    it('is counted where nobody answers, but the first of all leaves only its audit log', async (t) => {
        const node = await fakeNode(t);
        const nobody = { url: 'http://127.0.0.1:1', address: node.address };
        const directory = workspace(t);
        const broken = new Store(directory, nobody, { 'retry-attempts': 1 });
        assert.equal((await broken.run()).code, 4);
        assert.deepEqual(readdirSync(directory), ['audit.log']);
        await new Store(directory, node).mustRun();
        const { code } = await broken.command('run', '--backup-date', '2024-01-16');
        assert.equal(code, 4);
        const values = await metrics(broken);
        assert.deepEqual(byLabel(values, 'operations_total'),
            { started: 2, completed: 1, failed: 1 });
        assert.ok(calls(values)['eth_chainId no_answer'] >= 1, JSON.stringify(calls(values)));
    });

    it('has not failed where it was stopped on purpose; what it had is taken over', async (t) => {
        let release;
        const released = new Promise((resolve) => { release = resolve; });
        let reached;
        const held = new Promise((resolve) => { reached = resolve; });
        const node = await fakeNode(t, { methods: {
            async eth_call(params) {
                const truth = this.truth('eth_call', params);
                if (isPageCall(params) && this.pagesAsked().at(-1)[0] >= 200) {
                    reached();
                    await released;
                }
                return truth;
            },
        } });
        const store = new Store(workspace(t), node,
            { 'max-concurrent-pages': 1, 'contract-block': 90 });
        const child = start(store.args('run', '--backup-date', DATE));
        await whileRunning(child, held);
        child.kill('SIGINT');
        assert.equal((await child.done).code, 130);
        let values = await metrics(store);
        assert.deepEqual(byLabel(values, 'operations_total'),
            { started: 1, completed: 0, failed: 0 });
        assert.deepEqual(byLabel(values, 'pages_total'), { completed: 2, reused: 0, failed: 0 });
        assert.equal(calls(values)['eth_call canceled'], 1);
        release();
        await store.mustRun();
        values = await metrics(store);
        assert.deepEqual(byLabel(values, 'pages_total'),
            { completed: PAGES, reused: 2, failed: 0 });
        assert.equal(values.keys_total, ENTRIES.length);
    });
});

describe('checks', () => {
    it('are counted as valid, invalid, and not to be made', async (t) => {
        const node = await fakeNode(t);
        const store = new Store(workspace(t), node);
        await store.mustRun();
        const verify = async (...more) => (await store.command('verify', ...more)).code;
        const codes = await Promise.all([verify(), verify(), verify()]); // and none gets lost
        assert.deepEqual(codes, [0, 0, 0]);
        let values = await metrics(store);
        assert.deepEqual(byLabel(values, 'verify_total'), { valid: 3, invalid: 0, error: 0 });
        const lastValid = values.verify_last_valid_timestamp_seconds;
        assert.ok(lastValid > 0 && lastValid <= Date.now() / 1000);

        Object.assign(node.methods, pageCalls(1000, () => new RawReply({ status: 403 })));
        assert.notEqual(await verify('--against-chain'), 0);
        const page = store.path(DATE, 'page_0.json');
        writeFileSync(page, readFileSync(page).subarray(1));
        assert.equal(await verify(), 8);
        values = await metrics(store);
        assert.deepEqual(byLabel(values, 'verify_total'), { valid: 3, invalid: 1, error: 1 });
        assert.equal(values.verify_last_valid_timestamp_seconds, lastValid);
    });

    it('that restore leave when that was', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        await store.mustRun();
        assert.equal((await metrics(store)).test_restore_last_success_timestamp_seconds, 0);
        assert.equal((await store.command('test-restore')).code, 0);
        const at = (await metrics(store)).test_restore_last_success_timestamp_seconds;
        assert.ok(at > 0 && at <= Date.now() / 1000);
        writeFileSync(store.archivePath(), 'no zip');
        assert.notEqual((await store.command('test-restore')).code, 0);
        assert.equal((await metrics(store)).test_restore_last_success_timestamp_seconds, at);
    });
});

describe('the totals', () => {
    it('that were damaged begin anew, said once, and the backup is none the worse', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t), { 'log-level': 'warn' });
        const run = async (date) => store.command('run', '--backup-date', date);
        assert.equal((await run(DATE)).code, 0);
        writeFileSync(join(store.directory, 'metrics.json'), '{"version":1,"values":{"keys');
        const { code, stderr } = await run('2024-01-16');
        assert.equal(code, 0, stderr);
        assert.equal(stderr.split('\n').filter((line) => /Totals/.test(line)).length, 1, stderr);
        assert.doesNotMatch((await run('2024-01-17')).stderr, /Totals/);
        const values = await metrics(store);
        assert.equal(values['operations_total{result="completed"}'], 2);
    });

    it('that cannot be written are said, and the backup is completed', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t), { 'log-level': 'warn' });
        await store.mustRun();
        execFileSync('rm', [join(store.directory, 'metrics.json')]);
        execFileSync('mkdir', [join(store.directory, 'metrics.json')]);
        const { code, stderr } = await store.command('run', '--backup-date', '2024-01-16');
        assert.equal(code, 0, stderr);
        assert.match(stderr, /Totals not kept/);
    });

    it('are of their owner alone, and hold no secret', async (t) => {
        const node = await fakeNode(t);
        const url = `${node.url.replace('//', '//user:hunter2@')}/v3/SECRETKEY?token=SECRETTOO`;
        const store = new Store(workspace(t), node, { 'contract-rpc-urls': url });
        await store.mustRun();
        const file = join(store.directory, 'metrics.json');
        assert.equal((statSync(file).mode & 0o777).toString(8), '600');
        const shown = readFileSync(file, 'utf8') + await prometheus(store) +
            (await store.command('metrics')).stdout + (await store.command('metrics', '--json')).stdout;
        assert.doesNotMatch(shown, /hunter2|SECRET|user/);
        assert.ok(shown.includes(`endpoint="${node.url}"`));
    });

    it('are kept by a service while it runs', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t), { 'chore-interval': '1d' });
        const args = store.args('run').slice(2);
        args.splice(args.indexOf('--progress'), 2);
        const service = start(['run', 'backup', ...args]);
        let values = {};
        await whileRunning(service, (async () => {
            while (values['operations_total{result="completed"}'] !== 1) {
                await sleep(20);
                if (existsSync(join(store.directory, 'metrics.json')))
                    values = await metrics(store);
            }
        })());
        assert.equal(values.keys_total, ENTRIES.length);
        service.kill('SIGTERM');
        assert.equal((await service.done).code, 0);
        assert.equal((await metrics(store))['operations_total{result="started"}'], 1);
    });
});

describe('the forms', () => {
    it('are clean for promtool, before and after there was anything', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t, {
            methods: pageCalls(1, () => new RawReply({ reset: true })),
        }));
        const check = async (...more) => {
            const input = await prometheus(store, ...more);
            assert.equal(execFileSync('promtool', ['check', 'metrics'],
                { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }), '');
            return input;
        };
        assert.equal(samples(await check()).keys_total, 0);
        await store.mustRun();
        await store.command('verify');
        const all = samples(await check());
        const resources = samples(await check('--resource-usage'));
        assert.deepEqual(Object.keys(resources), ['last_run_peak_memory_bytes',
            'last_run_cpu_seconds', 'disk_used_bytes', 'disk_free_bytes']);
        assert.equal(resources.last_run_cpu_seconds, all.last_run_cpu_seconds);
    });

    it('say the same in JSON', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        await store.mustRun();
        const values = await metrics(store);
        const document = await store.json('metrics');
        assert.deepEqual((await store.json('metrics', '--format', 'json')).metrics
            .map(({ name }) => name), document.metrics.map(({ name }) => name));
        const flat = {};
        for (const metric of document.metrics) {
            const name = metric.name.slice(PREFIX.length);
            if (metric.type === 'histogram') {
                flat[`${name}_sum`] = metric.sum;
                flat[`${name}_count`] = metric.count;
                for (const { le, count } of metric.buckets)
                    flat[`${name}_bucket{le="${le}"}`] = count;
            } else {
                const labels = Object.entries(metric.labels).map(([k, v]) => `${k}="${v}"`);
                flat[labels.length ? `${name}{${labels.join(',')}}` : name] = metric.value;
            }
        }
        for (const of of [flat, values]) // the disk is not ours alone
            for (const name of ['disk_used_bytes', 'disk_free_bytes']) delete of[name];
        assert.deepEqual(flat, values);
    });

    it('are readable in the table', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        await store.mustRun();
        const { stdout } = await store.command('metrics');
        assert.match(stdout, /^METRIC +OF +VALUE\n/);
        assert.match(stdout, /\noperations_total +completed +1\n/);
        assert.match(stdout, /\nlast_success_timestamp_seconds +\d{4}-\d\d-\d\d /);
        assert.match(stdout, /\ntest_restore_last_success_timestamp_seconds +never\n/);
        assert.match(stdout, new RegExp(`\npage_duration_seconds +times +${PAGES}\n`));
    });

    it('are three', async (t) => {
        const store = new Store(workspace(t), await fakeNode(t));
        assertFailed(await store.command('metrics', '--format', 'xml'), 2, 'UsageError', /xml/);
        const { code } = await store.command('metrics', '--json', '--format', 'table');
        assert.equal(code, 2);
    });
});
