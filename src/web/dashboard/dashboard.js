// SPDX-License-Identifier: Apache-2.0
//
// The dashboard: looks at the API and shows what it says, as often as something may have changed.
// It keeps nothing but the token, for as long as the tab is open.

import { lookWho, may, onSignIn } from './access.js';
import { ask } from './api.js';
import { lookBackups, lookOlder } from './backups.js';
import { byId, setText, show } from './format.js';
import { isWatching, lookWatched, place, renderOperations, say } from './orders.js';
import { renderActions, renderHealth, renderProgress, renderTiles } from './overview.js';
import { renderEndpoints, renderStorage } from './resources.js';

const STATUS_MS = 5000;
const PROGRESS_MS = 1000;
const REST_MS = 60000;

const state = { status: null, lookedAt: 0, newest: '', restAt: 0 };

/** The next look takes all of it. */
function forget() {
    state.newest = '';
    state.restAt = 0;
}

async function lookRest() {
    state.restAt = Date.now() + REST_MS;
    const [storage, endpoints, operations] = await Promise.all([
        ask('/api/v1/storage?limit=1'), ask('/api/v1/endpoints'), ask('/api/v1/operations')]);
    renderStorage(storage);
    renderEndpoints(endpoints);
    renderOperations(operations);
}

function renderStatus(status) {
    setText('contract', status.contract_address);
    setText('version', `satellite ${status.version}`);
    setText('as-of', `· as of ${status.now.slice(11, 19)} UTC`);
    renderHealth(status);
    renderTiles(status);
    renderActions(status);
    renderProgress(status.progress);
}

async function look() {
    if (!may('viewer')) {
        setText('health', 'Sign in to see the backups');
        setText('health-note', 'This takes a token with the viewer role.');
        return;
    }
    if (await lookWatched()) forget();
    const status = await ask('/api/v1/status');
    state.status = status;
    renderStatus(status);
    const newest = JSON.stringify([status.newest?.backup_date, status.newest?.status,
        status.newest_completed?.checks, status.progress.activity]);
    if (newest !== state.newest) {
        await lookBackups();
        state.restAt = 0;
    }
    state.newest = newest;
    if (Date.now() >= state.restAt) await lookRest();
}

function online(problem) {
    document.body.classList.toggle('stale', Boolean(problem));
    if (problem) setText('offline', `Not up to date: ${problem.status
        ? problem.message : 'the service does not answer'}. Trying again…`);
    show('offline', Boolean(problem));
}

async function turn(now) {
    try {
        const running = state.status && state.status.progress.activity !== 'idle';
        if (document.hidden) return;
        if (!state.status || now - state.lookedAt >= STATUS_MS || isWatching()) {
            state.lookedAt = now;
            if (!may('viewer')) await lookWho();
            await look();
        } else if (running) {
            renderProgress(await ask('/api/v1/progress'));
        }
        online(null);
    } catch (problem) {
        if (problem.status === 401 || problem.status === 403) await lookWho().catch(() => {});
        online(problem);
    }
}

async function run() {
    for (;;) {
        await turn(performance.now());
        await new Promise((resolve) => { setTimeout(resolve, PROGRESS_MS); });
    }
}

const onClick = (id, act) => byId(id).addEventListener('click', act);
onClick('run', () => place('/api/v1/backups'));
onClick('retry', () => place(`/api/v1/backups/${state.status.newest.backup_date}/retry`));
onClick('verify', () => place(`/api/v1/backups/${state.status.newest_completed.backup_date}/verify`));
onClick('older', () => lookOlder().catch(say));
onClick('backup-close', () => byId('backup-dialog').close());
onSignIn(() => {
    forget();
    return look();
});
run();
