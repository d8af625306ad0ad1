/** Faults that an operator can mend, told in a line with the setting and without a stack. */
import { TlsFileError } from '../api/server/tls-files.ts';
import type { Config } from '../config/config.ts';
import { blobDirectoryOf } from '../config/data-directory.ts';
import { withoutPassword } from '../config/format-config.ts';
import { ConfigError } from '../config/settings.ts';
import { findReason } from '../config/system-reasons.ts';
import { isSystemError, type SystemError } from '../oci/system-error.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import { ObjectStorageError } from '../storage/objects/object-storage.ts';
import { DataDirectoryInUse } from './data-directory-owner.ts';

/** An address, named by its setting, cannot be listened on. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
  readonly setting: string;

  /** @param address as it is configured */
  constructor(setting: string, address: string, cause: unknown) {
    super(`cannot listen on ${address}`, { cause });
    this.setting = setting;
  }
}

/** Several at once, so that whoever mends one need not start again to hear of the next. */
export class StartFaults extends Error {
  override readonly name = 'StartFaults';
  readonly faults: readonly unknown[];

  constructor(faults: readonly unknown[]) {
    super('the server cannot start', { cause: faults[0] });
    this.faults = faults;
  }
}

/** All results, once all are done. @throws StartFaults with all that failed */
export async function settled<T extends readonly unknown[] | []>(
  works: T,
): Promise<{ -readonly [Key in keyof T]: Awaited<T[Key]> }> {
  const faults = (await Promise.allSettled(works)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  if (faults.length > 0) throw new StartFaults(faults);
  return Promise.all(works);
}

/** How auth/secret-box.ts says it. */
const otherKey = 'does not open with this secret key';
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** No connection, wrong password, no such database, no resources, going down, no permission. https://www.postgresql.org/docs/17/errcodes-appendix.html */
const databaseRefusal = /^(?:08|28|3D|53|57P|42501)/;
/** pg's own, which has no code. */
const connectTimeout = /timeout exceeded when trying to connect|terminated due to connection timeout/;

/** A line for each fault; undefined where there is one that no operator can mend. */
export function explainStartFailure(error: unknown, config: Config): string | undefined {
  if (error instanceof StartFaults) {
    const lines = error.faults.map((fault) => explainStartFailure(fault, config));
    return lines.includes(undefined) ? undefined : lines.join('\n');
  }
  const causes = [...causesOf(error)];
  for (const cause of causes) {
    const explanation = explain(cause, config);
    if (explanation !== undefined) return explanation;
  }
  return explainConnection(causes, config);
}

/** What else PostgreSQL's client says of a connection, much of it without a code: TLS that failed, another program that answered. */
function explainConnection(causes: readonly Error[], { database: { url } }: Config): string | undefined {
  const unavailable = causes.find((cause) => cause instanceof UnavailableError);
  if (url === undefined || !unavailable?.message.includes('database')) return undefined;
  const { cause, message } = unavailable;
  return describeDatabase(url, cause instanceof Error ? cause.message : message);
}

function describeDatabase(url: string, reason: string): string {
  return `database.url: the database ${withoutPassword(url)} cannot be used: ${reason}`;
}

function explain(error: Error, config: Config): string | undefined {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof TlsFileError) return `http.tls.${error.file}: ${error.message}`;
  if (error instanceof CannotListen) return explainListening(error);
  if (error instanceof ObjectStorageError) return `storage: ${error.reason}`;
  if (error instanceof DataDirectoryInUse) return `data_directory: ${error.message}`;
  if (error.message.includes(otherKey)) {
    return `ENTREPOT_SECRET_KEY: the secret key is not the one that the records were sealed with: ${error.message}`;
  }
  const { database, dataDirectory } = config;
  if (database.url !== undefined && isOfDatabase(error, new URL(database.url))) {
    return describeDatabase(database.url, error.message);
  }
  if (!isSystemError(error)) return undefined;
  if (error.code === 'ERR_SQLITE_ERROR') {
    return `data_directory: the database in ${dataDirectory} cannot be used: ${error.message}`;
  }
  return explainPath(error, config);
}

/** Undefined where it is not about the address. */
function explainListening({ setting, message, cause }: CannotListen): string | undefined {
  if (!isSystemError(cause) || !listenCalls.has(String(cause.syscall))) return undefined;
  return `${setting}: ${message}: ${listenReasons[cause.code] ?? cause.message}`;
}

const listenCalls = new Set(['bind', 'getaddrinfo', 'listen']);

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there; stop it, or set another',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not allowed; ports below 1024 are for privileged users',
  ENOTFOUND: 'no address is known by that name',
  EAI_AGAIN: 'no name server says which address that name has',
};

function explainPath(error: SystemError, config: Config): string | undefined {
  const { path } = error;
  const reason = findReason(error);
  if (typeof path !== 'string' || reason === undefined) return undefined;
  const setting = settingOf(path, config);
  if (setting === undefined) return `cannot use ${path}: ${reason}`;
  return `${setting}: cannot ${error.syscall === 'open' ? 'read' : 'use'} ${path}: ${reason}`;
}

/** Which setting a path is of, or of what is below it. */
function settingOf(path: string, config: Config): string | undefined {
  const { http, auth, database, storage, dataDirectory } = config;
  if (path === http.tls.certificate) return 'http.tls.certificate';
  if (path === http.tls.key) return 'http.tls.key';
  if (path === auth.certificate) return 'auth.certificate';
  if (path === auth.key) return 'auth.key';
  if (path === auth.tokenRootcertbundle) return 'auth.token_rootcertbundle';
  if (database.url?.includes(path)) return 'database.url';
  if (storage.directory !== undefined && path.startsWith(blobDirectoryOf(config))) return 'storage.directory';
  return path.startsWith(dataDirectory) ? 'data_directory' : undefined;
}

function isOfDatabase(error: Error, { hostname }: URL): boolean {
  if (!isSystemError(error)) return connectTimeout.test(error.message);
  if (error.syscall === 'getaddrinfo') return error.hostname === hostname;
  return unreachable.has(error.code) || databaseRefusal.test(error.code);
}

/** The errors it is made of, which say more than their sum, the error, and what caused it. */
function* causesOf(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return;
  if (error instanceof AggregateError) for (const each of error.errors) yield* causesOf(each);
  yield error;
  yield* causesOf(error.cause);
}
