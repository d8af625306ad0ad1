/** The command line: arguments, environment, signals and exit codes. Everything else is told what it needs. */
import { availableParallelism, constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ownData } from './app/data-directory-owner.ts';
import { checkPaths } from './app/path-settings.ts';
import { loadSecrets, type Secrets } from './app/secrets.ts';
import { explainStartFailure } from './app/start-failure.ts';
import type { RunningServer } from './app/start-server.ts';
import { workerVariable } from './app/workers/messages.ts';
import type { Worker } from './app/workers/worker.ts';
import { CommandRefused, exitCodes, type Terminal, UsageError } from './commands/command.ts';
import type { Config } from './config/config.ts';
import { readConfig } from './config/load-config.ts';
import { ConfigError } from './config/settings.ts';
import { version } from './config/version.ts';
import { createLog, type Log, type ServerLog } from './observe/log.ts';
import { findPretty, withoutControls } from './observe/log-line.ts';

/** After listening: start-up is over. */
const settledMs = 1000;
/** Beyond http.shutdown_seconds, for what follows the transfers: writing what was counted, and tasks that end. */
const closingMs = 10_000;
/** What SIGHUP does where no terminal was closed and there are no workers. */
const rereadNote = 'certificates are read again when they change, other settings at a restart';
/** npm and a terminal may both pass on one and the same Ctrl-C. */
const sameSignalMs = 500;

const { stdin, stdout, stderr, env: environment } = process;
const terminal: Terminal = { stdin, stdout, stderr, environment };
// A reader of our output who went away, or a full disk below it, is no reason to end.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
process.exit(await run(process.argv.slice(2)));

async function run(args: readonly string[]): Promise<number> {
  try {
    const options = serveOptions(args);
    if (options) return await serveWith(options.configFile);
    const { execute } = await import('./commands/execute.ts');
    return await execute(args, { terminal, readSecrets, serve: serveWith, explained });
  } catch (error) {
    if (error instanceof UsageError) return fail(exitCodes.usage, `${error.message}; see entrepot --help\n`);
    if (error instanceof CommandRefused) return fail(error.exitCode, `${error.message}\n`);
    if (error instanceof ConfigError)
      return fail(exitCodes.config, `invalid configuration\n${error.message}\n`);
    return fail(exitCodes.failed, `${inspect(error)}\n`);
  }
}

/** Of `serve` as it is typed where nothing is wrong: what reads all else would stay in the server's memory. */
function serveOptions(args: readonly string[]): { readonly configFile: string | undefined } | undefined {
  const options = { config: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, strict: false });
  const { config, ...others } = values;
  const isPlain = positionals.join(' ') === 'serve' && Object.keys(others).length === 0;
  return isPlain && typeof config !== 'boolean' ? { configFile: config } : undefined;
}

function serveWith(configFile: string | undefined): Promise<number> {
  const { [workerVariable]: worker, ...environment } = process.env;
  const config = readConfig(configFile, environment);
  return explained(config, () => serve(config, worker));
}

/** What an operator can mend is told in a line. */
async function explained(config: Config, work: () => Promise<number>): Promise<number> {
  try {
    await checkPaths(config);
    return await work();
  } catch (error) {
    const explanation = explainStartFailure(error, config);
    if (explanation === undefined) throw error;
    const several = explanation.includes('\n') ? 'cannot start\n' : '';
    return fail(exitCodes.failed, `${several}${explanation}\n`);
  }
}

/** @param workerText where this is a worker: what it is told to be */
async function serve(config: Config, workerText: string | undefined): Promise<number> {
  if (workerText !== undefined) {
    const { createWorker } = await import('./app/workers/worker.ts');
    return serveAs(createWorker(workerText), config);
  }
  const { workers } = config.http;
  const count = workers === 'auto' ? availableParallelism() : workers;
  return count === 1 ? serveAs(undefined, config) : supervise(count, config);
}

/** Until a signal asks it to stop, and then until it has. @param worker undefined: it is alone */
async function serveAs(worker: Worker | undefined, config: Config): Promise<number> {
  const log = await openLog(config, worker?.number);
  const stopping = worker
    ? stopOfWorker(worker, log)
    : stopSignal(() => log.info({ signal: 'SIGHUP' }, rereadNote));
  try {
    const server = await Promise.race([start(config, log, worker), stopping]);
    if (typeof server === 'string') {
      // What was begun is a transaction, or a file without its record.
      log.info({ signal: server }, 'stopped before it was ready');
      return exitCodes.done;
    }
    const { url, operationsUrl, mirrorUrls } = server;
    const mirrors = mirrorUrls.length > 0 ? { mirrorUrls } : {};
    const { pid } = process;
    log.info({ url, operationsUrl, ...mirrors, version, ...(worker && { pid }) }, 'listening');
    if (!worker) await tellStart(config, config.http.externalUrl ?? url);
    setTimeout(giveBackMemory, settledMs).unref();
    log.info({ signal: await stopping }, 'stopping');
    const limitMs = config.http.shutdownMs + closingMs;
    const isClosed = await Promise.race([server.close().then(() => true), sleep(limitMs, false)]);
    if (!isClosed) log.error({ limitMs }, 'stopped before all was done that a stop waits for');
    else log.info({}, 'stopped');
    return isClosed ? exitCodes.done : exitCodes.failed;
  } finally {
    await log.flush();
  }
}

/** Has others serve, until a signal asks it to stop, and then until all have. */
async function supervise(count: number, config: Config): Promise<number> {
  const log = await openLog(config);
  const { createSupervisor } = await import('./app/workers/primary.ts');
  const owner = await ownData(config);
  const workers = createSupervisor(count, log);
  const stopping = stopSignal(() => workers.restart());
  try {
    const failure = await Promise.race([workers.start(), stopping]);
    // It has said itself why.
    if (typeof failure === 'object') return failure.code ?? exitCodes.failed;
    if (failure === undefined) {
      log.info({ workers: count, version }, 'all workers serve');
      const { configuredUrl } = await import('./app/setup-options.ts');
      await tellStart(config, configuredUrl(config));
      giveBackMemory();
    }
    log.info({ signal: await stopping }, 'stopping');
    const isClean = await workers.stop(config.http.shutdownMs + 2 * closingMs);
    log.info({}, 'stopped');
    return isClean ? exitCodes.done : exitCodes.failed;
  } finally {
    owner?.close();
    await log.flush();
  }
}

async function openLog({ log: { level, format } }: Config, worker?: number): Promise<ServerLog> {
  const pretty = await findPretty(format, process.stdout.isTTY);
  const log = createLog({ level, pretty, worker });
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'stopping: nobody handled an error');
    void log.flush().finally(() => process.exit(exitCodes.failed));
  });
  return log;
}

/** What serves is loaded where something does: who has others serve is spared the memory. */
async function start(config: Config, log: Log, worker: Worker | undefined): Promise<RunningServer> {
  const { startServer } = await import('./app/start-server.ts');
  const { describeFirstStart } = await import('./app/describe-start.ts');
  const { externalUrl } = config.http;
  return startServer({
    config,
    readSecrets: () => readSecrets(config),
    log,
    now: Date.now,
    announce: (first, url) => printFirstStart(describeFirstStart(first, new URL(externalUrl ?? url).host)),
    worker,
  });
}

/** The first signal to stop. A second one ends the process at once. */
function stopSignal(reread: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const stop = (signal: NodeJS.Signals) => {
      firstAt ??= performance.now();
      if (performance.now() - firstAt > sameSignalMs) process.exit(128 + constants.signals[signal]);
      resolve(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.on(signal, stop);
    }
    process.on('SIGHUP', (signal) => {
      // A terminal was closed; anywhere else it asks daemons to read their configuration again.
      if (process.stdout.isTTY) stop(signal);
      else reread();
    });
  });
}

/**
 * A worker may hear of one stop from its terminal and from who started it; how long it may take is for that one to say. Where that one was
 * killed, it ends what it has begun, and then itself.
 */
function stopOfWorker({ left }: Worker, log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
    process.on('SIGHUP', () => undefined);
    void left.then(() => {
      log.error({}, 'the process that started this worker has gone: it finishes what was begun');
      resolve('SIGTERM');
    });
  });
}

function readSecrets({ dataDirectory, database }: Config): Promise<Secrets> {
  return loadSecrets({
    environment: process.env,
    dataDirectory,
    sharedDatabase: database.url !== undefined,
  });
}

/** What only start-up needed, some 30 MiB, goes back to the system: an idle server would keep it for long. Takes some 50 ms. */
function giveBackMemory(): void {
  setFlagsFromString('--expose-gc');
  // Compiled sources that only start-up ran go as well.
  setFlagsFromString('--stress-flush-code');
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--no-stress-flush-code');
}

/** Whoever started it in a terminal. */
async function tellStart({ dataDirectory }: Config, url: string): Promise<void> {
  if (!process.stdout.isTTY) return;
  const { describeStart } = await import('./app/describe-start.ts');
  process.stdout.write(describeStart(dataDirectory, url));
}

/** Once the system has it, or will not take it. */
function printFirstStart(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) fail(exitCodes.failed, `root's token could not be shown: ${error.message}\n`);
      resolve();
    });
  });
}

function fail(code: number, text: string): number {
  process.stderr.write(withoutControls(`entrepot: ${text}`));
  return code;
}
