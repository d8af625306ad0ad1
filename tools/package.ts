/**
 * Makes the package that runs without a checkout: `node tools/package.ts FOLDER` puts it there, for npm to pack or to publish. Node runs no
 * TypeScript below node_modules, so types are taken out, and nothing else is changed: lines and columns stay what they are. The versions of
 * what it depends on are those that were tested (npm-shrinkwrap.json), and what they are and are licensed by is in it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node tools/package.ts FOLDER');
const target = resolve(folder);

/** As they are; the page is built before, by `npm run build:ui`. */
const copied = ['config', 'ui/dist', 'LICENSE', 'README.md', 'CHANGELOG.md', 'bin/needed-node.js'];

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly license?: string; readonly dev?: boolean }>
  >;
}

rmSync(target, { recursive: true, force: true });
for (const path of copied) {
  if (!existsSync(join(root, path))) throw new Error(`${path} is not there: npm run build:ui makes the page`);
  cpSync(join(root, path), join(target, path), { recursive: true });
}
for (const path of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }))
  if (path.endsWith('.ts')) write(`src/${path.slice(0, -3)}.js`, withoutTypes(read(`src/${path}`)));
write('bin/entrepot.js', importingJavaScript(read('bin/entrepot.js')));

const {
  name,
  version,
  description,
  license,
  type,
  bin,
  engines,
  dependencies,
  optionalDependencies,
  overrides,
} = JSON.parse(read('package.json'));
const manifest = {
  name,
  version,
  description,
  license,
  type,
  bin,
  engines,
  dependencies,
  optionalDependencies,
  overrides,
};
writeJson('package.json', manifest);
const lock: Lock = JSON.parse(read('package-lock.json'));
const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev);
writeJson('npm-shrinkwrap.json', { ...lock, packages: { '': manifest, ...Object.fromEntries(shipped) } });
const licences = shipped.map(
  ([path, entry]) =>
    `${path.replace(/^.*node_modules\//, '')} ${entry.version}: ${entry.license ?? 'unknown'}`,
);
write('LICENCES.txt', `${[...new Set(licences)].toSorted().join('\n')}\n`);
const sbom = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
write('sbom.cdx.json', execFileSync('npm', sbom, { cwd: target, encoding: 'utf8', maxBuffer: 64e6 }));

function withoutTypes(source: string): string {
  return importingJavaScript(stripTypeScriptTypes(source));
}

function importingJavaScript(source: string): string {
  return source.replaceAll(/(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g, '$1$2.js$1');
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(target, path)), { recursive: true });
  writeFileSync(join(target, path), text);
}

function writeJson(path: string, value: object): void {
  write(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
