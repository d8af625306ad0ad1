/** The browser of this machine: Debian's chromium, or what CHROMIUM names. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium as playwright } from 'playwright-core';

/** Where pictures of the pages are kept, as files of the run. */
export const picturesDirectory = join(import.meta.dirname, '../../../.ui');

/** Undefined: there is none, and no test runs. */
export const chromium = [process.env['CHROMIUM'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);

export function launch(): Promise<Browser> {
  if (chromium === undefined) throw new Error('there is no chromium');
  return playwright.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
