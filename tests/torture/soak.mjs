// SPDX-License-Identifier: Apache-2.0
//
// The service for many minutes on a contract that keeps changing and a node that fails every tenth
// call: every backup must be whole at its block, and the process must not grow.
//
//   node tests/torture/soak.mjs [SECONDS]        600 by default

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodePageCall, encodePage, wordHex } from '../chain/abi.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { archivedEntries, assertSameEntries, start, Store } from '../integration/harness.mjs';

const SECONDS = Number(process.argv[2] ?? process.env.SECONDS ?? 600);
const BLOCK_MS = 500;
const SAMPLE_MS = 1000;
const FAULTS = 0.1;
const ALL = realisticEntries(3100);
const FIRST_BLOCK = 100;

/** What the contract holds at a block: it grows, and each block edits some values. */
function entriesAt(block) {
    const keys = 3000 + Math.min(block - FIRST_BLOCK, 100);
    return ALL.slice(0, keys).map((entry, i) => (i % 97 === block % 97
        ? { ...entry, value: Buffer.from(`edited in block ${block}`) } : entry));
}

const TROUBLE = [
    () => new RawReply({ status: 500, body: 'oops' }),
    () => new RawReply({ status: 429, headers: { 'retry-after': '0' } }),
    () => new RawReply({ body: '<html>' }),
    () => new RawReply({ body: '{"jsonrpc":"2.0","id":1,"result":"0x00"', cutAt: 20 }),
    () => new RawReply({ reset: true }),
    () => { throw new RpcError(-32005, 'limit exceeded'); },
    () => { throw new RpcError(-32603, 'internal error'); },
    () => { throw new RpcError(-32000, 'header not found'); },
    () => { throw new RpcError(-32000, 'execution timeout'); },
];

let calls = 0;
function troubled(truth) {
    calls += 1;
    return Math.random() < FAULTS ? TROUBLE[calls % TROUBLE.length]() : truth();
}

async function startNode() {
    let cached = {};
    const at = (block) => {
        if (cached.block !== block) cached = { block, entries: entriesAt(block) };
        return cached.entries;
    };
    const node = await startFakeNode({ latest: FIRST_BLOCK + 2, safe: FIRST_BLOCK + 1,
        finalized: FIRST_BLOCK, methods: {
            eth_call(params) {
                const truth = this.truth('eth_call', params); // also when it is not for the contract
                if (!params[0].to) return truth;
                const entries = at(this.chain.resolve(params[1]));
                if (!isPageCall(params)) return troubled(() => `0x${wordHex(entries.length)}`);
                const [first, count] = decodePageCall(params[0].data ?? params[0].input);
                return troubled(() => encodePage(entries.slice(first, first + count)));
            },
            eth_getBlockByNumber(params) {
                return troubled(() => this.truth('eth_getBlockByNumber', params));
            },
        } });
    const born = Math.floor(Date.now() / 1000);
    node.chain.timestampOf = (number) => born + Math.floor((number - FIRST_BLOCK) * BLOCK_MS / 1000);
    return node;
}

function sample(pid) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
    return { rss: number('VmRSS') / 1024, threads: number('Threads'),
        descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** The log's lines, as objects, while they come. */
function followLog(child, take) {
    let rest = '';
    child.stderr.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        for (const part of parts) take(JSON.parse(part));
    });
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Whether the last third of the samples is above the first (the warm-up left out). */
function growth(samples) {
    const warm = samples.slice(Math.floor(samples.length / 10));
    const third = Math.floor(warm.length / 3);
    const grown = [];
    for (const [name, share, room] of [['rss', 1.1, 2], ['threads', 1, 1], ['descriptors', 1, 2]]) {
        const of = (part) => mean(part.map((one) => one[name]));
        const [first, last] = [of(warm.slice(0, third)), of(warm.slice(-third))];
        const most = Math.max(...warm.map((one) => one[name]));
        console.log(`${name}: ${first.toFixed(1)} in the first third, ${last.toFixed(1)} in the ` +
            `last, at most ${most.toFixed(1)}`);
        if (last > first * share + room) grown.push(name);
    }
    return grown;
}

async function main() {
    const directory = mkdtempSync(join(tmpdir(), 'satellite-soak-'));
    const node = await startNode();
    const ticks = setInterval(() => {
        for (const tag of ['latest', 'safe', 'finalized']) node.chain[tag] += 1;
        if (node.calls.length > 10_000) node.calls.splice(0, 5000);
    }, BLOCK_MS);
    const store = new Store(directory, node, {
        'chore-interval': '2s', 'log-format': 'json', 'log-level': 'info', 'min-free-space': 0,
    });
    const flags = store.args('status').slice(2);
    flags.splice(flags.indexOf('--progress'), flags.includes('--progress') ? 2 : 0);
    const service = start(['run', 'backup', ...flags]);
    const completed = [];
    const failures = [];
    followLog(service, (line) => {
        if (line.msg === 'Backup operation completed') completed.push(line);
        if (line.level === 'error') failures.push(line);
    });
    const samples = [];
    const wrong = [];
    let checked = 0;
    let blocks = 0;
    const started = Date.now();
    while (Date.now() - started < SECONDS * 1000 && service.exitCode === null) {
        await sleep(SAMPLE_MS);
        samples.push(sample(service.pid));
        for (; checked < completed.length; checked++) {
            const { backup_date: date } = completed[checked];
            const { block_number: block } = store.manifest(date);
            blocks = Math.max(blocks, block);
            try {
                assertSameEntries(archivedEntries(store.archivePath(date)), entriesAt(block));
            } catch (error) {
                wrong.push(`${date} at block ${block}: ${error.message}`);
            }
            for (const name of readdirSync(store.path(date))) {
                if (name.startsWith('page_')) rmSync(store.path(date, name));
            }
        }
    }
    service.kill('SIGTERM');
    const { code } = await service.done;
    clearInterval(ticks);
    await node.stop();
    rmSync(directory, { recursive: true, force: true });

    const retries = completed.reduce((sum, line) => sum + line.retries, 0);
    console.log(`${SECONDS} s: ${completed.length} backups completed, ${checked} compared entry by ` +
        `entry, ${wrong.length} wrong, ${failures.length} failures said; ${calls} calls, ` +
        `${retries} retries; blocks ${FIRST_BLOCK} to ${blocks}`);
    for (const line of failures.slice(0, 5)) console.log(`said: ${line.error_type}: ${line.error}`);
    for (const line of wrong.slice(0, 5)) console.log(`WRONG: ${line}`);
    const grown = growth(samples);
    assert.equal(code, 0, 'the service ended with an error');
    assert.ok(checked > SECONDS / 4, 'too few backups');
    assert.deepEqual(wrong, []);
    assert.deepEqual(grown, [], 'it grew');
}

await main();
