// SPDX-License-Identifier: Apache-2.0
//
// How it stands, at a glance: health, the running backup, the newest completed one, what can be done.

import { may } from './access.js';
import {
    byId, durationOf, formatBytes, formatCount, formatDuration, formatShort, formatTime, formatWhen,
    rateOf, setText, show,
} from './format.js';

let announced = '';
let spoken = '';

const HEALTH = {
    ok: ['ok', 'Backups are healthy'],
    empty: ['', 'No backup yet'],
    failing: ['bad', 'The last backup failed'],
    late: ['warn', 'Backups are late'],
    damaged: ['bad', 'The newest backup is damaged'],
};

/** Says it to those who do not see the page; once. */
export function announce(text) {
    if (text === announced) return;
    announced = text;
    setText('announce', text);
}

function healthNote({ newest_completed: done, chore_interval_ms: interval }) {
    if (!done) return `The service makes one every ${formatDuration(interval)}.`;
    return `Last completed ${formatWhen(done.completed_at)} (${formatTime(done.completed_at)}), `
        + `block ${formatCount(done.block_number)}`;
}

export function renderHealth(status) {
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

export function renderTiles({ newest_completed: done, progress, retention_days: days }) {
    setText('tile-keys', formatCount(done?.total_keys));
    setText('tile-keys-sub', done ? `${formatCount(done.total_pages)} pages` : '');
    setText('tile-size', formatBytes(done?.file_size));
    setText('tile-size-sub', !done ? '' : days > 0 ? `kept ${days} days` : 'kept for ever');
    setText('tile-time', done ? formatDuration(durationOf(done)) : '–');
    setText('tile-time-sub', done ? `${formatShort(rateOf(done))} keys/s` : '');
    const proof = done?.checks.find((check) => check.kind === 'verify');
    setText('tile-proof', proof ? proof.outcome.replace('_', ' ') : done ? 'not yet' : '–');
    setText('tile-proof-sub', proof ? formatWhen(proof.checked_at) : '');
    const running = progress.activity === 'backup';
    setText('tile-next', running ? 'now' : formatWhen(progress.next_run));
    setText('tile-next-sub', running ? progress.backup_date : formatTime(progress.next_run));
}

export function renderActions(status) {
    const running = status.progress.activity !== 'idle';
    show('actions', may('operator'));
    byId('run').disabled = status.progress.activity === 'backup';
    const { newest } = status;
    const open = newest && (newest.status === 'failed' || newest.interrupted);
    show('retry', Boolean(open));
    byId('retry').disabled = status.progress.activity === 'backup';
    show('verify', status.newest_completed !== null);
    byId('verify').disabled = running;
}

export function renderProgress(progress) {
    const running = progress.activity !== 'idle';
    show('live', running);
    if (!running) {
        spoken = '';
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
    if (quarter !== spoken) announce(quarter);
    spoken = quarter;
}
