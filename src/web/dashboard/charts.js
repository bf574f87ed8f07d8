// SPDX-License-Identifier: Apache-2.0
//
// Small bar charts of completed backups, oldest first; and the same numbers as a table, for those
// who do not see them.

import {
    durationOf, formatBytes, formatCount, formatDuration, formatShort, h, rateOf, svg,
} from './format.js';

const WIDTH = 260;
const HEIGHT = 110;
const TOP = 18;
const BOTTOM = 20;

const SERIES = [
    { name: 'Keys', value: (backup) => backup.total_keys, format: formatCount },
    { name: 'Archive size', value: (backup) => backup.file_size, format: formatBytes },
    { name: 'Duration', value: durationOf, format: formatDuration },
    { name: 'Throughput', value: rateOf,
        format: (rate) => (rate == null ? '–' : `${formatShort(rate)} keys/s`) },
];

function bars(backups, { value, format }, top) {
    const step = WIDTH / Math.max(backups.length, 12);
    const room = HEIGHT - TOP - BOTTOM;
    return backups.map((backup, i) => {
        const number = value(backup) ?? 0;
        const height = Math.max(number > 0 ? 2 : 0, (number / top) * room);
        return svg('g', { class: i === backups.length - 1 ? 'newest' : null },
            svg('title', null, `${backup.backup_date}: ${format(value(backup))}`),
            svg('rect', { class: 'slot', x: i * step, y: TOP, width: step, height: room }),
            svg('rect', {
                class: 'bar', x: i * step + step * 0.14, y: HEIGHT - BOTTOM - height,
                width: step * 0.72, height, rx: Math.min(2, step * 0.2),
            }));
    });
}

function chart(backups, series) {
    const top = Math.max(...backups.map(series.value), 0) || 1;
    const last = backups.at(-1);
    const first = backups[0].backup_date.slice(0, 10);
    const end = last.backup_date.slice(0, 10);
    const line = (y) => svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y, y2: y });
    return h('figure', null,
        h('figcaption', null, h('span', null, series.name),
            h('strong', null, series.format(series.value(last)))),
        svg('svg', {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img',
            'aria-label': `${series.name} of ${backups.length} backups; newest `
                + `${series.format(series.value(last))}, largest ${series.format(top)}`,
        },
        line(TOP), line((HEIGHT - BOTTOM + TOP) / 2), line(HEIGHT - BOTTOM),
        ...bars(backups, series, top),
        svg('text', { class: 'axis', x: 0, y: TOP - 6 }, `max ${series.format(top)}`),
        svg('text', { class: 'axis', x: 0, y: HEIGHT - 5 }, first),
        end !== first && svg('text', { class: 'axis', x: WIDTH, y: HEIGHT - 5, 'text-anchor': 'end' }, end)));
}

/** @param {object[]} backups completed ones, oldest first; at least one */
export const charts = (backups) => SERIES.map((series) => chart(backups, series));

export const chartTable = (backups) => [
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Backup'),
        SERIES.map((series) => h('th', { scope: 'col', class: 'num' }, series.name)))),
    h('tbody', null, backups.toReversed().map((backup) => h('tr', null,
        h('th', { scope: 'row' }, backup.backup_date),
        SERIES.map((series) => h('td', { class: 'num' }, series.format(series.value(backup))))))),
];
