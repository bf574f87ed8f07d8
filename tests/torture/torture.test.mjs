// SPDX-License-Identifier: Apache-2.0
//
// Everything that can fail fails once, at every place where it can: after each failure nothing that
// was complete is touched, the error is said, and a retry gives the same bytes as an undisturbed
// run, without fetching again what was recorded. TORTURE=long tries every place, else some.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isPageCall, RawReply } from '../chain/fake.mjs';
import { DATE, start } from '../integration/harness.mjs';
import { faultsModule, LONG, PAGES, Rig } from './rig.mjs';

const KILLS = LONG ? 250 : 20;
const DELAY_MS = 60; // a page, so that a run records some before its end
const MOST_FAILURES = 10; // of one sweep, before it is given up
const MOST = 100_000; // a sweep that does not end by itself is a failure

let rig;
const table = [];

before(async () => {
    assert.ok(existsSync(faultsModule), `${faultsModule} is not built`);
    rig = await Rig.open();
});

after(async () => {
    await rig?.close();
    if (table.length > 0) console.log(report());
});

function report() {
    const rows = [['fault', 'tried', 'survived', 'said', 'killed', 'pages kept'], ...table];
    const width = Math.max(...rows.map(([fault]) => fault.length));
    return rows.map(([fault, ...counts]) =>
        fault.padEnd(width) + counts.map((count) => String(count).padStart(11)).join('')).join('\n');
}

function count(fault, outcomes) {
    const struck = outcomes.filter((outcome) => outcome.struck);
    table.push([fault, struck.length, struck.filter((outcome) => outcome.survived).length,
        struck.filter((outcome) => outcome.code > 0).length,
        struck.filter((outcome) => outcome.killed).length,
        struck.reduce((sum, outcome) => sum + outcome.kept, 0)]);
    return struck;
}

/** 1, 1 + step, … until a trial goes through without its fault. */
function* everyPlace(step, outcomes) {
    for (let number = 1; outcomes.every(({ struck }) => struck); number += step) {
        assert.ok(number < MOST, 'the fault never ends');
        yield number;
    }
}

/** So many places, spread evenly from the first to the last. */
function* somePlaces(samples, places) {
    const apart = Math.max((places - 1) / Math.max(samples - 1, 1), 1);
    for (let at = 1; at < places + 0.5; at += apart) yield Math.round(at);
}

/** Tries a fault at every place where it can be (TORTURE=long), or at so many samples of them. */
async function sweep(name, samples, trialAt, longStep = 1) {
    const outcomes = [];
    const failures = [];
    const numbers = LONG ? everyPlace(longStep, outcomes)
        : somePlaces(samples, await rig.places(trialAt(0)));
    const lane = async () => {
        for (const number of numbers) {
            if (failures.length >= MOST_FAILURES) return;
            await rig.trial(trialAt(number)).then((outcome) => outcomes.push(outcome),
                (error) => failures.push(error));
        }
    };
    await Promise.all(rig.nodes.map(lane));
    const struck = count(name, outcomes);
    if (failures.length > 0) {
        throw new Error(failures.map((error) => error.message).join('\n'), { cause: failures[0] });
    }
    assert.ok(struck.length > 0, 'the fault never struck');
    return struck;
}

function sweeps(title, rows) {
    describe(title, () => {
        for (const [fault, samples, { longStep, ...trial } = {}] of rows) {
            const { from = 'older', lost, keep } = trial;
            const name = [fault.replace(':', ' N').replace(':', ' '), lost && `lost=${lost}`,
                from === 'first' && 'first run', keep === false && 'pages removed']
                .filter(Boolean).join(', ');
            it(name, async () => {
                const [kind, onwards, how] = fault.split(':');
                await sweep(name, samples, (number) =>
                    ({ from, ...trial, fault: `${kind}:${number}${onwards}:${how}` }), longStep);
            });
        }
    });
}

// KIND:[+]:HOW, and how many places the short form tries.
sweeps('a call fails', [
    ['write::EIO', 4], ['write::SHORT', 3], ['write::EIO', 4, { from: 'first' }],
    ['fsync::EIO', 4], ['fsync::EIO', 3, { from: 'first' }],
    ['rename::EIO', 3], ['link::EIO', 1], ['link::EMLINK', 1], ['unlink::EIO', 3],
    ['close::EIO', 3], ['open::EMFILE', 3], ['open::EACCES', 3, { from: 'first' }],
    ['truncate::EIO', 2], ['mkdir::EIO', 2, { from: 'first' }],
    ['unlink::EIO', 2, { keep: false }],
]);

sweeps('the disk is full from then on', [
    ['write:+:ENOSPC', 4], ['write:+:ENOSPC', 3, { from: 'first' }], ['open:+:ENOSPC', 2],
    ['any:+:EIO', 3], ['any:+:EROFS', 3, { from: 'first' }],
]);

sweeps('a call never comes back', [
    ['write::HANG', 3], ['fsync::HANG', 3], ['rename::HANG', 3], ['open::HANG', 3],
    ['close::HANG', 1], ['unlink::HANG', 1], ['mkdir::HANG', 1, { from: 'first' }],
]);

sweeps('memory is refused', [
    ['malloc::ENOMEM', 9], ['malloc:+:ENOMEM', 3, { longStep: 50 }],
    ['malloc::ENOMEM', 5, { from: 'first', longStep: 7 }],
]);

sweeps('the process dies', [
    ['any::KILL', 6], ['any::KILL', 5, { from: 'first' }], ['any::KILL', 3, { keep: false }],
    ['write::TEAR', 3], ['malloc::KILL', 3, { longStep: 50 }],
]);

sweeps('power is lost', [
    ['any::KILL', 6, { lost: 1 }], ['any::KILL', 6, { lost: 2 }],
    ['any::KILL', 3, { lost: 3 }],
    ['any::KILL', 4, { lost: 1, from: 'first' }], ['any::KILL', 4, { lost: 2, from: 'first' }],
    ['any::KILL', 3, { lost: 1, keep: false }], ['any::KILL', 3, { lost: 2, keep: false }],
    ['write::TEAR', 3, { lost: 2 }],
]);

describe('a resume', () => {
    it('fetches a page again whose file cannot be read, and says so', () =>
        rig.lane(async (node, name) => {
            const store = rig.store(name, { 'log-level': 'warn' }, node);
            node.calls.length = 0; // an earlier trial's
            node.answer = function answer(message) {
                const late = message.method === 'eth_call' && isPageCall(message.params) &&
                    node.pagesAsked().length > PAGES / 2;
                return late ? new RawReply({ status: 403, body: 'no' })
                    : Object.getPrototypeOf(node).answer.call(node, message);
            };
            assert.equal((await store.run()).code, 4);
            delete node.answer;
            node.calls.length = 0;
            const before = await store.json('status');
            const { code, stderr } = await start(store.args('run', '--backup-date', DATE), { env: {
                LD_PRELOAD: faultsModule, FAULT: 'read:1:EIO', FAULT_DIR: store.path(DATE),
            } }).done;
            assert.equal(code, 0, stderr);
            assert.match(stderr, /Page file cannot be read, its page is fetched again.*page_\d+/);
            assert.equal(node.pagesAsked().length, PAGES - before.pages_completed + 1);
        }));
});

describe('a backup of which no page is done', () => {
    it('has nothing for the disk yet', () =>
        rig.lane(async (node, name) => {
            const store = rig.store(name, {}, node);
            const count = join(store.directory, 'count');
            mkdirSync(store.path(DATE), { recursive: true });
            node.answer = function answer(message) {
                return message.method === 'eth_call' && isPageCall(message.params)
                    ? new RawReply({ status: 403, body: 'no' })
                    : Object.getPrototypeOf(node).answer.call(node, message);
            };
            const { code, stderr } = await start(store.args('run', '--backup-date', DATE), { env: {
                LD_PRELOAD: faultsModule, FAULT: 'fsync:0:EIO', FAULT_DIR: store.path(DATE),
                FAULT_COUNT: count,
            } }).done;
            delete node.answer;
            assert.equal(code, 4, stderr);
            assert.equal(Number(readFileSync(count, 'utf8')), 0, 'an empty archive was synced');
        }));
});

describe('what follows a completed backup', () => {
    for (const [name, fault] of [['latest', 'link:1:EIO'], ['page files', 'unlink:10:EIO']]) {
        it(`${name}: a failure that passes does not make it a failed one`, () =>
            rig.lane(async (node, trial) => {
                const store = rig.store(trial,
                    { 'log-level': 'info', 'keep-page-files': name !== 'page files' }, node);
                const mark = join(store.directory, 'mark');
                mkdirSync(store.path(), { recursive: true });
                const { code, stderr } = await start(store.args('run', '--backup-date', DATE),
                    { env: { LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: store.path(),
                        FAULT_MARK: mark } }).done;
                assert.ok(existsSync(mark), 'the fault never struck');
                assert.equal(code, 0, stderr);
                assert.match(stderr, /File operation failed, trying again/);
                assert.equal(stderr.match(/Backup operation completed/g).length, 1, stderr);
            }));
    }
});

describe('an HTTP call', () => {
    for (const [name, reply] of [
        ['is cut', () => new RawReply({ body: '{"jsonrpc"', cutAt: 4 })],
        ['is answered with 500', () => new RawReply({ status: 500, body: 'oops' })],
        ['is answered with HTML', () => new RawReply({ body: '<html>' })],
    ]) {
        it(`${name}, once`, async () => {
            const struck = await sweep(`HTTP call N ${name}`, 3, (number) =>
                ({ from: 'older', reply, replyAt: number }));
            assert.ok(struck.every((outcome) => outcome.survived), 'once is survived');
        });
    }

    it('and all after it are refused', () => sweep('HTTP call N+ is refused', 3, (number) => ({
        from: 'older', replyAt: number, replyOnwards: true,
        reply: () => new RawReply({ status: 403, body: 'no' }),
    })));
});

describe('kill -9', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
    let state = seed;
    // A linear congruential generator (Numerical Recipes'): repeatable, nothing more.
    const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };

    for (const from of ['older', 'first']) {
        const times = KILLS / 2;
        it(`at ${times} random instants, from ${from} (SEED=${seed})`, async () => {
            const calls = await rig.places({ from });
            // One in each of so many parts of the run, from its start to its last call.
            const outcomes = await Promise.all(Array.from({ length: times }, (_, part) =>
                rig.trial({ from, delayMs: DELAY_MS, killAfterMs: random() * DELAY_MS,
                    killAtCall: Math.floor((part + random()) * (calls + 1) / times) })));
            const struck = count(`SIGKILL at a random instant, ${from}`, outcomes);
            assert.ok(struck.some((outcome) => outcome.kept > 0), 'no page was ever on record');
        });
    }
});
