/** Programs for tests that are built or installed apart, each kept in a folder of its own by name and version, and made where it is not there. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Go's own installer puts it there, on no PATH but the one that its user extends. */
const path = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(delimiter);

export interface Recipe {
  readonly name: string;
  readonly version: string;
  /** Of the program, in its folder. */
  readonly file: string;
  /** What makes it in a folder. */
  readonly command: (folder: string) => readonly string[];
}

export function byGo(module: string, version: string): Recipe {
  const name = module.split('/').at(-1) ?? module;
  return { name, version, file: name, command: () => ['go', 'install', `${module}@${version}`] };
}

/** For a module of which Go's proxy gives no list of versions, without which it installs none by itself. */
export function byGoModule(module: string, version: string): Recipe {
  const steps = ['cd "$GOBIN"', 'go mod init made', `go mod edit -require ${module}@${version}`];
  const command = [...steps, `go install -mod=mod ${module}`].join(' && ');
  return { ...byGo(module, version), command: () => ['sh', '-c', command] };
}

function folderOf({ name, version }: Recipe): string {
  const cache = process.env['ENTREPOT_CI_CACHE'] ?? join(homedir(), '.cache/entrepot-ci');
  return join(cache, `${name}-${version}`);
}

/** Its path; undefined where it was not made on this machine. */
export function findMade(recipe: Recipe): string | undefined {
  const file = join(folderOf(recipe), recipe.file);
  return existsSync(file) ? file : undefined;
}

/** Minutes on a small machine; others see all of it or nothing. @throws Error saying what is missing or what the tool said */
export async function make(recipe: Recipe, signal: AbortSignal): Promise<void> {
  if (findMade(recipe) !== undefined) return;
  const folder = folderOf(recipe);
  mkdirSync(join(folder, '..'), { recursive: true });
  const made = mkdtempSync(`${folder}.`);
  try {
    await execute(
      recipe.command(made),
      { ...process.env, PATH: path, CGO_ENABLED: '0', GOBIN: made },
      signal,
    );
    // Somebody else may have been faster.
    if (findMade(recipe) === undefined) renameSync(made, folder);
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
