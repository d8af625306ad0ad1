// What is left to do once npm has installed: brings Node where the one that runs npm is too old, and removes what nobody reads.
// Only what any Node can read stands here.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { broughtTo, neededMajor, runningMajor } from './needed-node.js';

const root = join(import.meta.dirname, '..');
const modules = join(root, 'node_modules');

/**
 * Files and folders: maps of sources that are not there, sources, tests and descriptions, types for older compilers, builds for others than
 * Node, what of OpenTelemetry is not settled, and the builds of Swagger UI that are not served.
 */
const unread = [
  /\.map$|\.d\.cts$|[\\/](?!licen[cs]e)[^\\/]+\.(md|flow)$/i,
  /[\\/](dist-es|dist-types[\\/]ts3\.4|zod[\\/]src|bintrees[\\/]test|undici[\\/]docs)$/,
  /@(azure|typespec)[\\/].*dist[\\/](browser|react-native|workerd)$/,
  /@opentelemetry[\\/]semantic-conventions[\\/].*(experimental_|-incubating)[^\\/]*$/,
  /swagger-ui-dist.swagger-ui(-es-.*|-standalone-preset|)\.js$/,
];

if (runningMajor < neededMajor && !existsSync(broughtTo)) bringNode();
if (existsSync(modules)) removeUnread();

/** One of the packages in bin/node, which npm chooses by the platform and checks; of it the program alone is kept. */
function bringNode() {
  const work = join(modules, '.node');
  mkdirSync(work, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    copyFileSync(join(import.meta.dirname, 'node', file), join(work, file));
  const npm = process.env.npm_execpath;
  const install = ['ci', '--prefix', work, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { stdio: 'inherit', env: environmentOfItsOwn() };
  if (npm) execFileSync(process.execPath, [npm, ...install], options);
  else execFileSync('npm', install, { ...options, shell: process.platform === 'win32' });
  const name = Object.keys(JSON.parse(readFileSync(join(work, 'package.json'), 'utf8')).optionalDependencies)
    .map((each) => join(work, 'node_modules', each, 'bin'))
    .find((each) => existsSync(each));
  if (!name) {
    process.stderr.write(
      `entrepot: npm has no Node ${neededMajor} for ${process.platform} ${process.arch}; install it yourself\n`,
    );
  } else {
    mkdirSync(join(modules, '.bin'), { recursive: true });
    renameSync(join(name, process.platform === 'win32' ? 'node.exe' : 'node'), broughtTo);
    // A fifth of it is symbols for debuggers. Where there is no such program, it stays bigger.
    if (process.platform === 'linux') tryTo(() => execFileSync('strip', [broughtTo], { stdio: 'ignore' }));
  }
  rmSync(work, { recursive: true, force: true });
}

/** What npm was told on its command line, such as --omit=dev, would count for the npm that we run, too. */
function environmentOfItsOwn() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_config_(omit|include|only|global|prefix)$/i.test(name),
    ),
  );
}

function removeUnread() {
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (unread.some((pattern) => pattern.test(path))) rmSync(path, { recursive: true, force: true });
  }
}

function tryTo(what) {
  try {
    what();
  } catch {
    // It is done without.
  }
}
