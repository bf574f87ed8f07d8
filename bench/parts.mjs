// SPDX-License-Identifier: Apache-2.0
//
// The parts of the benchmark. Each gets the options, starts the node that it needs, and returns
// plain data for the report.

import { relative } from 'node:path';
import { startAnvil } from '../tests/chain/anvil.mjs';
import { word } from '../tests/chain/layout.mjs';
import { startDelayProxy } from '../tests/chain/proxy.mjs';
import { rpc } from '../tests/chain/rpc.mjs';
import { stateFile } from '../tests/chain/state.mjs';
import { installSynthetic } from '../tests/chain/synthetic.mjs';
import {
    cache, NODE_CORE, root, runAndKeep, runBaseline, runResumeCheck, runSatellite, runTools,
    runVerify, runWrk,
} from './run.mjs';

const IN_FLIGHT = 10; // satellite's default, wrk's connections and the script's
const FAR_IN_FLIGHT = 32;
const FAR_DELAY_MS = 100;
const FAR_KEYS = 1_000_000; // 10,000 pages
const PAGE_SIZES = [100, 1000];

// Room for pages of 1,000 keys: a call may burn as much gas as a block, by default 30 million.
const LEAN = ['--accounts', '1', '--gas-limit', '2000000000', '--no-request-size-limit'];

export function median(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function say(text) {
    console.error(text);
}

/** Runs `body` with a node on its own core; the command is kept for the report. */
async function withNode(args, body) {
    const node = await startAnvil({ args: [...LEAN, ...args], cpu: NODE_CORE });
    try {
        const result = await body(node.url);
        return { node: node.command.map((word) => shortPath(word)).join(' '), ...result };
    } finally {
        await node.stop();
    }
}

function shortPath(text) {
    return text.startsWith(root) ? relative(root, text) : text;
}

async function targetAt(url, address, keys) {
    const block = await rpc(url, 'eth_getBlockByNumber', 'latest', false);
    return { url, address, keys, blockNumber: Number(block.number), blockHash: block.hash };
}

/** A node with a real contract that holds so many keys, loaded from a state file. */
async function withStore(keys, body) {
    say(`node with ${keys.toLocaleString('en')} keys loaded from a state file`);
    const { file, address } = await stateFile({ directory: cache, count: keys });
    return withNode(['--load-state', file], async (url) => {
        await rpc(url, 'evm_mine'); // the block that is read: block 0 has no real state root
        return body(url, address);
    });
}

/** A node with the contract that computes its keys. */
function withSynthetic(body) {
    return withNode([], body);
}

/** Rates side by side: wrk, satellite and the script on one node, in turn. */
export async function rate({ program, keys, pairs, seconds }) {
    return withStore(keys, async (url, address) => {
        const target = await targetAt(url, address, keys);
        const rows = [];
        for (const pageSize of PAGE_SIZES) {
            rows.push(await ratePairs(program, target, { pageSize, pairs, seconds }));
        }
        return { keys, pairs, seconds, inFlight: IN_FLIGHT, rows };
    });
}

async function ratePairs(program, target, { pageSize, pairs, seconds }) {
    const load = { pageSize, connections: IN_FLIGHT, seconds };
    const settings = { 'page-size': pageSize, 'max-concurrent-pages': IN_FLIGHT };
    await runWrk(target, { ...load, seconds: 1 }); // warms the node up
    const runs = [];
    for (let i = 1; i <= pairs; i++) {
        const run = {
            wrk: await runWrk(target, load),
            ...await runAndKeep(program, target, settings),
            script: await runBaseline(target, { pageSize }),
        };
        runs.push(run);
        say(`${pageSize} keys a page, ${i} of ${pairs}, pages/s: ` + ['wrk', 'satellite', 'script']
            .map((name) => `${name} ${run[name].rate.toFixed(1)}`).join(', '));
    }
    for (const run of runs) { // at the end: they write as much as a backup does
        const seconds = await runTools(run.archive);
        run.toolsCpuPerKeyUs = run.wrk.cpuPerPageUs / pageSize + (seconds / target.keys) * 1e6;
    }
    return summary(pageSize, runs);
}

function summary(pageSize, runs) {
    const toTools = runs.map((run) => run.satellite.cpuPerKeyUs / run.toolsCpuPerKeyUs);
    const of = (name, member) => median(runs.map((run) => run[name][member]));
    const ratios = runs.map((run) => run.satellite.rate / run.wrk.rate);
    const client = (name) => ({
        pagesPerSecond: of(name, 'rate'),
        keysPerSecond: of(name, 'keysPerSecond'),
        cpuPerKeyUs: of(name, 'cpuPerKeyUs'),
        peakMib: Math.max(...runs.map((run) => run[name].peakMib)),
    });
    return {
        pageSize,
        wrk: { pagesPerSecond: of('wrk', 'rate') },
        satellite: client('satellite'),
        script: client('script'),
        satelliteToWrk: median(ratios),
        satelliteToWrkEach: ratios,
        satelliteToScript: median(runs.map((run) => run.satellite.rate / run.script.rate)),
        toolsCpuPerKeyUs: median(runs.map((run) => run.toolsCpuPerKeyUs)),
        satelliteToTools: median(toTools),
        satelliteToToolsEach: toTools,
    };
}

/** Peak memory with default settings, at a million keys and at ten million. */
export async function memory({ program, memoryKeys }) {
    return withSynthetic(async (url) => {
        const rows = [];
        for (const keys of memoryKeys) {
            const address = await installSynthetic(url, keys);
            const run = await runSatellite(program, await targetAt(url, address, keys));
            rows.push({ keys, ...run });
            say(`${keys.toLocaleString('en')} keys: peak ${run.peakMib.toFixed(1)} MiB, ` +
                `${run.wall.toFixed(1)} s`);
        }
        return { rows };
    });
}

/** A node 100 ms away, against what so many requests in flight can give at best. */
export async function latency({ program, pairs, farKeys = FAR_KEYS, seconds }) {
    return withSynthetic(async (url) => {
        const address = await installSynthetic(url, farKeys);
        const near = await targetAt(url, address, farKeys);
        const proxy = await startDelayProxy({ target: url, delayMs: FAR_DELAY_MS });
        try {
            const runs = [];
            for (let i = 1; i <= pairs; i++) {
                runs.push(await latencyPair(program, near, { ...near, url: proxy.url }, seconds));
                const { limit, rate: got } = runs.at(-1);
                say(`${FAR_DELAY_MS} ms away, ${i} of ${pairs}: ${got.toFixed(1)} pages/s ` +
                    `of ${limit.toFixed(1)} possible`);
            }
            return { keys: farKeys, delayMs: FAR_DELAY_MS, inFlight: FAR_IN_FLIGHT,
                ...latencySummary(runs) };
        } finally {
            await proxy.stop();
        }
    });
}

async function latencyPair(program, near, far, seconds) {
    const load = { pageSize: 100, seconds };
    const nodeRate = (await runWrk(near, { ...load, connections: FAR_IN_FLIGHT })).rate;
    const roundTripMs = (await runWrk(far, { ...load, connections: 1 })).meanMs;
    const wrkRate = (await runWrk(far, { ...load, connections: FAR_IN_FLIGHT })).rate;
    const run = await runSatellite(program, far, {
        'page-size': 100, 'max-concurrent-pages': FAR_IN_FLIGHT,
    });
    const byLatency = FAR_IN_FLIGHT / (roundTripMs / 1000);
    const limit = Math.min(byLatency, nodeRate);
    return { nodeRate, roundTripMs, byLatency, wrkRate, limit, ...run };
}

function latencySummary(runs) {
    const of = (member) => median(runs.map((run) => run[member]));
    const ratios = runs.map((run) => run.rate / run.limit);
    return {
        roundTripMs: of('roundTripMs'),
        pagesPerSecondByLatency: of('byLatency'),
        pagesPerSecondOfNode: of('nodeRate'),
        pagesPerSecondOfWrkThere: of('wrkRate'),
        satellitePagesPerSecond: of('rate'),
        satelliteToLimit: median(ratios),
        satelliteToLimitEach: ratios,
    };
}

/** Verify against `unzip -t` and `sha256sum` on the same archive; the check of finished pages. */
export async function proof({ program, pairs, proofKeys, resumeMib }) {
    const verify = await withSynthetic(async (url) => {
        const address = await installSynthetic(url, proofKeys);
        const { bytes, runs } = await runVerify(program, await targetAt(url, address, proofKeys),
            pairs);
        const of = (name, member) => median(runs.map((run) => run[name][member]));
        const client = (name) => ({
            seconds: of(name, 'wall'),
            cpuSeconds: of(name, 'cpu'),
            peakMib: Math.max(...runs.map((run) => run[name].peakKib)) / 1024,
        });
        const ratios = runs.map((run) => run.tools.wall / run.satellite.wall);
        say(`verify of ${proofKeys.toLocaleString('en')} keys: ` +
            `${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} of the tools' speed`);
        return { keys: proofKeys, bytes, tools: client('tools'), satellite: client('satellite'),
            satelliteToTools: median(ratios), satelliteToToolsEach: ratios };
    });
    const resume = await runResumeCheck(program, resumeMib);
    for (const { pageSize, rates } of resume) {
        say(`resume check, ${pageSize} keys a page, GB/s a core: ${rates.join(', ')}`);
    }
    return { pairs, verify, resume };
}

// The table of the original program's README: [keys, in flight, its duration in s, its keys/s].
const ORIGINAL_ROWS = [
    [1_000, 5, 30, 33],
    [10_000, 10, 120, 83],
    [100_000, 20, 900, 111],
    [1_000_000, 50, 7200, 139],
];
const LARGEST_STORE = 100_000;

/** The same four rows, here. */
export async function original({ program }) {
    const rows = [];
    const run = async (url, address, row) => {
        const [keys, inFlight, originalSeconds, originalKeysPerSecond] = row;
        const { wall, keysPerSecond } = await runSatellite(program,
            await targetAt(url, address, keys),
            { 'page-size': 100, 'max-concurrent-pages': inFlight });
        rows.push({ keys, inFlight, seconds: wall, keysPerSecond,
            originalSeconds, originalKeysPerSecond });
        say(`${keys.toLocaleString('en')} keys: ${wall.toFixed(2)} s`);
    };
    const stored = await withStore(LARGEST_STORE, async (url, address) => {
        for (const row of ORIGINAL_ROWS.filter(([keys]) => keys <= LARGEST_STORE)) {
            // A shorter array is a smaller store: its length is slot 0.
            await rpc(url, 'anvil_setStorageAt', address, word(0n), word(BigInt(row[0])));
            await rpc(url, 'evm_mine');
            await run(url, address, row);
        }
    });
    await withSynthetic(async (url) => {
        for (const row of ORIGINAL_ROWS.filter(([keys]) => keys > LARGEST_STORE)) {
            await run(url, await installSynthetic(url, row[0]), row);
        }
    });
    return { ...stored, rows };
}
