// SPDX-License-Identifier: Apache-2.0
//
// The benchmark's results as Markdown tables with the same figures as JSON below them.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { cache } from './run.mjs';

function outputOf(command, ...args) {
    return execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];
}

export function machine(program) {
    const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return {
        date: new Date().toISOString().slice(0, 16).replace('T', ' '),
        cpu: `${cpus()[0].model.trim()}, ${cpus().length} cores`,
        memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
        system: `${system}, Linux ${release()}`,
        disk: outputOf('stat', '-f', '-c', '%T', cache),
        node: process.version,
        satellite: outputOf(program, 'version'),
    };
}

function table(head, rows) {
    const line = (cells) => `| ${cells.join(' | ')} |`;
    return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))),
        ...rows.map(line)].join('\n');
}

const count = (number) => Math.round(number).toLocaleString('en');
const fixed = (number, digits) => number.toFixed(digits);
const spread = (ratios) =>
    `${fixed(Math.min(...ratios), 2)}–${fixed(Math.max(...ratios), 2)}`;

function rateText(part) {
    const rows = part.rows.flatMap(({ pageSize, wrk, satellite, script, ...ratios }) => [
        [`wrk, only fetching, ${pageSize} keys a page`, fixed(wrk.pagesPerSecond, 1),
            count(wrk.pagesPerSecond * pageSize), '', '', ''],
        [`**satellite**, ${pageSize} keys a page`, ...clientCells(satellite),
            `**${fixed(ratios.satelliteToWrk, 3)}** (${spread(ratios.satelliteToWrkEach)})`],
        [`tools, ${pageSize} keys a page`, '', '', fixed(ratios.toolsCpuPerKeyUs, 2), '', ''],
        [`script (viem), ${pageSize} keys a page`, ...clientCells(script),
            `${fixed(script.pagesPerSecond / wrk.pagesPerSecond, 3)}`],
    ]);
    const gains = part.rows.map(({ pageSize, satelliteToScript }) =>
        `${fixed(satelliteToScript, 1)} times the script at ${pageSize} keys a page`);
    const toTools = part.rows.map(({ pageSize, satelliteToTools, satelliteToToolsEach }) =>
        `**${fixed(satelliteToTools, 2)}** (${spread(satelliteToToolsEach)}) at ${pageSize}`);
    return `## Side by side on one node

${count(part.keys)} keys, ${part.inFlight} requests in flight, the node on one core and the client on
another; medians of ${part.pairs} interleaved runs, wrk for ${part.seconds} s each. At least 0.95 of
wrk's rate is promised.

${table(['client', 'pages/s', 'keys/s', 'CPU µs/key', 'peak MiB', 'ratio to wrk'], rows)}

The tools' CPU is what the same bytes cost at least on this machine: wrk receives them, \`cp\` writes
the page files, \`sha256sum\` hashes and \`libdeflate-gzip -1\` deflates them; nothing of it decodes,
checks or records. satellite's CPU is so many times that: ${toTools.join(', ')} keys a page. At most
3 µs a key are promised, where a prototype on another machine took 1.8 to 2.5.

satellite is ${gains.join(' and ')}. The node: \`${part.node}\``;
}

function clientCells({ pagesPerSecond, keysPerSecond, cpuPerKeyUs, peakMib }) {
    return [fixed(pagesPerSecond, 1), count(keysPerSecond), fixed(cpuPerKeyUs, 2),
        fixed(peakMib, 1)];
}

function memoryText(part) {
    const rows = part.rows.map((row) => [count(row.keys), count(row.keys / 100),
        `**${fixed(row.peakMib, 1)}**`, fixed(row.wall, 1), count(row.keysPerSecond),
        fixed(row.cpuPerKeyUs, 2)]);
    return `## Peak memory

Default settings, a contract that computes its entries. At most 64 MiB is promised.

${table(['keys', 'pages', 'peak MiB', 'seconds', 'keys/s', 'CPU µs/key'], rows)}

The node: \`${part.node}\``;
}

function latencyText(part) {
    const rows = [
        ['one page, round trip', `${fixed(part.roundTripMs, 1)} ms`],
        [`${part.inFlight} in flight / round trip`, fixed(part.pagesPerSecondByLatency, 1)],
        ['the node itself, not far away', fixed(part.pagesPerSecondOfNode, 1)],
        [`wrk there, ${part.inFlight} connections`, fixed(part.pagesPerSecondOfWrkThere, 1)],
        ['**satellite**', `**${fixed(part.satellitePagesPerSecond, 1)}**`],
        ['ratio to the lower of the first two',
            `**${fixed(part.satelliteToLimit, 3)}** (${spread(part.satelliteToLimitEach)})`],
    ];
    return `## A node ${part.delayMs} ms away

${count(part.keys)} keys, 100 a page, through a proxy that adds ${part.delayMs} ms to each
round trip. At least 0.9 is promised.

${table(['', 'pages/s'], rows)}

The node: \`${part.node}\``;
}

function proofText({ pairs, verify, resume }) {
    const row = (name, { seconds, cpuSeconds, peakMib }, ratio) => [name, fixed(seconds, 2),
        fixed(cpuSeconds, 2), fixed(peakMib, 1), ratio];
    const tools = [
        row('`unzip -t` and `sha256sum`', verify.tools, ''),
        row('**satellite backup verify**', verify.satellite,
            `**${fixed(verify.satelliteToTools, 2)}** (${spread(verify.satelliteToToolsEach)})`),
    ];
    const checks = resume.map(({ pageSize, bytes, rates, leastRates }) => [pageSize,
        fixed(bytes / 1e9, 2), `**${fixed(Math.max(...rates), 2)}** (${spread(rates)})`,
        `${fixed(Math.max(...leastRates), 2)} (${spread(leastRates)})`]);
    return `## Verify, and the check of finished pages

An archive of ${count(verify.keys)} keys (${count(verify.bytes)} bytes), one core each, medians of
${pairs} interleaved runs. At least 0.8 of the tools' speed is promised.

${table(['', 'seconds', 'CPU seconds', 'peak MiB', 'ratio'], tools)}

What a resume does with page files that are there, in GB/s of CPU time, best of three. At least 1 GB/s
a core is promised; open, read, SHA-256 and close of the same files are the most there can be.

${table(['keys a page', 'GB', 'check', 'open, read, SHA-256, close alone'], checks)}`;
}

function originalText(part) {
    const rows = part.rows.map((row) => [count(row.keys), 100, row.inFlight,
        `${fixed(row.seconds, 2)} s`, count(row.keysPerSecond),
        `${count(row.originalSeconds)} s`, count(row.originalKeysPerSecond)]);
    return `## The original program's table

${table(['keys', 'page size', 'in flight', 'duration', 'keys/s', 'original', 'keys/s'], rows)}

Up to 100,000 keys a real contract is read, above that one that computes its entries. The
original's figures are its own, from another machine and node.`;
}

const TEXTS = { rate: rateText, memory: memoryText, latency: latencyText, proof: proofText,
    original: originalText };

/** @param {object} results { machine, rate?, memory?, latency?, proof?, original? } */
export function report(results) {
    const { date, cpu, memory, system, disk, node, satellite } = results.machine;
    const parts = Object.keys(TEXTS).filter((name) => results[name])
        .map((name) => TEXTS[name](results[name]));
    return `# The last \`make bench\`

${date} UTC · ${satellite} · ${cpu} · ${memory} · ${system} · ${disk} · Node ${node}

${parts.join('\n\n')}

<details><summary>The same as JSON</summary>

\`\`\`json
${JSON.stringify(results, null, 2)}
\`\`\`

</details>
`;
}
