// SPDX-License-Identifier: Apache-2.0
//
// Chromium without a window, as Debian has it.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-dev-shm-usage'];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS });

/**
 * A page of the dashboard that counts what goes wrong on it: `troubles` gets everything that the
 * console says and every request that leaves the service.
 */
export async function openPage(browser, url, { token } = {}) {
    const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const troubles = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('request', (request) => {
        if (!request.url().startsWith(url)) troubles.push(`asks for ${request.url()}`);
    });
    if (token) await page.addInitScript((text) => sessionStorage.setItem('satellite-token', text), token);
    await page.goto(url);
    return { page, troubles };
}

/** Keeps a picture where SCREENSHOTS names a directory. */
export async function picture(page, name, fullPage = true) {
    if (!process.env.SCREENSHOTS) return;
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage });
}

/** Looks at a page as it is, on a screen and a phone, light and dark; a picture of each. */
export async function everywhere(page, name, look) {
    for (const [device, viewport] of [['phone', PHONE], ['desktop', DESKTOP]])
        for (const colorScheme of ['dark', 'light']) {
            await page.setViewportSize(viewport);
            await page.emulateMedia({ colorScheme });
            await picture(page, `${name}-${device}-${colorScheme}`);
            await look();
        }
}
