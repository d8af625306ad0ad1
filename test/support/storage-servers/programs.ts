/** Servers of object storage for tests. */
import { byGo, findMade, make, type Recipe } from '../made-programs.ts';

const azuriteVersion = '3.35.0';

/** In the order in which they are made: the one that is needed most comes first, the ones that take longest last. */
export const recipes = {
  versitygw: byGo('github.com/versity/versitygw/cmd/versitygw', 'v1.8.0'),
  azurite: {
    name: 'azurite',
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

/** Its path; undefined where it was not made on this machine. */
export function findProgram(name: ProgramName): string | undefined {
  return findMade(recipes[name]);
}

/** Minutes on a small machine. @throws Error saying what is missing or what the tool said */
export function makeProgram(name: ProgramName, signal: AbortSignal): Promise<void> {
  return make(recipes[name], signal);
}
