// SPDX-License-Identifier: Apache-2.0
//
// The dashboard: looks at the API and shows what it says, as often as something may have changed.
// It keeps nothing but the token, for as long as the tab is open.

import { ask, forgetToken, hasToken, keepToken, order } from './api.js';
import { chartTable, charts } from './charts.js';
import { showBackup } from './details.js';
import {
    byId, durationOf, facts, formatBytes, formatCount, formatDuration, formatShort, formatTime,
    formatWhen, h, pill, rateOf, setText, show, svg,
} from './format.js';

const HISTORY = 60;
const FIRST_ROWS = 10;
const STATUS_MS = 5000;
const PROGRESS_MS = 1000;
const REST_MS = 60000;
const ROLES = ['none', 'viewer', 'operator', 'admin'];

const state = {
    role: 'none', status: null, backups: [], next: null, watched: null, newest: '', restAt: 0, rows: FIRST_ROWS,
    spoken: '', announced: '',
};

// --- who looks ---

const may = (role) => ROLES.indexOf(state.role) >= ROLES.indexOf(role);

async function lookWho() {
    const signedIn = hasToken();
    try {
        const who = await ask('/api/v1/whoami');
        state.role = who.role;
        setText('role', who.caller ? `${who.role} · ${who.caller}` : who.role);
        show('role', who.role !== 'none');
    } catch (problem) {
        if (problem.status !== 401 || !signedIn) throw problem;
        forgetToken();
        return lookWho();
    }
    show('sign-in', !hasToken());
    show('sign-out', hasToken());
    return undefined;
}

async function signIn(token) {
    keepToken(token);
    try {
        await ask('/api/v1/whoami');
    } catch (problem) {
        forgetToken();
        throw problem;
    }
    state.restAt = 0;
    state.newest = '';
    await lookWho();
}

// --- how it stands ---

const HEALTH = {
    ok: ['ok', 'Backups are healthy'],
    empty: ['', 'No backup yet'],
    failing: ['bad', 'The last backup failed'],
    late: ['warn', 'Backups are late'],
    damaged: ['bad', 'The newest backup is damaged'],
};

function announce(text) {
    if (text === state.announced) return;
    state.announced = text;
    setText('announce', text);
}

function healthNote({ newest_completed: done, chore_interval_ms: interval }) {
    if (!done) return `The service makes one every ${formatDuration(interval)}.`;
    return `Last completed ${formatWhen(done.completed_at)} (${formatTime(done.completed_at)}), `
        + `block ${formatCount(done.block_number)}`;
}

function renderHealth(status) {
    const running = status.progress.activity === 'backup';
    const [look, title] = HEALTH[status.health] ?? ['', status.health];
    byId('lamp').className = `lamp ${look || (running ? 'busy' : '')}`;
    setText('health', running && status.health === 'empty' ? 'The first backup is running' : title);
    setText('health-reason', status.health_reason ?? '');
    show('health-reason', status.health_reason !== null);
    setText('health-note', healthNote(status));
    document.title = `${look === 'bad' ? '⚠ ' : ''}${title} – satellite`;
    announce(title);
}

function renderTiles({ newest_completed: done, progress, retention_days: days }) {
    setText('tile-keys', formatCount(done?.total_keys));
    setText('tile-keys-sub', done ? `${formatCount(done.total_pages)} pages` : '');
    setText('tile-size', formatBytes(done?.file_size));
    setText('tile-size-sub', days > 0 ? `kept ${days} days` : 'kept for ever');
    setText('tile-time', done ? formatDuration(durationOf(done)) : '–');
    setText('tile-time-sub', done ? `${formatShort(rateOf(done))} keys/s` : '');
    const proof = done?.checks.find((check) => check.kind === 'verify');
    setText('tile-proof', proof ? proof.outcome.replace('_', ' ') : done ? 'not yet' : '–');
    setText('tile-proof-sub', proof ? formatWhen(proof.checked_at) : '');
    const running = progress.activity === 'backup';
    setText('tile-next', running ? 'now' : formatWhen(progress.next_run));
    setText('tile-next-sub', running ? progress.backup_date : formatTime(progress.next_run));
}

function renderActions(status) {
    const running = status.progress.activity !== 'idle';
    show('actions', may('operator') || (may('viewer') && hasToken()));
    show('run', may('operator'));
    byId('run').disabled = status.progress.activity === 'backup';
    const { newest } = status;
    const open = newest && (newest.status === 'failed' || newest.interrupted);
    show('retry', may('operator') && Boolean(open));
    byId('retry').disabled = status.progress.activity === 'backup';
    show('verify', status.newest_completed !== null);
    byId('verify').disabled = running;
}

function renderProgress(progress) {
    const running = progress.activity !== 'idle';
    show('live', running);
    if (!running) {
        state.spoken = '';
        return;
    }
    const names = { backup: 'Backup', check: 'Check of', cleanup: 'Cleanup:' };
    setText('live-title', `${names[progress.activity]} ${progress.backup_date ?? ''}`);
    const share = progress.total_pages ? progress.pages / progress.total_pages : 0;
    const bar = byId('live-bar');
    if (progress.total_pages) bar.value = share;
    else bar.removeAttribute('value');
    const fresh = progress.pages - progress.reused_pages;
    const keys = fresh > 0 ? (progress.keys * fresh) / progress.pages : 0;
    const rate = keys > 0 ? (keys * 1000) / Math.max(progress.elapsed_ms, 1) : null;
    const left = fresh > 0
        ? ((progress.total_pages - progress.pages) * progress.elapsed_ms) / fresh : null;
    setText('live-numbers', progress.total_pages
        ? `${formatCount(progress.pages)} of ${formatCount(progress.total_pages)} pages · `
            + `${formatCount(progress.keys)} of ${formatCount(progress.total_keys)} keys`
        : 'Choosing the block…');
    setText('live-rate', [`${Math.floor(share * 100)} %`, rate && `${formatShort(rate)} keys/s`,
        left != null && `${formatDuration(left)} left`].filter(Boolean).join(' · '));
    const quarter = `${name} ${progress.backup_date}: ${Math.floor(share * 4) * 25} percent`;
    if (quarter !== state.spoken) announce(quarter);
    state.spoken = quarter;
}

// --- backups ---

function stateOf(backup) {
    return backup.interrupted ? pill('interrupted') : pill(backup.status);
}

function verifiedCell(backup) {
    const check = backup.checks.find((one) => one.kind === 'verify');
    return check ? pill(check.outcome) : h('span', { class: 'muted' }, 'not yet');
}

function row(backup, withError) {
    const open = () => showBackup(backup, { ask, order, may, follow, problem: showProblem });
    const cell = (label, text) => h('td', { class: 'num', 'data-label': label }, text);
    return h('tr', null,
        h('th', { scope: 'row' }, h('button', {
            type: 'button', class: 'link', 'aria-haspopup': 'dialog', onclick: open,
        }, backup.backup_date), backup.held && h('span', { class: 'muted' }, ' held')),
        h('td', { class: 'state' }, stateOf(backup)),
        cell('keys', formatCount(backup.total_keys)),
        cell('size', formatBytes(backup.file_size)),
        cell('took', formatDuration(durationOf(backup))),
        cell('block', formatCount(backup.block_number)),
        h('td', { 'data-label': 'verified' }, backup.status === 'completed' ? verifiedCell(backup) : '–'),
        withError && h('td', { class: backup.error_message ? 'text' : 'text blank' },
            backup.error_message ?? ''));
}

function renderBackups() {
    const rows = state.backups.slice(0, state.rows);
    const withError = rows.some((backup) => backup.error_message);
    const head = ['Backup', 'State', 'Keys', 'Size', 'Took', 'Block', 'Verified',
        ...(withError ? ['Error'] : [])];
    const right = new Set(['Keys', 'Size', 'Took', 'Block']);
    const box = byId('backups');
    if (state.backups.length === 0) {
        box.replaceChildren(h('p', { class: 'empty' }, 'There is none yet.'));
        return;
    }
    const focused = document.activeElement?.closest('#backups button')?.textContent;
    box.className = 'scroll as-cards';
    box.replaceChildren(h('table', null,
        h('thead', null, h('tr', null, head.map((name) => h('th', {
            scope: 'col', class: right.has(name) ? 'num' : null }, name)))),
        h('tbody', null, rows.map((backup) => row(backup, withError)))));
    if (focused) [...box.querySelectorAll('button')].find((one) => one.textContent === focused)?.focus();
    show('older', state.next !== null || state.backups.length > state.rows);
}

function renderHistory() {
    const done = state.backups.filter((one) => one.status === 'completed').slice(0, 30).reverse();
    show('history-details', done.length > 0);
    setText('history-note', done.length > 0 ? `last ${done.length} completed` : '');
    if (done.length === 0) {
        byId('charts').replaceChildren(h('p', { class: 'empty' },
            'Charts appear with the first completed backup.'));
        return;
    }
    byId('charts').replaceChildren(...charts(done));
    byId('history-table').replaceChildren(...chartTable(done));
}

async function lookBackups() {
    const answer = await ask(`/api/v1/backups?limit=${HISTORY}`);
    state.backups = answer.backups;
    state.next = answer.next;
    renderBackups();
    renderHistory();
}

async function lookOlder() {
    const wanted = state.rows + HISTORY;
    if (state.next === null || state.backups.length >= wanted) {
        state.rows = wanted;
        renderBackups();
        return;
    }
    const answer = await ask(state.next);
    state.backups.push(...answer.backups);
    state.next = answer.next;
    state.rows = wanted;
    renderBackups();
}

// --- the rest ---

function forecast({ days_until_full: days, bytes_per_backup: each }) {
    if (each == null) return 'Too few backups to tell';
    if (days == null) return 'No end in sight';
    return days > 3650 ? 'Room for more than 10 years' : `Room for about ${formatCount(days)} days`;
}

function renderStorage(storage) {
    const whole = storage.used_bytes + (storage.free_bytes ?? 0);
    const share = whole ? storage.used_bytes / whole : 0;
    const meter = svg('svg', { class: 'meter', role: 'img', preserveAspectRatio: 'none',
        viewBox: '0 0 100 10', 'aria-label': `Backups take ${formatBytes(storage.used_bytes)}, `
            + `${formatBytes(storage.free_bytes)} are free` },
    svg('rect', { class: 'track', width: 100, height: 10 }),
    svg('rect', { class: 'fill', width: share > 0 ? Math.max(share * 100, 0.6) : 0, height: 10 }));
    byId('storage').replaceChildren(h('p', { class: 'forecast' }, forecast(storage)), meter, facts([
        ['Backups take', formatBytes(storage.used_bytes)], ['Free', formatBytes(storage.free_bytes)],
        ['Each backup', formatBytes(storage.bytes_per_backup)],
        ['Backups', formatCount(storage.backups.length)]]));
}

const BREAKERS = { closed: 'working', half_open: 'being tried', open: 'left alone' };

function renderEndpoints({ endpoints }) {
    byId('endpoints').replaceChildren(endpoints.length === 0
        ? h('p', { class: 'empty' }, 'None has been asked yet.')
        : h('ul', { class: 'list' }, endpoints.map((one) => h('li', null,
            h('code', null, one.endpoint), pill(one.breaker, BREAKERS[one.breaker])))));
}

function renderOperations({ operations }) {
    show('operations-card', operations.length > 0);
    byId('operations').className = 'scroll as-cards';
    byId('operations').replaceChildren(h('table', null,
        h('thead', null, h('tr', null, ['Asked', 'What', 'State', 'Outcome'].map((name) =>
            h('th', { scope: 'col' }, name)))),
        h('tbody', null, operations.slice(0, 8).map((one) => h('tr', null,
            h('td', null, formatWhen(one.created_at)),
            h('th', { scope: 'row' }, `${one.kind} ${one.backup_date ?? ''}`),
            h('td', { class: 'state' }, pill(one.state)),
            h('td', { class: 'text' }, one.error ?? one.result ?? ''))))));
}

async function lookRest() {
    state.restAt = Date.now() + REST_MS;
    const [storage, endpoints] = await Promise.all([
        ask('/api/v1/storage'), ask('/api/v1/endpoints')]);
    renderStorage(storage);
    renderEndpoints(endpoints);
    renderOperations(await ask('/api/v1/operations'));
}

// --- what is asked for ---

function showProblem(problem) {
    const hint = byId('hint');
    hint.className = `hint${problem instanceof Error ? ' bad' : ''}`;
    setText('hint', problem instanceof Error
        ? [problem.message, problem.hint].filter(Boolean).join('. ') : problem);
    show('hint', true);
    announce(hint.textContent);
}

/** Shows what becomes of an operation until it is over. */
async function follow(asked) {
    state.watched = asked.id;
    showProblem(`${asked.kind} ${asked.backup_date ?? ''} ${asked.state}…`);
    await look();
}

async function lookWatched() {
    if (state.watched === null) return;
    const one = await ask(`/api/v1/operations/${state.watched}`);
    const name = `${one.kind} ${one.backup_date ?? ''}`.trim();
    if (one.state === 'done') showProblem(`${name}: ${one.result ?? 'done'}`);
    else if (one.state === 'failed') showProblem(Object.assign(new Error(`${name}: ${one.error}`), one));
    else return;
    state.watched = null;
    state.newest = '';
    state.restAt = 0;
}

function onOrder(id, path, body) {
    byId(id).addEventListener('click', async () => {
        try {
            await follow(await order(path(), body));
        } catch (problem) {
            showProblem(problem);
        }
    });
}

// --- looking ---

async function look() {
    if (!may('viewer')) {
        setText('health', 'Sign in to see the backups');
        setText('health-note', 'This takes a token with the viewer role.');
        return;
    }
    await lookWatched();
    const status = await ask('/api/v1/status');
    state.status = status;
    setText('contract', status.contract_address);
    setText('version', `satellite ${status.version}`);
    setText('as-of', `· as of ${status.now.slice(11, 19)} UTC`);
    renderHealth(status);
    renderTiles(status);
    renderActions(status);
    renderProgress(status.progress);
    const newest = JSON.stringify([status.newest?.backup_date, status.newest?.status,
        status.newest_completed?.checks, status.progress.activity]);
    if (newest !== state.newest) {
        await lookBackups();
        state.restAt = 0;
    }
    state.newest = newest;
    if (Date.now() >= state.restAt) await lookRest();
}

async function lookProgress() {
    renderProgress(await ask('/api/v1/progress'));
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
        if (!state.status || now - state.lookedAt >= STATUS_MS || state.watched !== null) {
            state.lookedAt = now;
            if (state.role === 'none') await lookWho();
            await look();
        } else if (running) {
            await lookProgress();
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

onOrder('run', () => '/api/v1/backups');
onOrder('retry', () => `/api/v1/backups/${state.status.newest.backup_date}/retry`);
onOrder('verify', () => `/api/v1/backups/${state.status.newest_completed.backup_date}/verify`);
byId('older').addEventListener('click', () => lookOlder().catch(showProblem));
byId('sign-in').addEventListener('click', () => {
    setText('token-problem', '');
    byId('token-dialog').showModal();
});
byId('sign-out').addEventListener('click', async () => {
    forgetToken();
    location.reload();
});
byId('token-cancel').addEventListener('click', () => byId('token-dialog').close());
byId('token-dialog').addEventListener('close', () => { byId('token').value = ''; });
byId('backup-close').addEventListener('click', () => byId('backup-dialog').close());
byId('token-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
        await signIn(byId('token').value.trim());
        byId('token-dialog').close();
        await look();
    } catch (problem) {
        setText('token-problem', problem.message);
    }
});
run();
