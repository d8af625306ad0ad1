import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listEndpoints } from '../../src/api/rest/rest-router.ts';
import { createMetrics } from '../../src/app/metrics/metrics.ts';
import { exitCodes } from '../../src/commands/command.ts';
import { secretVariables } from '../../src/config/secret-variables.ts';
import { readYaml } from '../../src/config/settings.ts';
import { commandReference } from '../support/command-reference.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The rows of a document's tables whose first cell is one word in backquotes. */
function rowsOf(document: string): Map<string, string> {
  const rows = read(document).matchAll(/^\| `([A-Za-z0-9_.]+)` \| `?(.*?)`? \|/gm);
  return new Map([...rows].map(([, name = '', cell = '']) => [name, cell]));
}

const settings = readYaml('default.yaml', read('config/default.yaml'));

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return value === '' ? '""' : String(value);
}

describe('docs/configuration.md', () => {
  const rows = rowsOf('docs/configuration.md');

  test('has every setting, in the order of default.yaml, and no other', () => {
    const documented = [...rows.keys()].filter((name) => !name.startsWith('ENTREPOT_'));
    expect(documented).toEqual(settings.map(({ path }) => path));
  });

  test('says the defaults that hold', () => {
    for (const { path, value } of settings)
      expect(`${path} ${rows.get(path)}`).toBe(`${path} ${shown(value)}`);
  });

  test('has every secret', () => {
    const documented = [...rows.keys()].filter((name) => name.startsWith('ENTREPOT_'));
    expect(documented.toSorted()).toEqual([...secretVariables].toSorted());
  });
});

describe('default.yaml', () => {
  test('explains in a comment what an empty setting means', () => {
    const lines = read('config/default.yaml').split('\n');
    for (const { path, value, origin } of settings) {
      if (value !== '' || path.startsWith('http.tls.')) continue;
      const line = Number(origin.split(':')[1]) - 1;
      expect(`${path}: ${lines[line - 1]}`).toContain('empty:');
    }
  });
});

const documents = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

describe('every document', () => {
  const scripts: { scripts: Record<string, string> } = JSON.parse(read('package.json'));

  test.each(documents)('%s names only npm scripts that exist', (document) => {
    const named = read(document).matchAll(/\bnpm (?:run (?:--?\S+ )*([a-z:0-9-]+)|(start|test)\b)/g);
    for (const [, script, short] of named) expect(Object.keys(scripts.scripts)).toContain(script ?? short);
  });

  test.each(documents)('%s links only to files that exist', (document) => {
    const links = read(document).matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g);
    for (const [, target = ''] of links) {
      expect(`${target} ${existsSync(resolve(root, dirname(document), target))}`).toBe(`${target} true`);
    }
  });
});

describe('README.md', () => {
  test('says the two commands', () => {
    expect(read('README.md')).toContain('npm ci && npm start');
    expect(read('README.md')).toContain('npm ci && npm test');
  });
});

describe('docs/architecture.md', () => {
  test('names every room', () => {
    const entries = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${name}/`);
    const layout = read('docs/architecture.md').split(/^## /m)[2] ?? '';
    const named = new Set(layout.match(/[a-z0-9-]+\//g));
    expect(rooms.filter((room) => !named.has(room))).toEqual([]);
  });
});

describe('docs/api.md', () => {
  test('has every endpoint of /api/v4 with its status, and no other', () => {
    const endpoints = listEndpoints({ version: { version: '' } } as never);
    const documented = read('docs/api.md').matchAll(
      /^\| `((?:GET|POST|PUT|PATCH|DELETE) (?!\/v2)\S+)` \| (\d+)/gm,
    );
    expect([...documented].map(([, endpoint, status]) => `${endpoint} ${status}`).toSorted()).toEqual(
      endpoints.map(({ method, path, status }) => `${method} ${path} ${status}`).toSorted(),
    );
  });
});

describe('docs/operations.md', () => {
  test('has every metric of ours, and no other', async () => {
    const exposed = (await createMetrics().render()).matchAll(/^# TYPE (entrepot_\w+)/gm);
    const documented = read('docs/operations.md').matchAll(/^\| `(entrepot_\w+)` \|/gm);
    const names = (found: Iterable<RegExpExecArray>) => [...found].map(([, name]) => name).toSorted();
    expect(names(documented)).toEqual(names(exposed));
  });
});

describe('docs/commands.md', () => {
  test('says of every command what the program says of it', () => {
    const [, reference = ''] = read('docs/commands.md').split('<!-- commands -->');
    expect(reference.trim()).toBe(commandReference());
  });

  test('has every exit code', () => {
    const codes = read('docs/commands.md').matchAll(/^\| (\d+) \|/gm);
    expect([...codes].map(([, code]) => Number(code))).toEqual(Object.values(exitCodes));
  });
});
