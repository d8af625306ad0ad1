/** Servers of object storage and of clouds, and what else is built for tests. */
import { byGo, byGoModule, findMade, make, type Recipe } from '../made-programs.ts';

const azuriteVersion = '3.35.0';
const motoVersion = '5.1.5';

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
  /** Python's interpreter that has it. Its own list of what a server needs brings three times as much. */
  moto: {
    name: 'moto',
    version: motoVersion,
    file: 'bin/python',
    command: (folder) => [
      'sh',
      '-c',
      `python3 -m venv ${folder} && ${folder}/bin/pip install -q 'moto[ecr,sts]==${motoVersion}' flask flask-cors`,
    ],
  },
  'fake-gcs-server': byGo('github.com/fsouza/fake-gcs-server', 'v1.56.1'),
  minio: byGo('github.com/minio/minio', 'v0.0.0-20260212201848-7aac2a2c5b7c'),
  reg: byGoModule('github.com/genuinetools/reg', 'v0.16.1'),
} as const satisfies Readonly<Record<string, Recipe>>;

export type ProgramName = keyof typeof recipes;
/** Those that keep blobs. */
export type StorageServerName = Exclude<ProgramName, 'moto' | 'reg'>;

export const programNames: readonly ProgramName[] = [
  'versitygw',
  'azurite',
  'moto',
  'fake-gcs-server',
  'minio',
  'reg',
];

/** Its path; undefined where it was not made on this machine. */
export function findProgram(name: ProgramName): string | undefined {
  return findMade(recipes[name]);
}

/** Minutes on a small machine. @throws Error saying what is missing or what the tool said */
export function makeProgram(name: ProgramName, signal: AbortSignal): Promise<void> {
  return make(recipes[name], signal);
}
