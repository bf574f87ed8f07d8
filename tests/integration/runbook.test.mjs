// SPDX-License-Identifier: Apache-2.0
//
// docs/runbook.md, as pasted: every block is run by bash against a real chain. What differs from a
// real installation: the server has a port of the system's choice; `satellite` is a script that adds --config, and /var/log/satellite is replaced
// by the test's directory. Blocks marked "endless" are ended once they have said something or
// written to the log; those marked "host" are only parsed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnvil } from '../chain/anvil.mjs';
import { spawnChild } from '../chain/children.mjs';
import { createEntries, deploy } from '../chain/contract.mjs';
import { realisticEntries } from '../chain/entries.mjs';
import { ANVIL_ARGS, mustRun, program, root, run, workspace } from './harness.mjs';

/** The shell blocks of a document: their marker, text and the line where they begin. */
function blocksOf(path) {
    const text = readFileSync(path, 'utf8');
    return [...text.matchAll(/^```sh *(\w*)\n([^]*?)^```$/gm)].map(({ 1: marker, 2: script, index }) =>
        ({ marker, script, line: text.slice(0, index).split('\n').length }));
}

/** A directory with a configuration, a chain to read, and a log: what a runbook is written for. */
async function installation(t) {
    const directory = workspace(t);
    const anvil = await startAnvil({ args: ANVIL_ARGS });
    t.after(() => anvil.stop());
    const address = await deploy(anvil.url);
    await createEntries(anvil.url, address, realisticEntries(120));
    const config = join(directory, 'backup-config.yaml');
    await mustRun(['backup', 'config', 'init', config,
        '--backup-dir', join(directory, 'backups'),
        '--database-url', `sqlite://${join(directory, 'satellite.db')}`,
        '--contract-address', address, '--contract-rpc-urls', anvil.url,
        '--page-size', '50', '--min-free-space', '0',
        '--log-file', join(directory, 'backup.log')]);
    writeFileSync(join(directory, 'satellite'),
        `#!/bin/sh\nexec '${program}' "$@" --config '${config}'\n`, { mode: 0o755 });
    return { directory, config, log: join(directory, 'backup.log') };
}

/** The backups that the page speaks of: one of a month ago, and one that failed. */
async function makeHistory({ config }) {
    const date = spawnSync('date', ['-d', '1 month ago', '+%Y-%m-%d'], { encoding: 'utf8' })
        .stdout.trim();
    await mustRun(['backup', 'run', '--backup-date', date, '--config', config]);
    const { code } = await run(['backup', 'run', '--backup-date', '2024-01-15',
        '--max-value-size', '1', '--config', config]);
    assert.notEqual(code, 0);
}

function environmentOf({ directory }) {
    return { ...process.env, NO_COLOR: '1', SATELLITE_SERVER_LISTEN: '127.0.0.1:0',
        PATH: `${directory}:${process.env.PATH}` };
}

async function runUntilItSpeaks(installed, script) {
    const child = spawnChild('bash', ['-euo', 'pipefail', '-c', `exec ${script}`], {
        cwd: installed.directory, env: environmentOf(installed), stdio: ['ignore', 'pipe', 'pipe'],
    });
    const size = () => (existsSync(installed.log) ? statSync(installed.log).size : 0);
    const before = size();
    let spoken = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { spoken += text; });
    let over = false;
    child.ended.then(() => { over = true; });
    while (spoken === '' && size() === before && !over) await sleep(20);
    assert.equal(over, false, `it ended by itself: ${spoken}`);
    child.kill('SIGTERM');
    const { code, signal } = await child.ended;
    assert.ok(code === 0 || signal === 'SIGTERM', `${code} ${spoken}`);
}

function runToItsEnd(installed, script) {
    const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: installed.directory, env: environmentOf(installed), encoding: 'utf8',
    });
    assert.equal(status, 0, `${script}\n${stdout}${stderr}`);
}

describe('docs/runbook.md', () => {
    it('works as pasted', async (t) => {
        const path = join(root, 'docs', 'runbook.md');
        const blocks = blocksOf(path);
        assert.ok(blocks.length > 15, 'its blocks are found');
        assert.equal(blocks.length, readFileSync(path, 'utf8').match(/^```sh/gm).length);
        const installed = await installation(t);
        await makeHistory(installed);
        for (const { marker, script, line } of blocks) {
            const text = script.replaceAll('/var/log/satellite', installed.directory);
            await t.test(`line ${line}: ${script.split('\n')[0]}`, async () => {
                assert.ok(['', 'endless', 'host'].includes(marker), marker);
                assert.equal(spawnSync('bash', ['-n', '-c', text]).status, 0, 'it is bash');
                if (marker === 'endless') await runUntilItSpeaks(installed, text);
                else if (marker === '') runToItsEnd(installed, text);
            });
        }
    });
});
