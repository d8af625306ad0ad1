/** Servers of object storage for tests, each kept in a folder of its own by name and version, and made where it is not there. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Go's own installer puts it there, on no PATH but the one that its user extends. */
const path = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(delimiter);

interface Recipe {
  readonly version: string;
  /** Of the program, in its folder. */
  readonly file: string;
  /** What makes it in a folder. */
  readonly command: (folder: string) => readonly string[];
}

function byGo(module: string, version: string): Recipe {
  const file = module.split('/').at(-1) ?? module;
  return { version, file, command: () => ['go', 'install', `${module}@${version}`] };
}

const azuriteVersion = '3.35.0';

/** In the order in which they are made: the one that is needed most comes first, the ones that take longest last. */
const recipes = {
  versitygw: byGo('github.com/versity/versitygw/cmd/versitygw', 'v1.8.0'),
  azurite: {
    version: azuriteVersion,
    file: 'node_modules/azurite/dist/src/blob/main.js',
    command: (folder) => [
      ...['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts'],
      `azurite@${azuriteVersion}`,
    ],
  },
  'fake-gcs-server': byGo('github.com/fsouza/fake-gcs-server', 'v1.56.1'),
  minio: byGo('github.com/minio/minio', 'v0.0.0-20260212201848-7aac2a2c5b7c'),
} as const satisfies Readonly<Record<string, Recipe>>;

export type ProgramName = keyof typeof recipes;

export const programNames: readonly ProgramName[] = ['versitygw', 'azurite', 'fake-gcs-server', 'minio'];

function folderOf(name: ProgramName): string {
  const cache = process.env['ENTREPOT_CI_CACHE'] ?? join(homedir(), '.cache/entrepot-ci');
  return join(cache, `${name}-${recipes[name].version}`);
}

/** Its path; undefined where it was not made on this machine. */
export function findProgram(name: ProgramName): string | undefined {
  const file = join(folderOf(name), recipes[name].file);
  return existsSync(file) ? file : undefined;
}

/** Minutes on a small machine; others see all of it or nothing. @throws Error saying what is missing or what the tool said */
export async function makeProgram(name: ProgramName, signal: AbortSignal): Promise<void> {
  if (findProgram(name) !== undefined) return;
  const folder = folderOf(name);
  mkdirSync(join(folder, '..'), { recursive: true });
  const made = mkdtempSync(`${folder}.`);
  try {
    await execute(
      recipes[name].command(made),
      { ...process.env, PATH: path, CGO_ENABLED: '0', GOBIN: made },
      signal,
    );
    // Somebody else may have been faster.
    if (findProgram(name) === undefined) renameSync(made, folder);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function execute(command: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const [program = '', ...args] = command;
  // A group of its own: the compilers that Go starts end with it.
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const end = () => child.pid !== undefined && process.kill(-child.pid, 'SIGTERM');
  signal.addEventListener('abort', end);
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${program} cannot be run: ${cause.message}`)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(signal.aborted ? 'it took too long' : `${command.join(' ')}: ${said}`));
    });
  }).finally(() => signal.removeEventListener('abort', end));
}
