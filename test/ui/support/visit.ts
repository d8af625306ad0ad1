/** Someone at a browser, and what must hold of whatever they see: no fault in its console, nothing for axe to find, no page wider than the screen. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { picturesDirectory } from './browser.ts';

const sizes = { narrow: { width: 360, height: 780 }, wide: { width: 1920, height: 1080 } } as const;

export const password = 'correct horse battery';

/** What the page's policy forbids becomes a line in the console. */
const tellViolations = `addEventListener('securitypolicyviolation', (event) =>
  console.error('violates', event.violatedDirective, event.blockedURI, event.sample));`;

export class Visit {
  readonly page: Page;
  readonly #url: string;
  readonly #faults: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.on('pageerror', (error) => this.#faults.push(String(error)));
    page.on('console', (message) => {
      // A refusal is an answer; everything else that the browser complains about is a fault.
      const isRefusal = /^Failed to load resource: .* status of 4\d\d/.test(message.text());
      if (message.type() === 'error' && !isRefusal) this.#faults.push(message.text());
    });
  }

  /** @param url of the server, with the path that the page is below */
  static async begin(context: BrowserContext, url: string): Promise<Visit> {
    const page = await context.newPage();
    await page.setViewportSize(sizes.wide);
    await page.addInitScript({ content: tellViolations });
    return new Visit(page, url);
  }

  /** @param path as `/registries/1?tab=cache` */
  async goTo(path: string): Promise<void> {
    await this.page.goto(`${this.#url}/#${path}`);
    await this.page.locator('h1').waitFor();
  }

  async signIn(username = 'root'): Promise<void> {
    await this.page.getByLabel('User name').fill(username);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await this.page.getByRole('navigation', { name: 'Main' }).waitFor({ state: 'attached' });
  }

  /** The title of the page that is shown. */
  async expectTitle(title: string): Promise<void> {
    await expect.poll(() => this.page.locator('h1').first().textContent()).toBe(title);
  }

  /** In both themes and at both widths, with pictures under this name. */
  async expectSound(name: string): Promise<void> {
    const { page } = this;
    mkdirSync(picturesDirectory, { recursive: true });
    await expect.poll(() => page.locator('.loading').count()).toBe(0);
    // Both themes and both widths, in two looks.
    for (const [theme, width] of [
      ['light', 'wide'],
      ['dark', 'narrow'],
    ] as const) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.setViewportSize(sizes[width]);
      const path = join(picturesDirectory, `${name}-${sizes[width].width}.png`);
      await page.screenshot({ path, fullPage: true });
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(`${name} at ${width} is ${Math.max(overflow, 0)} pixels too wide`).toBe(
        `${name} at ${width} is 0 pixels too wide`,
      );
      await this.#expectNothingForAxe(`${name}, ${width}, ${theme}`);
    }
    await page.setViewportSize(sizes.wide);
    await page.emulateMedia({ colorScheme: 'light' });
    this.expectNoFaults();
  }

  expectNoFaults(): void {
    expect(this.#faults).toEqual([]);
  }

  async #expectNothingForAxe(where: string): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
    );
    expect({ where, found }).toEqual({ where, found: [] });
  }
}
