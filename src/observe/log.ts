/** One line per event, of JSON or for people's eyes. Secrets do not get into them, at whatever depth they are handed in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { destination as fileDestination, type Logger, pino, stdSerializers } from 'pino';
import { UnavailableError } from '../oci/unavailable.ts';
import { withoutControls } from './log-line.ts';
import { faultOf, RepeatedFaults } from './repeated-faults.ts';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A log that writes these fields with each line. */
  child(fields: object): Log;
}

/** The log of the whole server. */
export interface ServerLog extends Log {
  /** Until every line so far is written, or whoever reads them has had a second. */
  flush(): Promise<void>;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Makes of a line of JSON, with its end, what is written; without it JSON stays JSON. */
  readonly pretty?: ((line: string) => string) | undefined;
  /** Where the lines go; standard output, written in batches, where undefined. */
  readonly destination?: { write(line: string): void };
  /** The number of this worker, which each line has; undefined: no other process writes to the same output. */
  readonly worker?: number | undefined;
}

/** Lines wait for so many bytes of company, or so long: each write is a thread's that has to be woken. */
const batchBytes = 32 * 1024;
const maxWriteBytes = 2 * batchBytes;
const batchMs = 200;
/** Pipes do not mix what several processes write in pieces of so many bytes at most: PIPE_BUF of pipe(7). */
const wholeBytes = 4096;
/** Beyond this, lines are dropped: a reader of our output that stopped must not take our memory. */
const maxWaitingBytes = 8 * 1024 * 1024;
/** A reader that stopped must not keep us from ending. */
const maxFlushMs = 1000;

export function createLog({ level, pretty = withoutControls, destination, worker }: LogOptions): ServerLog {
  const batches = destination ? undefined : standardOutput(worker !== undefined);
  const logger = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: isoTime(),
      messageKey: 'message',
      serializers: { err: describeError },
      // Not pino's own redaction: it wants each path named, and costs 6 µs a line where this costs none.
      formatters: { level: (label) => ({ level: label }), log: withoutSecretFields },
    },
    { write: (line) => (destination ?? batches)?.write(pretty(line)) },
  );
  // A pipe answers with an error, since it cannot be synced; and of any other error nobody can be told.
  const flushOnce = () =>
    new Promise<void>((resolve) => {
      if (batches) batches.flush(() => resolve());
      else resolve();
    });
  const faults = new RepeatedFaults();
  return {
    ...logOf(logger, faults),
    async flush() {
      faults.flush();
      // The first waits for a write that is under way, the second for what came meanwhile.
      const written = flushOnce().then(flushOnce);
      const waiting = new AbortController();
      const { signal } = waiting;
      await Promise.race([written, sleep(maxFlushMs, undefined, { signal }).catch(() => undefined)]);
      waiting.abort();
    },
  };
}

function standardOutput(isShared: boolean) {
  const batches = fileDestination({
    dest: 1,
    sync: false,
    minLength: isShared ? wholeBytes / 2 : batchBytes,
    maxWrite: isShared ? wholeBytes : maxWriteBytes,
    maxLength: maxWaitingBytes,
    periodicFlush: batchMs,
  });
  // A full disk below our output is no reason to stop serving.
  batches.on('error', () => undefined);
  // It is called at exit, and would try for ever where a reader stopped: we flush ourselves, for a while.
  batches.flushSync = () => undefined;
  return batches;
}

/** As pino's own, but made once for all lines of a millisecond. */
function isoTime(): () => string {
  let madeAt = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== madeAt) {
      madeAt = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

function logOf(logger: Logger, faults: RepeatedFaults): Log {
  const limited = (level: 'warn' | 'error', fields: Fields, message: string) => {
    const fault = faultOf(fields['err']);
    if (fault === undefined) logger[level](fields, message);
    else faults.say(`${message}: ${fault}`, (again) => logger[level]({ ...fields, again }, message));
  };
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => limited('warn', { ...fields }, message),
    error: (fields, message) => limited('error', { ...fields }, message),
    child: (fields) => childOf(logger, faults, fields),
  };
}

/** Made with its first line, which few requests write: what they decide is for the level debug. */
function childOf(parent: Logger, faults: RepeatedFaults, fields: object): Log {
  let made: Log | undefined;
  // pino's formatter is not asked about a child's fields.
  const child = () => (made ??= logOf(parent.child(withoutSecretFields({ ...fields })), faults));
  return {
    debug: (more, message) => {
      if (parent.isLevelEnabled('debug')) child().debug(more, message);
    },
    info: (more, message) => child().info(more, message),
    warn: (more, message) => child().warn(more, message),
    error: (more, message) => child().error(more, message),
    child: (more) => childOf(parent, faults, { ...fields, ...more }),
  };
}

/** Where something is not to be had that the server stands on, a stack says nothing. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { stack, ...described } = stdSerializers.err(error);
  return error instanceof UnavailableError ? described : { ...described, stack };
}

const hidden = '[hidden]';
const secretNames = new Set([
  'access_token',
  'authorization',
  'cookie',
  'deploy-token',
  'job-token',
  'password',
  'private-token',
  'proxy-authorization',
  'refresh_token',
  'secret',
  'set-cookie',
  'token',
]);
const urlName = /(?:url|location)$/i;
const maxDepth = 5;

type Fields = Record<string, unknown>;

function withoutSecretFields(fields: Fields, depth = 0): Fields {
  let changed: Fields | undefined;
  for (const name in fields) {
    const value = fields[name];
    const shown = withoutSecrets(name, value, depth);
    if (shown === value) continue;
    changed ??= { ...fields };
    changed[name] = shown;
  }
  return changed ?? fields;
}

function withoutSecrets(name: string, value: unknown, depth: number): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return value;
  if (secretNames.has(name) || (name !== name.toLowerCase() && secretNames.has(name.toLowerCase())))
    return hidden;
  if (typeof value === 'string') return urlName.test(name) ? withoutSignature(value) : value;
  if (value instanceof URL) return withoutSignature(value.href);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(name, item, depth));
  if (!isFields(value)) return value;
  return depth === maxDepth ? hidden : withoutSecretFields(value, depth + 1);
}

/** Errors have a serializer of their own, dates are written as texts. */
function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !(value instanceof Error || value instanceof Date);
}

/** A URL's query may be a signature, and its authority may hold a password. */
function withoutSignature(url: string): string {
  return url.replace(/\/\/[^/@?#]*@/, '//').replace(/\?.*$/s, `?${hidden}`);
}
