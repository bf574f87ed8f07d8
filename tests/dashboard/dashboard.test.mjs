// SPDX-License-Identifier: Apache-2.0
//
// The dashboard in a real browser: what it shows in each state, on a screen and on a phone, by
// keyboard alone, and that nothing of the chain's becomes markup. SCREENSHOTS=DIRECTORY keeps
// pictures.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { realisticEntries } from '../chain/entries.mjs';
import { isPageCall, RpcError, startFakeNode } from '../chain/fake.mjs';
import { mustRun, Store, whileRunning, workspace } from '../integration/harness.mjs';
import { lifo, makeToken, startService } from '../integration/web.mjs';
import { everywhere, launch, openPage, picture } from './browser.mjs';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><b>reverted</b>';

const daysAgo = (days) => new Date(Date.now() - days * 86400000).toISOString().slice(0, 10);

/** Where a chain with a block every two seconds stood so many days ago. */
function blocksOf(days) {
    const latest = 68_400_000 - days * 43_200;
    return { latest, safe: latest - 1, finalized: latest - 2 };
}

/** A backup of each of the last days, each a little larger; the newest is verified. */
async function makeHistory(directory, days) {
    for (let day = days; day >= 1; day -= 1) {
        const entries = realisticEntries(980 - day * 48 + (day % 3) * 17);
        const node = await startFakeNode({ entries, ...blocksOf(day) });
        const store = new Store(directory, node, { 'page-size': 20 });
        await mustRun(store.args('run', '--backup-date', daysAgo(day)));
        if (day === 1) await mustRun(store.args('verify'));
        await node.stop();
    }
}

/** What someone who does not see the page would miss; by hand, as axe would. */
const lookAround = () => {
    const wrong = [];
    const shown = (element) => element.checkVisibility();
    const nameOf = (element) => (element.getAttribute('aria-label')
        ?? element.getAttribute('aria-labelledby')?.split(' ')
            .map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
        ?? element.labels?.[0]?.textContent ?? element.textContent).trim();
    const note = (what, element) => wrong.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
    if (!document.documentElement.lang) wrong.push('no language');
    for (const tag of ['main', 'h1'])
        if (document.querySelectorAll(tag).length !== 1) wrong.push(`not one ${tag}`);
    for (const one of document.querySelectorAll('button, a, input, summary, section, dialog, progress, [role=img], [role=region]'))
        if (shown(one) && nameOf(one) === '') note('no name', one);
    for (const one of document.querySelectorAll('img')) if (one.alt === null) note('no alt', one);
    for (const table of document.querySelectorAll('table'))
        if (shown(table) && [...table.querySelectorAll('th')].some((th) => !th.scope)) note('no scope', table);
    const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
    if (new Set(ids).size !== ids.length) wrong.push('an id twice');
    let last = 0;
    for (const heading of document.querySelectorAll('h1, h2, h3')) {
        const level = Number(heading.tagName[1]);
        if (shown(heading) && level > last + 1) note('a level left out', heading);
        if (shown(heading)) last = level;
    }
    // WCAG 2, 1.4.3: 4.5 to 1, 3 to 1 for large text.
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = rgb(getComputedStyle(one).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!own || !shown(element) || element.closest('svg, noscript, .hidden, .skip, :disabled')) continue;
        const style = getComputedStyle(element);
        const [a, b] = [light(rgb(style.color)), light(ground(element))].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
        if ((a + 0.05) / (b + 0.05) < least) note(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}`, element);
    }
    if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the screen');
    return wrong;
};

/** Nothing is wrong with it, on a screen and on a phone, light and dark. */
async function assertSound({ page, troubles }, name) {
    await everywhere(page, name, async () => assert.deepEqual(await page.evaluate(lookAround), [], name));
    assert.deepEqual(troubles, []);
}

const text = (page, selector) => page.locator(selector).innerText();

/** Waits until an element says something. */
const says = (page, selector, pattern) =>
    page.locator(selector).filter({ hasText: pattern }).first().waitFor();

describe('the dashboard', () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    it('shows an idle service on a screen and a phone, light and dark', async (test) => {
        const t = lifo(test);
        const directory = workspace(t);
        await makeHistory(directory, 14);
        const node = await startFakeNode({ entries: realisticEntries(1000), ...blocksOf(0) });
        t.after(() => node.stop());
        const store = new Store(directory, node, { 'page-size': 20 });
        const service = await startService(t, store);
        await service.logged('Backup operation completed');
        const opened = await openPage(browser, service.url);
        const { page } = opened;
        await says(page, '#health', 'Backups are healthy');
        await says(page, '#endpoints', 'working');
        assert.equal(await text(page, '#tile-keys'), '1,000');
        assert.equal(await page.locator('#charts svg').count(), 4);
        assert.equal(await page.locator('#charts figure').first().locator('.bar').count(), 15);
        assert.equal(await page.locator('#backups tbody tr').count(), 10);
        assert.ok(!await page.isVisible('#run'), 'who has no token is offered nothing');
        await assertSound(opened, 'idle');
        await page.click('#older');
        assert.equal(await page.locator('#backups tbody tr').count(), 15);
        assert.ok(!await page.isVisible('.more'));
        await page.click('#history-details summary');
        assert.match(await text(page, '#history-table'), new RegExp(daysAgo(1)));
        await assertSound(opened, 'idle-whole');
    });

    it('shows a service without a backup, and who may not look nothing', async (test) => {
        const t = lifo(test);
        let release;
        const gate = new Promise((resolve) => { release = resolve; });
        const node = await startFakeNode({ entries: [], methods: {
            async eth_chainId() { await gate; return this.truth('eth_chainId'); },
        } });
        t.after(() => { release(); return node.stop(); });
        const service = await startService(t, new Store(workspace(t), node));
        const opened = await openPage(browser, service.url);
        await says(opened.page, '#health', 'The first backup is running');
        assert.match(await text(opened.page, '#backups'), /There is none yet/);
        assert.match(await text(opened.page, '#charts'), /first completed backup/);
        await assertSound(opened, 'empty');
    });

    it('follows a running backup, and starts and verifies one by keyboard', async (test) => {
        const t = lifo(test);
        let reached;
        let release;
        const waiting = new Promise((resolve) => { reached = resolve; });
        const gate = new Promise((resolve) => { release = resolve; });
        let pages = 0;
        const node = await startFakeNode({ entries: realisticEntries(1000), ...blocksOf(0), methods: {
            async eth_call(params) {
                pages += isPageCall(params) ? 1 : 0;
                if (isPageCall(params) && pages > 8) {
                    reached();
                    await gate;
                }
                return this.truth('eth_call', params);
            },
        } });
        t.after(() => { release(); return node.stop(); });
        const directory = workspace(t);
        await makeHistory(directory, 14);
        const store = new Store(directory, node, { 'page-size': 50 });
        const token = await makeToken(store, 'operator');
        const service = await startService(t, store);
        await whileRunning(service.child, waiting);
        const opened = await openPage(browser, service.url);
        const { page } = opened;
        await says(page, '#live-numbers', '8 of 20 pages · 400 of 1,000 keys');
        assert.equal(await page.locator('#live-bar').evaluate((bar) => bar.value), 0.4);
        assert.match(await text(page, '#live-rate'), /^40 %/);
        await says(page, '#endpoints', 'working');
        await assertSound(opened, 'running');
        await picture(page, 'dashboard', false); // docs/dashboard.png

        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
        const tabTo = async (id) => {
            for (let i = 0; i < 60; i += 1) {
                if (await page.evaluate(() => document.activeElement.id) === id) return;
                await page.keyboard.press('Tab');
            }
            assert.fail(`#${id} is not reached by keyboard`);
        };
        await tabTo('sign-in');
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(outline, 'solid', 'focus is seen');
        await page.keyboard.press('Enter');
        await page.keyboard.type('satellite_wrong');
        await page.keyboard.press('Enter');
        await says(page, '#token-problem', /./);
        assert.equal(opened.troubles.splice(0).filter((one) => !/401/.test(one)).length, 0);
        await page.locator('#token').fill(token);
        await page.keyboard.press('Enter');
        await page.locator('#token-dialog').waitFor({ state: 'hidden' });
        await says(page, '#role', 'operator');
        assert.equal(await page.locator('#token').inputValue(), '', 'the token leaves the field');
        assert.equal(await page.evaluate(() => localStorage.length), 0);

        release();
        await says(page, '#health', 'Backups are healthy');
        await page.locator('#live').waitFor({ state: 'hidden' });
        await page.locator('#verify:enabled').waitFor();
        await tabTo('verify');
        await page.keyboard.press('Enter');
        await says(page, '#hint', /verify .*valid: 1,000 keys checked/);
        await says(page, '#tile-proof', 'valid');
        await page.locator('#run:enabled').focus();
        await page.keyboard.press('Enter');
        await says(page, '#hint', /run .*done already/);
        await says(page, '#operations', 'done already');
        await page.locator('#backups button').first().focus();
        await page.keyboard.press('Enter');
        await says(page, '#backup-dialog', 'SHA-256');
        await page.locator('#backup-dialog summary').click();
        await says(page, '#backup-dialog tbody', '19');
        await assertSound(opened, 'details');
        await page.keyboard.press('Escape');
        assert.ok(!await page.isVisible('#backup-dialog'));
        const focused = await page.evaluate(() => document.activeElement.className);
        assert.equal(focused, 'link', 'focus is back where it was');
    });

    it('shows a failure, with the chain\'s text as text, and retries it', async (test) => {
        const t = lifo(test);
        let broken = true;
        const node = await startFakeNode({ entries: realisticEntries(60), methods: {
            eth_call(params) {
                if (broken && isPageCall(params)) throw new RpcError(3, `execution reverted: ${HOSTILE}`);
                return this.truth('eth_call', params);
            },
        } });
        t.after(() => node.stop());
        const store = new Store(workspace(t), node);
        const service = await startService(t, store);
        await service.logged('Backup operation failed');
        const token = await makeToken(store, 'operator');
        const opened = await openPage(browser, service.url, { token });
        const { page } = opened;
        await says(page, '#health', 'The last backup failed');
        await says(page, '#health-reason', '<b>reverted</b>');
        await page.click('#backups button');
        await says(page, '#backup-dialog .error-text', '<b>reverted</b>');
        assert.equal(await page.locator('img[src=x], #health-reason b, .error-text b').count(), 0);
        assert.match(await page.title(), /^⚠ The last backup failed/);
        await page.click('#backup-close');
        await assertSound(opened, 'failed');
        broken = false;
        await page.click('#retry');
        await says(page, '#health', 'Backups are healthy');
        assert.ok(!await page.isVisible('#retry'));
    });

    it('says that it is not up to date when the service has gone', async (test) => {
        const t = lifo(test);
        const node = await startFakeNode({ entries: realisticEntries(20) });
        t.after(() => node.stop());
        const service = await startService(t, new Store(workspace(t), node));
        const { page } = await openPage(browser, service.url);
        await says(page, '#health', /healthy|running/);
        await service.stop();
        await says(page, '#offline', 'does not answer');
    });
});
