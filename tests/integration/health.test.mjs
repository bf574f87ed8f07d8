// SPDX-License-Identifier: Apache-2.0
//
// backup health check: what is well, what is not, and the exit code that says so.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { RawReply, startFakeNode } from '../chain/fake.mjs';
import { mustRun, run, workspace } from './harness.mjs';
import { serviceConfig, writeConfig } from './running.mjs';

const ENTRIES = realisticEntries(5);

async function setUp(t, more = {}, options = {}) {
    const node = await startFakeNode({ entries: ENTRIES, ...options });
    t.after(() => node.stop());
    const directory = workspace(t);
    const config = join(directory, 'config.yaml');
    const sections = serviceConfig(directory, node, { backup: { chore_interval: '24h' } });
    for (const [section, settings] of Object.entries(more))
        sections[section] = { ...sections[section], ...settings };
    writeConfig(config, sections);
    return { node, directory, config, sections };
}

async function check(config) {
    const { code, stdout, stderr } = await run(['backup', 'health', 'check', '--config', config,
        '--json']);
    const { state, checks } = JSON.parse(stdout);
    return { code, state, stderr, checks,
        of: (name) => checks.find((one) => one.check === name),
        states: Object.fromEntries(checks.map((one) => [one.check, one.state])) };
}

describe('backup health check', () => {
    it('finds everything well', async (t) => {
        const { config } = await setUp(t);
        const before = await check(config);
        assert.deepEqual([before.code, before.state], [0, 'warn']);
        assert.deepEqual(before.states, { config: 'ok', database: 'warn', directory: 'warn',
            free_space: 'unknown', endpoint: 'ok', clock: 'ok', chain_id: 'ok',
            contract_code: 'ok', pin: 'ok', last_backup: 'warn' });
        await mustRun(['backup', 'run', '--config', config]);
        const after = await check(config);
        assert.deepEqual([after.code, after.state, after.stderr], [0, 'ok', '']);
        assert.ok(Object.values(after.states).every((state) => state === 'ok'));
        assert.equal(after.of('chain_id').detail, '31337');
        assert.match(after.of('pin').detail, /^block 98 \(finalized.*\), 5 keys$/);
        assert.match(after.of('free_space').detail, /\d .*iB free; backup\.min_free_space is 0/);
        assert.equal(typeof after.of('endpoint').latency_ms, 'number');
        const { stdout } = await mustRun(['backup', 'health', 'check', '--config', config]);
        assert.equal(stdout.trim().split('\n').length, 11); // a line each, and the head
    });

    for (const [name, more, options, states, code] of [
        ['the disk', { backup: { min_free_space: '1024TiB' } }, {}, { free_space: 'fail' }, 7],
        ['the chain', { contract: { chain_id: 5 } }, {},
            { chain_id: 'fail', pin: 'fail', endpoint: 'ok' }, 3],
        ['the contract', {}, { methods: { eth_getCode: () => '0x', eth_call: () => '0x' } },
            { contract_code: 'fail', pin: 'fail' }, 4],
        ['the contract\'s answers', {}, { methods: { eth_call: () => '0x' } },
            { contract_code: 'ok', pin: 'fail' }, 4],
        ['the node', {}, { methods: { eth_chainId: () => new RawReply({ status: 500 }) } },
            { endpoint: 'fail', clock: 'unknown', chain_id: 'unknown', contract_code: 'unknown',
                pin: 'unknown' }, 4],
    ]) {
        it(`finds ${name} not well`, async (t) => {
            const { config, directory } = await setUp(t, more, options);
            mkdirSync(join(directory, 'backups'));
            const found = await check(config);
            assert.equal(found.code, code, JSON.stringify(found));
            assert.equal(found.state, 'fail');
            for (const [one, state] of Object.entries(states))
                assert.equal(found.states[one], state, `${one}: ${JSON.stringify(found.of(one))}`);
        });
    }

    it('compares the clocks', async (t) => {
        const { config, node } = await setUp(t);
        const block = node.chain.block.bind(node.chain);
        for (const [offset, state, pattern] of [
            [0, 'ok', /old/], [120, 'warn', / ahead/], [-1200, 'warn', / old/],
            [7300, 'fail', /ahead/], [-7300, 'fail', /old/],
        ]) {
            node.chain.block = (number) => ({ ...block(number),
                timestamp: `0x${(Math.floor(Date.now() / 1000) + offset).toString(16)}` });
            const { of } = await check(config);
            assert.equal(of('clock').state, state, `${offset}: ${JSON.stringify(of('clock'))}`);
            assert.match(of('clock').detail, pattern);
        }
    });

    it('finds a backup too old', async (t) => {
        const { config, directory, sections } = await setUp(t);
        await mustRun(['backup', 'run', '--config', config]);
        sections.backup.chore_interval = '1s';
        writeConfig(join(directory, 'other.yaml'), sections);
        await new Promise((resolve) => { setTimeout(resolve, 2500); });
        const found = await check(join(directory, 'other.yaml'));
        assert.deepEqual([found.code, found.of('last_backup').state], [11, 'fail']);
    });

    it('is content with the endpoints that there are, and says which is not, without its key',
        async (t) => {
            const silent = await startFakeNode({ methods: {
                eth_chainId: () => new Promise(() => {}) } });
            t.after(() => silent.stop());
            const { config, node, sections } = await setUp(t, { backup: {
                backup_dir: '/nowhere', smart_contract_timeout: '300ms' } });
            sections.contract.rpc_urls = [`${silent.url}/SECRETKEY`, node.url,
                'http://user:SECRETPASS@127.0.0.1:1/'];
            writeConfig(config, sections);
            const found = await check(config);
            const endpoints = found.checks.filter((one) => one.check === 'endpoint');
            assert.deepEqual(endpoints.map(({ state }) => state), ['warn', 'ok', 'warn']);
            assert.equal(found.code, 0);
            assert.equal(found.of('pin').state, 'ok');
            assert.doesNotMatch(JSON.stringify(found.checks) + found.stderr, /SECRET/);
            sections.contract.quorum = 2;
            writeConfig(config, sections);
            const few = await check(config);
            assert.deepEqual([few.code, few.states.pin], [4, 'fail']);
        });

    it('says what is wrong with a database and a directory', async (t) => {
        const { config, directory } = await setUp(t);
        await mustRun(['backup', 'run', '--config', config]);
        for (const suffix of ['-wal', '-shm']) rmSync(join(directory, `satellite.db${suffix}`),
            { force: true });
        writeFileSync(join(directory, 'satellite.db'), 'no database'.repeat(1000));
        const broken = await check(config);
        assert.deepEqual([broken.code, broken.states.database], [6, 'fail']);
        rmSync(join(directory, 'satellite.db'));
        rmSync(join(directory, 'backups'), { recursive: true });
        writeFileSync(join(directory, 'backups'), 'no directory');
        const file = await check(config);
        assert.deepEqual([file.code, file.states.directory], [5, 'fail']);
    });

    it('says of the free space what a backup would', async (t) => {
        const { config, sections } = await setUp(t);
        await mustRun(['backup', 'run', '--config', config]);
        sections.backup.min_free_space = '1000TiB';
        writeConfig(config, sections);
        const found = await check(config);
        assert.deepEqual([found.code, found.states.free_space], [7, 'fail']);
        const { stderr } = await run(['backup', 'run', '--config', config, '--force']);
        const { error } = JSON.parse(stderr.trim().split('\n').at(-1));
        const { detail } = found.of('free_space');
        assert.match(detail, /less than min_free_space/);
        const general = (text) => text.replace(/[\d.]+[KMGT]?i?B? free/, 'so much free');
        assert.ok(general(error).endsWith(general(detail)), `${error} | ${detail}`);
    });

    it('has one line for a configuration that is invalid', async (t) => {
        const { config, sections } = await setUp(t);
        sections.contract.quorum = 3;
        writeConfig(config, sections);
        const found = await check(config);
        assert.equal(found.code, 3);
        assert.deepEqual(found.states, { config: 'fail' });
    });
});
