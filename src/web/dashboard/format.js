// SPDX-License-Identifier: Apache-2.0
//
// Numbers and times as people read them, and elements. Text only ever becomes text: nothing here
// takes markup.

const count = new Intl.NumberFormat('en-US');
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export const formatCount = (n) => (n == null ? '–' : count.format(n));
export const formatShort = (n) => (n == null ? '–' : short.format(n));

export function formatBytes(bytes) {
    if (bytes == null) return '–';
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    let unit = 0;
    let value = bytes;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${value.toFixed(unit > 0 && value < 100 ? 1 : 0)} ${units[unit]}`;
}

export function formatDuration(ms) {
    if (ms == null) return '–';
    if (ms < 1000) return `${Math.round(ms)} ms`;
    const seconds = ms / 1000;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min${Math.floor(seconds % 60) > 0 ? ` ${Math.floor(seconds % 60)} s` : ''}`;
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60 > 0 ? ` ${minutes % 60} min` : '';
    return hours < 48 ? `${hours} h${rest}` : `${Math.round(hours / 24)} days`;
}

/** "2 hours ago", "in 20 minutes". */
export function formatWhen(time) {
    if (!time) return '–';
    const seconds = (Date.parse(time) - Date.now()) / 1000;
    const size = Math.abs(seconds);
    if (size < 45) return seconds > 0 ? 'in a moment' : 'just now';
    if (size < 45 * 60) return relative.format(Math.round(seconds / 60), 'minute');
    if (size < 36 * 3600) return relative.format(Math.round(seconds / 3600), 'hour');
    return relative.format(Math.round(seconds / 86400), 'day');
}

/** "2024-01-15 08:30 UTC". */
export const formatTime = (time) => (time ? `${time.slice(0, 10)} ${time.slice(11, 16)} UTC` : '–');

export const durationOf = (backup) => (backup.completed_at
    ? Math.max(0, Date.parse(backup.completed_at) - Date.parse(backup.created_at)) : null);

/** Keys a second. */
export function rateOf(backup) {
    const ms = durationOf(backup);
    return ms ? (backup.total_keys * 1000) / ms : null;
}

export const byId = (id) => document.getElementById(id);

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === false || value == null) continue;
        if (name === 'onclick') element.addEventListener('click', value);
        else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat().filter((child) => child != null && child !== false));
    return element;
}

/** h('td', { class: 'num' }, '12') */
export const h = (name, attributes, ...children) =>
    fill(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);

export function setText(id, text) {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
}

export function show(id, visible) {
    byId(id).hidden = !visible;
}

const LOOKS = {
    completed: 'ok', valid: 'ok', done: 'ok', closed: 'ok',
    in_progress: 'busy', running: 'busy', waiting: 'busy',
    half_open: 'warn', interrupted: 'warn', not_checked: 'warn',
    failed: 'bad', invalid: 'bad', open: 'bad',
};

/** A state as a pill: its word is what it says, its colour only repeats it. */
export const pill = (state, word = state.replace('_', ' ')) =>
    h('span', { class: `pill ${LOOKS[state] ?? ''}` }, word);

export const facts = (pairs) => h('dl', { class: 'facts' }, pairs
    .filter(([, value]) => value != null)
    .flatMap(([name, value]) => [h('dt', null, name), h('dd', null, value)]));
