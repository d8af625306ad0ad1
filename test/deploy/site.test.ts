/** The documents as a site: it is built, and no link leads to nowhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { run } from '../e2e/support/processes.ts';
import { root } from './support/container.ts';

const site = join(root, '.site');
const buildMs = 600_000;
const pages = new Map<string, string>();

beforeAll(async () => {
  await run('npm', ['run', 'build:site'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '' },
    timeoutMs: buildMs,
  });
  for (const file of readdirSync(site, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.html') && file !== '404.html')
      pages.set(file, readFileSync(join(site, file), 'utf8'));
}, buildMs);

/** @returns the file and the heading that a link on a page leads to */
function targetOf(page: string, href: string): { readonly file: string; readonly heading: string } {
  const [path = '', heading = ''] = href.split('#', 2);
  const at = path.startsWith('/') ? path.slice(1) : normalize(join(dirname(page), path));
  const file = path === '' ? page : path.endsWith('/') ? join(at, 'index.html') : at;
  return { file, heading: decodeURIComponent(heading) };
}

test('every document is a page, and every page is to be found from the first', () => {
  const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => file.replace(/md$/, 'html'));
  expect([...pages.keys()].toSorted()).toEqual(documents.toSorted());
  const linked = new Set(
    [...pages].flatMap(([page, text]) =>
      [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => targetOf(page, href).file),
    ),
  );
  expect([...pages.keys()].filter((page) => !linked.has(page))).toEqual([]);
});

test('every page is in the list at the side', () => {
  const side = /<aside class="VPSidebar".*?<\/aside>/s.exec(pages.get('index.html') ?? '')?.[0] ?? '';
  const listed = new Set(
    [...side.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => targetOf('index.html', href).file),
  );
  expect([...pages.keys()].filter((page) => !listed.has(page))).toEqual([]);
});

test('every link leads to a page, and to a heading that it has', () => {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const [, href = ''] of text.matchAll(/<a[^>]* href="([^"]+)"/g)) {
      if (/^(https?:|mailto:)/.test(href)) continue;
      const { file, heading } = targetOf(page, href.replaceAll('&amp;', '&'));
      const target = pages.get(file);
      const isThere = target !== undefined && (heading === '' || target.includes(`id="${heading}"`));
      if (!isThere) broken.push(`${page}: ${href}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the site can be searched', () => {
  const assets = readdirSync(join(site, 'assets'), { recursive: true, encoding: 'utf8' });
  expect(assets.some((file) => file.includes('localSearchIndex'))).toBe(true);
});
