// SPDX-License-Identifier: Apache-2.0
//
// One backup in a dialog: what is known of it, what has proved it, its pages, what can be done.

import { may } from './access.js';
import { ask } from './api.js';
import {
    byId, durationOf, facts, formatBytes, formatCount, formatDuration, formatTime, formatWhen, h,
    pill, setText,
} from './format.js';
import { place } from './orders.js';

const PAGES = 50;
const CHECKS = {
    verify: 'Verification', test_restore: 'Test restore', test_restore_chain: 'Restore onto a chain',
};

function overview(backup) {
    const code = (text) => (text ? h('code', null, text) : null);
    return facts([
        ['State', backup.interrupted ? pill('interrupted') : pill(backup.status)],
        ['Started', formatTime(backup.created_at)],
        ['Completed', backup.completed_at && formatTime(backup.completed_at)],
        ['Took', backup.completed_at && formatDuration(durationOf(backup))],
        ['Keys', formatCount(backup.total_keys)],
        ['Pages', `${formatCount(backup.pages_completed)} of ${formatCount(backup.total_pages)}`
            + (backup.pages_failed > 0 ? `, ${formatCount(backup.pages_failed)} failed` : '')],
        ['Block', backup.block_number != null && h('span', null,
            `${formatCount(backup.block_number)} `, code(backup.block_hash))],
        ['Archive', code(backup.backup_file_path)],
        ['Size', backup.file_size != null && formatBytes(backup.file_size)],
        ['SHA-256', code(backup.checksum)],
        ['Held', backup.held ? 'yes: cleanup leaves it' : null],
    ].map(([name, value]) => [name, value === false ? null : value]));
}

function checkList(backup) {
    if (backup.checks.length === 0) return h('p', { class: 'empty' }, 'Nothing has proved it yet.');
    return h('ul', { class: 'list' }, backup.checks.map((check) => h('li', null,
        h('span', null, `${CHECKS[check.kind] ?? check.kind}, ${formatWhen(check.checked_at)}`,
            check.message && h('span', { class: 'muted' }, `: ${check.message}`)),
        pill(check.outcome))));
}

const pageRow = (page) => h('tr', null,
    h('th', { scope: 'row' }, String(page.page_number)),
    h('td', null, pill(page.status)),
    h('td', { class: 'num' }, formatCount(page.keys_count)),
    h('td', { class: 'num' }, formatBytes(page.file_size)),
    h('td', { class: 'text' }, page.error_message ?? ''));

function pageList(backup) {
    const body = h('tbody');
    const more = h('button', { type: 'button', hidden: true }, 'More pages');
    const load = async (path) => {
        const { pages, next } = await ask(path);
        body.append(...pages.map(pageRow));
        more.hidden = next === null;
        more.onclick = () => load(next);
    };
    const box = h('details', { class: 'as-table' },
        h('summary', null, 'Pages'),
        h('div', { class: 'scroll' }, h('table', null,
            h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Page'),
                h('th', { scope: 'col' }, 'State'), h('th', { scope: 'col', class: 'num' }, 'Keys'),
                h('th', { scope: 'col', class: 'num' }, 'Size'),
                h('th', { scope: 'col' }, 'Error'))), body)),
        h('p', { class: 'more' }, more));
    box.addEventListener('toggle', () => {
        if (box.open && body.childElementCount === 0)
            load(`/api/v1/backups/${backup.backup_date}/pages?limit=${PAGES}`).catch(() => {});
    });
    return box;
}

function buttons(backup) {
    const act = (word, verb) => h('button', { type: 'button', onclick: () => {
        byId('backup-dialog').close();
        place(`/api/v1/backups/${backup.backup_date}/${verb}`);
    } }, word);
    const open = backup.status === 'failed' || backup.interrupted;
    return h('div', { class: 'actions' },
        may('operator') && open && act('Retry', 'retry'),
        may('operator') && backup.status === 'completed' && act('Verify', 'verify'));
}

export function showBackup(backup) {
    setText('backup-title', `Backup ${backup.backup_date}`);
    byId('backup-body').replaceChildren(...[
        backup.error_message && h('p', { class: 'error-text' }, backup.error_message),
        overview(backup), h('h3', null, 'Checks'), checkList(backup), pageList(backup),
        buttons(backup)].filter(Boolean));
    byId('backup-dialog').showModal();
}
