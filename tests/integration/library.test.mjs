// SPDX-License-Identifier: Apache-2.0
//
// libscb: the example program makes the same backup as the command, with public symbols only.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { spawnChild } from '../chain/children.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { archivedEntries, assertSameEntries, workspace } from './harness.mjs';

const BUILD = resolve(dirname(process.env.SATELLITE ?? 'build/satellite'));

async function runExample(args, program = 'examples/backup') {
    const child = spawnChild(join(BUILD, program), args,
        { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => { output += data; });
    child.stderr.on('data', (data) => { output += data; });
    const { code } = await child.ended;
    return { code, output };
}

describe('the example program', () => {
    it('makes a backup', async (t) => {
        const entries = realisticEntries(230);
        const node = await startFakeNode({ entries });
        t.after(() => node.stop());
        const directory = workspace(t);
        const { code, output } = await runExample([node.url, node.address, directory]);
        assert.equal(code, 0, output);
        const [, file] = /^230 keys in (.*)$/m.exec(output);
        assertSameEntries(archivedEntries(join(directory, file)), entries);
    });

    it('says in one line what is wrong', async (t) => {
        const { code, output } = await runExample(['http://127.0.0.1:1', '0x12', workspace(t)]);
        assert.equal(code, 3);
        assert.match(output, /^ValidationError: contract\.address.*\n$/);
    });
});

describe('a call that succeeds', () => {
    it('leaves the error as it was, though it had to wait', async (t) => {
        const node = await startFakeNode({ entries: realisticEntries(20) });
        t.after(() => node.stop());
        const { output } = await runExample([node.url, node.address, workspace(t)],
            'tests/lock_wait');
        assert.equal(output, "OK, 1 waits, error: OK ''\n");
    });
});

describe('the shared library', () => {
    it('exports what the public headers declare and nothing else', () => {
        const library = join(BUILD, 'src/libscb.so');
        const symbols = execFileSync('nm', ['-D', '--defined-only', library], { encoding: 'utf8' })
            .split('\n').filter(Boolean).map((line) => line.split(' ').at(-1));
        const headers = readdirSync('include/scb').filter((name) => name.endsWith('.h'))
            .map((name) => readFileSync(join('include/scb', name), 'utf8')).join('\n');
        assert.ok(symbols.includes('scb_service_backup'));
        for (const symbol of symbols) assert.match(headers, new RegExp(`\\b${symbol}\\(`), symbol);
    });
});
