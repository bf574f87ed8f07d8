// SPDX-License-Identifier: Apache-2.0
//
// A copy that is killed, or loses its power, at any call leaves nothing under the copy's name or
// all of it; the next one is not in its way and leaves nothing else.

import assert from 'node:assert/strict';
import {
    existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { DATE, Store, mustRun, run, workspace } from '../integration/harness.mjs';
import { faultsModule } from './rig.mjs';

const ARCHIVE = `backup_${DATE}.zip`;
const MOST_CALLS = 100;
let node;
before(async () => { node = await startFakeNode({ entries: realisticEntries(120) }); });
after(() => node?.stop());

/** Copies with the Nth call below the destination disturbed; whether there was such a call. */
async function disturbed(store, there, fault, lost) {
    for (const directory of [there, store.layer]) {
        rmSync(directory, { recursive: true, force: true });
        mkdirSync(directory);
    }
    const mark = join(store.directory, 'mark');
    rmSync(mark, { force: true });
    const { code, signal, stderr } = await run(store.args('copy', DATE, there), { env: {
        LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: realpathSync(there), FAULT_MARK: mark,
        ...(lost ? { LOST: String(lost), LOST_DIR: store.layer } : {}),
    } });
    const struck = existsSync(mark);
    assert.ok(struck ? signal === 'SIGKILL' : code === 0, `${fault}: ${code} ${signal} ${stderr}`);
    return struck;
}

describe('a copy', () => {
    for (const [how, lost] of [['KILL', 0], ['TEAR', 0], ['KILL', 2]])
        it(`is whole or not there after a ${how}${lost ? ' with loss of power' : ''}`, async (t) => {
            const store = new Store(workspace(t), node, { 'page-size': 10 });
            await store.mustRun();
            store.layer = join(store.directory, 'layer');
            const there = join(store.directory, 'there');
            const path = join(there, ARCHIVE);
            const archive = store.archiveBytes();
            const seen = { none: 0, whole: 0 };
            let call = 1;
            const kind = how === 'TEAR' ? 'write' : 'any';
            while (await disturbed(store, there, `${kind}:${call}:${how}`, lost)) {
                const whole = existsSync(path);
                if (whole) assert.ok(readFileSync(path).equals(archive), `call ${call}`);
                seen[whole ? 'whole' : 'none'] += 1;
                await mustRun(store.args('copy', DATE, there));
                assert.ok(readFileSync(path).equals(archive));
                assert.deepEqual(readdirSync(there), [ARCHIVE]);
                assert.ok(call++ < MOST_CALLS);
            }
            assert.ok(seen.none > 0, 'it was killed before the copy was there');
            if (kind === 'any' && !lost) assert.ok(seen.whole > 0, 'and after');
        });
});
