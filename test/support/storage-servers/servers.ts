/** Real servers of object storage, each on a port of its own with nothing in it, and ended by the test. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answers, type RunningProgram, start } from '../../e2e/support/processes.ts';
import { freePort } from '../free-port.ts';
import { findProgram, type StorageServerName } from './programs.ts';

export interface StorageServer {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
  readonly program: RunningProgram;
}

export interface StorageServerOptions {
  /** For its bytes and its log; what is in it from a server before is there again, but for Azurite and fake-gcs-server. */
  readonly directory: string;
  /** By default one that is free. */
  readonly port?: number;
}

/** Of versitygw and MinIO. */
export const s3Keys = { accessKey: 'entrepot', secretKey: 'entrepot-secret' } as const;
/** Of Azurite. */
export const azureAccount = 'entrepot';
export const azureAccountKey = Buffer.from('the account key of a test').toString('base64');

interface Launch {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What answers once it is ready. */
  readonly probe?: string;
}

const launches: Readonly<Record<StorageServerName, (program: string, port: number, data: string) => Launch>> =
  {
    versitygw: (program, port, data) => ({
      args: [
        ...[program, '--quiet', '--access', s3Keys.accessKey, '--secret', s3Keys.secretKey],
        ...['--port', `127.0.0.1:${port}`, 'posix', data],
      ],
    }),
    minio: (program, port, data) => ({
      args: [program, 'server', data, '--address', `127.0.0.1:${port}`, '--console-address', '127.0.0.1:0'],
      env: { MINIO_ROOT_USER: s3Keys.accessKey, MINIO_ROOT_PASSWORD: s3Keys.secretKey, MINIO_BROWSER: 'off' },
      probe: 'minio/health/ready',
    }),
    azurite: (program, port) => ({
      args: [
        ...[process.execPath, program, '--inMemoryPersistence', '--silent', '--disableTelemetry'],
        // It knows older versions of the interface than its clients speak.
        ...['--skipApiVersionCheck', '--blobHost', '127.0.0.1', '--blobPort', `${port}`],
      ],
      env: { AZURITE_ACCOUNTS: `${azureAccount}:${azureAccountKey}` },
    }),
    'fake-gcs-server': (program, port) => ({
      args: [
        ...[program, '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`, '-backend', 'memory'],
        ...['-external-url', `http://127.0.0.1:${port}`, '-public-host', `127.0.0.1:${port}`],
      ],
      probe: '_internal/healthcheck',
    }),
  };

/** Why a server cannot be had here, for tests to say; undefined where it can. */
export function whyMissing(name: StorageServerName): string | undefined {
  return findProgram(name) === undefined
    ? `skipped: ${name} is not here; npm run make:storage-servers builds it`
    : undefined;
}

/** @throws Error where it was not made on this machine, see {@link whyMissing}, or does not start */
export async function startStorageServer(
  name: StorageServerName,
  { directory, port }: StorageServerOptions,
): Promise<StorageServer> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(whyMissing(name));
  const data = join(directory, 'data');
  mkdirSync(data, { recursive: true });
  const own = port ?? (await freePort());
  const endpoint = `http://127.0.0.1:${own}`;
  const { args, env = {}, probe = '' } = launches[name](program, own, data);
  const [command = '', ...rest] = args;
  const isReady = () => answers(`${endpoint}/${probe}`);
  const logFile = join(directory, `${name}.log`);
  return { endpoint, program: await start(command, rest, { env, cwd: directory, logFile, isReady }) };
}
