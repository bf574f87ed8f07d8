// SPDX-License-Identifier: Apache-2.0
//
// The backups: the newest of them in a list that can be made longer, and the charts of the completed ones.

import { ask } from './api.js';
import { chartTable, charts } from './charts.js';
import { showBackup } from './details.js';
import {
    byId, durationOf, formatBytes, formatCount, formatDuration, h, pill, setText, show,
} from './format.js';

const HISTORY = 60;
const FIRST_ROWS = 10;

const list = { backups: [], next: null, rows: FIRST_ROWS };

function stateOf(backup) {
    return backup.interrupted ? pill('interrupted') : pill(backup.status);
}

function verifiedCell(backup) {
    const check = backup.checks.find((one) => one.kind === 'verify');
    return check ? pill(check.outcome) : h('span', { class: 'muted' }, 'not yet');
}

function row(backup, withError) {
    const cell = (label, text) => h('td', { class: 'num', 'data-label': label }, text);
    return h('tr', null,
        h('th', { scope: 'row' }, h('button', {
            type: 'button', class: 'link', 'aria-haspopup': 'dialog', onclick: () => showBackup(backup),
        }, backup.backup_date), backup.held && h('span', { class: 'muted' }, ' held')),
        h('td', { class: 'state' }, stateOf(backup)),
        cell('keys', backup.status === 'completed' ? formatCount(backup.total_keys) : '–'),
        cell('size', formatBytes(backup.file_size)),
        cell('took', formatDuration(durationOf(backup))),
        cell('block', formatCount(backup.block_number)),
        h('td', { 'data-label': 'verified' }, backup.status === 'completed' ? verifiedCell(backup) : '–'),
        withError && h('td', { class: backup.error_message ? 'text' : 'text blank' },
            backup.error_message ?? ''));
}

function renderBackups() {
    const rows = list.backups.slice(0, list.rows);
    const withError = rows.some((backup) => backup.error_message);
    const head = ['Backup', 'State', 'Keys', 'Size', 'Took', 'Block', 'Verified',
        ...(withError ? ['Error'] : [])];
    const right = new Set(['Keys', 'Size', 'Took', 'Block']);
    const box = byId('backups');
    if (list.backups.length === 0) {
        box.replaceChildren(h('p', { class: 'empty' }, 'There is none yet.'));
        return;
    }
    const focused = document.activeElement?.closest('#backups button')?.textContent;
    box.replaceChildren(h('table', null,
        h('thead', null, h('tr', null, head.map((name) => h('th', {
            scope: 'col', class: right.has(name) ? 'num' : null }, name)))),
        h('tbody', null, rows.map((backup) => row(backup, withError)))));
    if (focused) [...box.querySelectorAll('button')].find((one) => one.textContent === focused)?.focus();
    show('older', list.next !== null || list.backups.length > list.rows);
}

function renderHistory() {
    const done = list.backups.filter((one) => one.status === 'completed').slice(0, 30).reverse();
    show('history-details', done.length > 0);
    setText('history-note', done.length > 1 ? `last ${done.length} completed` : '');
    if (done.length === 0) {
        byId('charts').replaceChildren(h('p', { class: 'empty' },
            'Charts appear with the first completed backup.'));
        return;
    }
    byId('charts').replaceChildren(...charts(done));
    byId('history-table').replaceChildren(...chartTable(done));
}

export async function lookBackups() {
    const answer = await ask(`/api/v1/backups?limit=${HISTORY}`);
    list.backups = answer.backups;
    list.next = answer.next;
    renderBackups();
    renderHistory();
}

export async function lookOlder() {
    const wanted = list.rows + HISTORY;
    if (list.next === null || list.backups.length >= wanted) {
        list.rows = wanted;
        renderBackups();
        return;
    }
    const answer = await ask(list.next);
    list.backups.push(...answer.backups);
    list.next = answer.next;
    list.rows = wanted;
    renderBackups();
}
