// SPDX-License-Identifier: Apache-2.0
//
// A day of service on a fast clock (libfaketime): an hourly backup, a kill and a clock that jumps in
// between. Due, made and missed are counted.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { workspace } from './harness.mjs';
import { isCompleted, serviceConfig, startService, writeConfig } from './running.mjs';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const HOUR = 3_600_000;
const FAST = 1200; // an hour takes three seconds

function fakeTime(at) {
    const text = new Date(at).toISOString().slice(0, 19).replace('T', ' ');
    return { LD_PRELOAD: LIBRARY, FAKETIME: `@${text} x${FAST}`, TZ: 'UTC' };
}

function slotOf(date) {
    return Date.parse(date.replace(/T(\d\d)(\d\d)(\d\d)Z/, 'T$1:$2:$3Z'));
}

// faketime takes the waits on conditions over, so that ThreadSanitizer does not see them.
const skip = (!existsSync(LIBRARY) && 'needs the package faketime') ||
    (process.env.SANITIZERS === 'thread' && 'ThreadSanitizer and faketime do not go together');

describe('a day of service', { skip }, () => {
    it('has a backup in each hour: due 24, made 24, missed 0', async (t) => {
        const node = await startFakeNode({ entries: realisticEntries(10) });
        t.after(() => node.stop());
        const directory = workspace(t);
        const config = join(directory, 'config.yaml');
        // Timeouts are of the fast clock, too.
        writeConfig(config, serviceConfig(directory, node, {
            backup: {
                chore_interval: '1h', smart_contract_timeout: '1h', retry_max_delay: '1h',
                file_operation_timeout: '24h', page_deadline: '24h', start_jitter: '10m',
            },
            contract: { max_block_age: '0' },
        }));
        const made = [];
        const midnight = Date.parse('2026-03-01T00:00:00Z');

        /** Runs from an instant until so many backups are completed; gives the last one's slot. */
        async function serve(at, count) {
            const service = startService(t, config, { env: fakeTime(at) });
            const done = await service.count(count, isCompleted);
            made.push(...done.map(({ backup_date: date }) => slotOf(date)));
            service.child.kill('SIGKILL'); // the 60 s that it may take to end are 50 ms here
            await service.child.done;
            return made.at(-1);
        }

        const first = await serve(midnight + 60_000, 9);
        assert.equal(first, midnight + 8 * HOUR);
        // Down within the hour: what was due meanwhile is made at the start.
        const second = await serve(first + HOUR + 30 * 60_000, 6);
        assert.equal(second, midnight + 14 * HOUR);
        // The clock jumps back two hours: nothing is made twice, and on it goes.
        const third = await serve(second - 2 * HOUR + 60_000, 9);
        assert.equal(third, midnight + 23 * HOUR);

        const due = Array.from({ length: 24 }, (_, hour) => midnight + hour * HOUR);
        const missed = due.filter((slot) => !made.includes(slot));
        t.diagnostic(`due ${due.length}, made ${made.length}, missed ${missed.length}`);
        assert.deepEqual(missed, []);
        assert.deepEqual(made, due, 'none twice, none else');
    });
});
