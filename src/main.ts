/** The command line: arguments, environment, signals and exit codes. Everything else is told what it needs. */
import { availableParallelism, constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ownData } from './app/data-directory-owner.ts';
import { checkPaths } from './app/path-settings.ts';
import { loadSecrets, type Secrets } from './app/secrets.ts';
import { explainStartFailure } from './app/start-failure.ts';
import type { RunningServer } from './app/start-server.ts';
import { workerVariable } from './app/workers/messages.ts';
import type { Worker } from './app/workers/worker.ts';
import { CommandRefused, UsageError } from './commands/command.ts';
import { type Command, help, parseCommand } from './commands/command-line.ts';
import type { Config } from './config/config.ts';
import { formatConfig } from './config/format-config.ts';
import { readConfig } from './config/load-config.ts';
import { ConfigError } from './config/settings.ts';
import { version } from './config/version.ts';
import { createLog, type Log, type LogOptions, type ServerLog } from './observe/log.ts';
import { withoutControls } from './observe/log-line.ts';

/** As sysexits.h has them, where it does. */
const exitCodes = { done: 0, failed: 1, usage: 64, config: 78 } as const;
/** After listening: start-up is over. */
const settledMs = 1000;
/** Beyond http.shutdown_seconds, for what follows the transfers: writing what was counted, and tasks that end. */
const closingMs = 10_000;
/** What SIGHUP does where no terminal was closed and there are no workers. */
const rereadNote = 'certificates are read again when they change, other settings at a restart';
/** npm and a terminal may both pass on one and the same Ctrl-C. */
const sameSignalMs = 500;

// A reader of our output who went away, or a full disk below it, is no reason to end.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
process.exit(await run(process.argv.slice(2)));

async function run(args: readonly string[]): Promise<number> {
  try {
    return await execute(await parseCommand(args));
  } catch (error) {
    if (error instanceof UsageError) return fail(exitCodes.usage, `${error.message}\nsee entrepot --help\n`);
    if (error instanceof CommandRefused) return fail(exitCodes.failed, `${error.message}\n`);
    if (error instanceof ConfigError)
      return fail(exitCodes.config, `invalid configuration\n${error.message}\n`);
    return fail(exitCodes.failed, `${inspect(error)}\n`);
  }
}

async function execute(command: Command): Promise<number> {
  if (command.name === 'help') return print(help);
  if (command.name === 'version') return print(`${version}\n`);
  const { [workerVariable]: worker, ...environment } = process.env;
  const config = readConfig(command.configFile, environment);
  if (command.name === 'config') return print(formatConfig(config));
  try {
    await checkPaths(config);
    if (command.run === undefined) return await serve(config, worker);
    const log = createLog({ ...logOptions(config, process.stderr), destination: process.stderr });
    const report = await command.run({ config, log, print, readSecrets: () => readSecrets(config) });
    if (typeof report === 'string') return print(report);
    print(report.text);
    return exitCodes.failed;
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
  const log = openLog(config, worker?.number);
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
  const log = openLog(config);
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

function openLog(config: Config, worker?: number): ServerLog {
  const log = createLog({ ...logOptions(config, process.stdout), worker });
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'stopping: nobody handled an error');
    void log.flush().finally(() => process.exit(exitCodes.failed));
  });
  return log;
}

function logOptions({ log: { level, format } }: Config, output: NodeJS.WriteStream): LogOptions {
  if (format !== 'auto') return { level, format };
  return { level, format: output.isTTY ? 'text' : 'json' };
}

/** What serves is loaded where something does: who has others serve is spared the memory. */
async function start(config: Config, log: Log, worker: Worker | undefined): Promise<RunningServer> {
  const { describeFirstStart, startServer } = await import('./app/start-server.ts');
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

/** Once the system has it, or will not take it. */
function printFirstStart(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) fail(exitCodes.failed, `root's token could not be shown: ${error.message}\n`);
      resolve();
    });
  });
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCodes.done;
}

function fail(code: number, text: string): number {
  process.stderr.write(withoutControls(`entrepot: ${text}`));
  return code;
}
