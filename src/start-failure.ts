/** Faults that an operator can mend, told in a line without a stack. */
import { type Config, withoutPassword } from './config.ts';

interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
  readonly path?: unknown;
}

/** How auth/secret-box.ts says it. */
const otherKey = 'does not open with this secret key';
const unwritable = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
  'EEXIST',
  'ENOENT',
  'EIO',
]);
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

/** Undefined where the error is none that an operator can mend. */
export function explainStartFailure(error: unknown, config: Config): string | undefined {
  for (const cause of causesOf(error)) {
    const explanation = explain(cause, config);
    if (explanation !== undefined) return explanation;
  }
  return undefined;
}

function explain(error: Error, config: Config): string | undefined {
  if (error.message.includes(otherKey)) {
    return `the secret key is not the one that the records were sealed with: ${error.message}`;
  }
  const { database, dataDirectory, http } = config;
  if (database.url !== undefined && isOfDatabase(error, new URL(database.url))) {
    return `the database ${withoutPassword(database.url)} cannot be used: ${error.message}`;
  }
  if (!isSystemError(error)) return undefined;
  const { code, message } = error;
  if (error.syscall === 'listen' || error.syscall === 'bind') {
    return `cannot listen on ${error.address}:${error.port}: ${listenReasons[code] ?? message}`;
  }
  if (error.syscall === 'getaddrinfo') return `cannot listen on ${error.hostname}: ${message}`;
  if (code.startsWith('ERR_OSSL'))
    return `cannot use ${http.tls.certificate} with ${http.tls.key}: ${message}`;
  if (code === 'ERR_SQLITE_ERROR') return `the database in ${dataDirectory} cannot be used: ${message}`;
  if (typeof error.path === 'string' && unwritable.has(code)) return `cannot use ${error.path}: ${message}`;
  return undefined;
}

function isOfDatabase(error: Error, { hostname }: URL): boolean {
  if (!isSystemError(error)) return connectTimeout.test(error.message);
  if (error.syscall === 'getaddrinfo') return error.hostname === hostname;
  return unreachable.has(error.code) || databaseRefusal.test(error.code);
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there; stop it, or set http.address or operations.address',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not allowed; ports below 1024 are for privileged users',
};

/** The errors it is made of, which say more than their sum, the error, and what caused it. */
function* causesOf(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return;
  if (error instanceof AggregateError) for (const each of error.errors) yield* causesOf(each);
  yield error;
  yield* causesOf(error.cause);
}

function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string';
}
