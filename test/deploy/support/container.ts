/** What a manifest or a compose file would run in a container, as a process of its own: with the command and the variables of the image. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { answers, type RunningProgram, run, start } from '../../e2e/support/processes.ts';
import { freePort } from '../../support/free-port.ts';

export const root = resolve(import.meta.dirname, '../../..');
export const rootToken = 'ent-deploy-0123456789abcdef01';

export interface Container {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What is mounted, by its path in the container. */
  readonly files: Readonly<Record<string, string>>;
}

interface Image {
  readonly entry: readonly string[];
  /** Where a container is given no arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What the image says itself. */
function readImage(): Image {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const listOf = (instruction: string): readonly string[] =>
    JSON.parse(new RegExp(`^${instruction} (.*)$`, 'm').exec(dockerfile)?.[1] ?? '[]');
  const variables = /^ENV (.*)$/m.exec(dockerfile)?.[1]?.trim().split(/\s+/) ?? [];
  const env = Object.fromEntries(variables.map((each) => each.split('=', 2)));
  return { entry: listOf('ENTRYPOINT'), command: listOf('CMD'), env };
}

/** Its folders are below `directory`, and its addresses ports of this machine that are free. */
async function prepare(container: Container, directory: string) {
  const image = readImage();
  const url = `http://127.0.0.1:${await freePort()}`;
  const operationsUrl = `http://127.0.0.1:${await freePort()}`;
  const here = (text: string) =>
    text
      .replace(/^\/(data|etc\/entrepot)(?=\/|$)/, (path) => join(directory, path))
      .replace(/^0\.0\.0\.0:5000$/, new URL(url).host)
      .replace(/^0\.0\.0\.0:5001$/, new URL(operationsUrl).host)
      .replace(/^0\.0\.0\.0:5002$/, '127.0.0.1:0');
  mkdirSync(join(directory, 'data'), { recursive: true });
  for (const [path, text] of Object.entries(container.files)) {
    mkdirSync(dirname(here(path)), { recursive: true });
    writeFileSync(here(path), text);
  }
  const env = Object.entries({
    ...image.env,
    ...container.env,
    // The registry that is played is of this machine.
    ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
  }).map(([name, value]) => [name, here(value)]);
  const given = container.args.length > 0 ? container.args : image.command;
  const [, ...args] = [...image.entry, ...given].map(here);
  return { url, operationsUrl, args, env: Object.fromEntries(env) };
}

export interface StartedContainer {
  readonly url: string;
  readonly operationsUrl: string;
  readonly program: RunningProgram;
}

/** Once its readiness probe says yes. */
export async function startContainer(container: Container, directory: string): Promise<StartedContainer> {
  const { url, operationsUrl, args, env } = await prepare(container, directory);
  const program = await start(process.execPath, args, {
    cwd: root,
    env,
    logFile: join(directory, 'log'),
    isReady: async () =>
      (await answers(`${operationsUrl}/-/liveness`)) && (await fetch(`${operationsUrl}/-/readiness`)).ok,
  });
  return { url, operationsUrl, program };
}

/** To its end. @throws Error with what it wrote where its exit code is not 0 */
export async function runContainer(container: Container, directory: string): Promise<string> {
  const { args, env } = await prepare(container, directory);
  return run(process.execPath, args, { cwd: root, env });
}
