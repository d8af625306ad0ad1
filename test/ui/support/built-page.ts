/** Before all tests of the page: it is built as it is now, and pictures of the last run go. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import begin from '../../support/run.ts';
import { chromium, picturesDirectory } from './browser.ts';

export default async function prepare(): Promise<() => Promise<void>> {
  if (chromium === undefined)
    console.log('NOT RUN: the page in a browser, since there is no chromium (apt-get install chromium)');
  rmSync(picturesDirectory, { recursive: true, force: true });
  await build({ root: join(import.meta.dirname, '../../../ui'), logLevel: 'warn' });
  return begin();
}
