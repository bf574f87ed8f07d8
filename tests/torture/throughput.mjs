// SPDX-License-Identifier: Apache-2.0
//
// Two figures, printed and not judged: what a node that fails every tenth call costs in pages a
// second, and how long it takes to go on elsewhere when an endpoint dies in the middle of a run.
//
//   node tests/torture/throughput.mjs

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePageCall } from '../chain/abi.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RawReply, RpcError, startFakeNode } from '../chain/fake.mjs';
import { Store } from '../integration/harness.mjs';

const PAGES = 3000;
const PAGE_SIZE = 10;
const FAULTS = 0.1;
const ENTRIES = realisticEntries(PAGES * PAGE_SIZE);
const SETTINGS = { // the defaults, but for the size of a page
    'page-size': PAGE_SIZE, 'contract-block': 90, 'retry-delay': '500ms',
    'retry-max-delay': '30s', 'max-concurrent-pages': 32, 'min-free-space': 0,
};
const directory = mkdtempSync(join(tmpdir(), 'satellite-throughput-'));
let runs = 0;

/** Milliseconds that a whole backup from these nodes takes. */
async function timed(nodes, settings = {}) {
    const store = new Store(join(directory, String(++runs)),
        { url: nodes.map((node) => node.url).join(), address: nodes[0].address },
        { ...SETTINGS, ...settings });
    const started = performance.now();
    await store.mustRun();
    return performance.now() - started;
}

const troubles = [
    () => new RawReply({ status: 500, body: 'oops' }),
    () => new RawReply({ reset: true }),
    () => { throw new RpcError(-32603, 'internal error'); },
    () => new RawReply({ body: '{"jsonrpc"', cutAt: 5 }),
];

async function pagesASecond(faults) {
    let calls = 0;
    const node = await startFakeNode({ entries: ENTRIES, methods: {
        eth_call(params) {
            const fails = isPageCall(params) && Math.random() < faults;
            return fails ? troubles[++calls % troubles.length]() : this.truth('eth_call', params);
        },
    } });
    const ms = await timed([node]);
    await node.stop();
    return PAGES * 1000 / ms;
}

/** One of two endpoints dies (`lie`) in the middle: the longest wait of what it owed. */
async function failover(lie, settings) {
    const owed = new Map(); // first key of a page: since when its endpoint is dead
    let longest = 0;
    let noticed = 0;
    let diedAt = Infinity;
    const watch = (params, dead) => {
        const [first] = decodePageCall(params[0].data ?? params[0].input);
        if (dead) {
            owed.set(first, owed.get(first) ?? performance.now());
        } else if (owed.has(first)) {
            longest = Math.max(longest, performance.now() - owed.get(first));
            noticed = noticed || performance.now() - diedAt;
            owed.delete(first);
        }
    };
    const good = await startFakeNode({ entries: ENTRIES, methods: {
        eth_call(params) {
            if (isPageCall(params)) watch(params, false);
            return this.truth('eth_call', params);
        },
    } });
    let answered = 0;
    const dying = await startFakeNode({ entries: ENTRIES, methods: {
        eth_call(params) {
            if (!isPageCall(params)) return this.truth('eth_call', params);
            answered += 1;
            if (answered < PAGES / 6) return this.truth('eth_call', params);
            if (diedAt === Infinity) diedAt = performance.now();
            watch(params, true);
            return lie();
        },
    } });
    const ms = await timed([dying, good], settings);
    await good.stop();
    await dying.stop();
    return { ms, noticed, longest, wasted: answered - PAGES / 6 };
}

async function main() {
    const rates = { none: [], faults: [] };
    for (let pair = 0; pair < 3; pair++) {
        rates.none.push(await pagesASecond(0));
        rates.faults.push(await pagesASecond(FAULTS));
    }
    const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
    const [none, faults] = [median(rates.none), median(rates.faults)];
    console.log(`pages/s: ${none.toFixed(0)} without faults, ${faults.toFixed(0)} with 10 % ` +
        `(${(faults / none).toFixed(2)})`);
    for (const [name, lie, settings] of [
        ['answers 500', () => new RawReply({ status: 500, body: '' })],
        ['resets', () => new RawReply({ reset: true })],
        ['is silent (smart_contract_timeout 1s)', () => new Promise(() => {}),
            { 'smart-contract-timeout': '1s' }],
    ]) {
        const { ms, noticed, longest, wasted } = await failover(lie, settings);
        console.log(`one of two endpoints ${name}: its first page is asked for elsewhere after ` +
            `${noticed.toFixed(0)} ms, the last after ${longest.toFixed(0)} ms; ${wasted} calls ` +
            `wasted on it; ${PAGES} pages in ${ms.toFixed(0)} ms`);
    }
    rmSync(directory, { recursive: true });
}

await main();
