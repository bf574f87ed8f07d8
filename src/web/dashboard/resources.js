// SPDX-License-Identifier: Apache-2.0
//
// What backups live on: the disk and the chain's endpoints.

import { byId, facts, formatBytes, formatCount, h, pill, svg } from './format.js';

function forecast({ days_until_full: days, bytes_per_backup: each }) {
    if (each == null || days == null) return 'Too few backups to tell';
    return days > 3650 ? 'Room for more than 10 years' : `Room for about ${formatCount(days)} days`;
}

export function renderStorage(storage) {
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
        ['Backups', formatCount(storage.total_backups)]]));
}

const BREAKERS = { closed: 'working', half_open: 'being tried', open: 'left alone' };

export function renderEndpoints({ endpoints }) {
    byId('endpoints').replaceChildren(endpoints.length === 0
        ? h('p', { class: 'empty' }, 'None has been asked yet.')
        : h('ul', { class: 'list' }, endpoints.map((one) => h('li', null,
            h('code', null, one.endpoint), pill(one.breaker, BREAKERS[one.breaker])))));
}
