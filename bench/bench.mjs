// SPDX-License-Identifier: Apache-2.0
//
// Measures satellite against the node it reads from.
//
//   node bench/bench.mjs build/satellite [--part rate|memory|latency|proof|original] [--pairs 5]
//        [--keys 100000] [--memory-keys 1000000,10000000] [--far-keys 1000000]
//        [--proof-keys 1000000] [--resume-mib 1024] [--save]
//
// Run it where nothing was deleted for five minutes (no tests, no clean-up): until then ext4 looks
// past every inode that was deleted, and making page files takes twice the time.
//
// All parts take about ten minutes and rewrite bench/RESULTS.md; --save does so for some parts.

import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as parts from './parts.mjs';
import { machine, report } from './report.mjs';
import { BenchError, prepare, root } from './run.mjs';

const ALL_PARTS = ['rate', 'memory', 'latency', 'proof', 'original'];

function positive(name, text) {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number > 0) return number;
    throw new BenchError(`--${name} ${text} is not a number above 0`);
}

function readArguments() {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            part: { type: 'string', multiple: true, default: ALL_PARTS },
            pairs: { type: 'string', default: '5' },
            keys: { type: 'string', default: '100000' },
            'memory-keys': { type: 'string', default: '1000000,10000000' },
            'far-keys': { type: 'string', default: '1000000' },
            'proof-keys': { type: 'string', default: '1000000' },
            'resume-mib': { type: 'string', default: '1024' },
            seconds: { type: 'string', default: '4' },
            save: { type: 'boolean', default: false },
        },
    });
    const unknown = values.part.find((part) => !ALL_PARTS.includes(part));
    if (unknown) throw new BenchError(`no part ${unknown}; there are ${ALL_PARTS.join(', ')}`);
    if (positionals.length !== 1 || !existsSync(positionals[0])) {
        throw new BenchError('usage: node bench/bench.mjs build/satellite (make build makes it)');
    }
    return {
        program: resolve(positionals[0]),
        part: values.part,
        pairs: positive('pairs', values.pairs),
        keys: positive('keys', values.keys),
        memoryKeys: values['memory-keys'].split(',').map((text) => positive('memory-keys', text)),
        farKeys: positive('far-keys', values['far-keys']),
        proofKeys: positive('proof-keys', values['proof-keys']),
        resumeMib: positive('resume-mib', values['resume-mib']),
        seconds: positive('seconds', values.seconds),
        save: values.save,
    };
}

async function main() {
    const options = readArguments();
    prepare();
    const results = { machine: machine(options.program) };
    for (const name of ALL_PARTS.filter((part) => options.part.includes(part))) {
        results[name] = await parts[name](options);
    }
    const text = report(results);
    console.log(text);
    if (options.save || options.part.length === ALL_PARTS.length) {
        writeFileSync(join(root, 'bench', 'RESULTS.md'), text);
        console.error('written to bench/RESULTS.md');
    } else {
        console.error('only some parts were run: bench/RESULTS.md is as it was (--save writes it)');
    }
}

try {
    await main();
} catch (error) {
    console.error(`bench: ${error instanceof BenchError ? error.message : error.stack}`);
    process.exit(1);
}
