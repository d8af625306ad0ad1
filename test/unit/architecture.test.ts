import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { templateOf } from '../../src/api/rest/openapi.ts';
import { listEndpoints } from '../../src/api/rest/rest-router.ts';
import { apiCalls } from '../support/api-calls/all.ts';

/** Who may import whom: docs/architecture.md §3. Types of observe/log.ts are everybody's. */
const mayImport: Record<string, readonly string[]> = {
  concurrency: [],
  oci: [],
  rules: ['concurrency'],
  outbound: ['concurrency', 'oci'],
  storage: ['oci'],
  metadata: ['concurrency', 'oci'],
  cache: ['concurrency', 'oci', 'metadata'],
  upstreams: ['concurrency', 'oci', 'rules', 'cache', 'outbound'],
  auth: ['concurrency', 'oci', 'rules', 'metadata', 'cache', 'outbound'],
  proxy: ['concurrency', 'oci', 'storage', 'metadata', 'cache', 'outbound', 'upstreams'],
  hosted: ['concurrency', 'oci', 'rules', 'storage', 'metadata', 'cache'],
  retention: ['concurrency', 'oci', 'rules', 'storage', 'metadata'],
  gc: ['concurrency', 'oci', 'rules', 'storage', 'metadata', 'tasks'],
  tasks: ['concurrency', 'metadata'],
  webhooks: ['concurrency', 'oci', 'metadata', 'outbound'],
  management: [
    'concurrency',
    'oci',
    'rules',
    'metadata',
    'auth',
    'outbound',
    'upstreams',
    'proxy',
    'hosted',
    'retention',
  ],
  api: ['concurrency', 'oci', 'rules', 'auth', 'management'],
  config: ['oci', 'rules'],
  observe: ['oci'],
};

/** Shapes of records that answers are written from: types, which are gone when the code runs. */
const mayImportTypes: Record<string, readonly string[]> = { api: ['metadata', 'upstreams', 'proxy'] };

/** Packages that only these files and folders may use. */
const packageHomes: Record<string, readonly string[]> = {
  koa: ['api', 'app'],
  '@koa/router': ['api', 'app'],
  'koa-body': ['api'],
  undici: ['outbound', 'webhooks'],
  kysely: ['metadata'],
  pg: ['metadata'],
  'node:sqlite': ['metadata', 'storage'],
  jose: ['auth'],
  asn1js: ['auth'],
  pino: ['observe'],
  re2js: ['rules'],
  'prom-client': ['app'],
  keyv: ['cache'],
  '@keyv/redis': ['cache'],
  yaml: ['config'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly isType: boolean;
}

const root = resolve(import.meta.dirname, '../../src');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const importPattern = /^(?:import|export)\s+(type\s)?[^;]*?\sfrom\s+'([^']+)';|^import\s+'([^']+)';/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(importPattern)].map((match) => ({
    file,
    from: match[2] ?? match[3] ?? '',
    isType: match[1] !== undefined,
  }));
}

const imports = files.flatMap(importsOf);

/** The top folder, or the file at the top. */
function homeOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function targetOf({ file, from }: Import): string {
  return relative(root, resolve(root, dirname(file), from));
}

describe('the house', () => {
  test('has files to look at', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  test('imports only along the arrows', () => {
    const faults = imports
      .filter(({ from }) => from.startsWith('.'))
      .filter((each) => {
        const home = homeOf(each.file);
        const allowed = mayImport[home];
        const target = targetOf(each);
        if (!allowed || homeOf(target) === home) return false;
        if (each.isType && (target === 'observe/log.ts' || mayImportTypes[home]?.includes(homeOf(target))))
          return false;
        return !allowed.includes(homeOf(target));
      });
    expect(faults.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test('keeps each package in its home', () => {
    const faults = imports.filter(({ file, from }) => {
      const homes = packageHomes[from];
      return homes !== undefined && !homes.includes(homeOf(file));
    });
    expect(faults.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test('reads process, its environment and arguments in main.ts alone', () => {
    const users = files.filter((file) =>
      /\bprocess\.(?:env|argv|exit|on|once)\b/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(users).toEqual(['main.ts']);
  });

  test('has no import cycle', () => {
    const edges = new Map<string, string[]>();
    for (const each of imports) {
      if (each.from.startsWith('.') && !each.isType)
        edges.set(each.file, [...(edges.get(each.file) ?? []), targetOf(each)]);
    }
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('calls every endpoint in the test of the API document', () => {
    const endpoints = listEndpoints({ version: { version: '' } } as never);
    const operations = endpoints.map(({ method, path }) => `${method} ${templateOf(path)}`);
    expect(operations.filter((operation) => !(operation in apiCalls))).toEqual([]);
    expect(operations).toEqual([...new Set(operations)]);
  });

  test('exports by name, without barrels', () => {
    const faults = files.filter((file) => {
      return file.endsWith('/index.ts') || /^export default /m.test(readFileSync(join(root, file), 'utf8'));
    });
    expect(faults).toEqual([]);
  });

  test('stays within 250 lines a file', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 251);
    expect(long).toEqual([]);
  });
});
