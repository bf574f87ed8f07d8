// SPDX-License-Identifier: Apache-2.0
//
// A disk that never answers ends what proves backups too, on whichever thread it happens.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { startFakeNode } from '../chain/fake.mjs';
import { assertFailed, DATE, run, Store, workspace } from '../integration/harness.mjs';
import { faultsModule } from './rig.mjs';

const PAGES = 5;
const PAGE_SIZE = 10;

async function backedUp(t) {
    const node = await startFakeNode({ entries: realisticEntries(PAGES * PAGE_SIZE) });
    t.after(() => node.stop());
    const store = new Store(workspace(t), node,
        { 'page-size': PAGE_SIZE, 'file-operation-timeout': '1s' });
    await store.mustRun();
    return store;
}

function disturbed(store, command, fault) {
    const { directory } = store;
    rmSync(join(directory, 'mark'), { force: true });
    rmSync(store.path(DATE, 'keys.index'), { force: true }); // with it the next verify opens less
    return run(store.args(command), { env: {
        LD_PRELOAD: faultsModule, FAULT: fault, FAULT_DIR: realpathSync(store.backups),
        FAULT_MARK: join(directory, 'mark'), FAULT_COUNT: join(directory, 'count'),
    } });
}

describe('an open file that hangs', () => {
    for (const command of ['verify', 'test-restore'])
        it(`ends backup ${command}`, async (t) => {
            const store = await backedUp(t);
            const { code, stderr } = await disturbed(store, command, 'open:0:EIO');
            assert.equal(code, 0, stderr);
            const places = Number(readFileSync(join(store.directory, 'count'), 'utf8'));
            assert.ok(places >= (command === 'verify' ? PAGES : 2), `${places} opened files`);
            for (const place of [1, Math.ceil(places / 2), places]) {
                const result = await disturbed(store, command, `open:${place}:HANG`);
                assert.ok(existsSync(join(store.directory, 'mark')), 'nothing hung');
                assertFailed(result, 5, 'FileSystemError', /file_operation_timeout/);
            }
        });
});
