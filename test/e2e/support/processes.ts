/** Programs beside us: run to their end, or started, waited for and ended by their id. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's own programs first, whatever else the machine has. */
const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(delimiter);

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** What the program wrote to its output. @throws Error with what it wrote where its exit code is not 0 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const env = { ...process.env, PATH: path, ...options.env };
  const { cwd, timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, cwd, timeout: timeoutMs, maxBuffer: 64e6 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

/** The programs that are not on this machine. */
export async function missing(...programs: readonly string[]): Promise<readonly string[]> {
  const absent: string[] = [];
  for (const program of programs) {
    const found = await Promise.any(
      path.split(delimiter).map((folder) => access(join(folder, program))),
    ).then(
      () => true,
      () => false,
    );
    if (!found) absent.push(program);
  }
  return absent;
}

/** Also on a machine that has much else to do. */
const readyMs = 120_000;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Everything it writes goes here. */
  readonly logFile: string;
  readonly isReady: () => Promise<boolean>;
}

export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #killAtExit: () => void;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    this.#killAtExit = () => child.kill('SIGKILL');
    process.once('exit', this.#killAtExit);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Asks it to end, and kills it where it does not within `graceMs`. */
  async stop(graceMs = 15_000): Promise<void> {
    await this.end('SIGTERM', graceMs);
  }

  async end(signal: NodeJS.Signals, graceMs = 15_000): Promise<void> {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#ended;
    clearTimeout(timer);
    process.off('exit', this.#killAtExit);
  }
}

/** @throws Error with the end of its log where it ends or is not ready in time */
export async function start(
  command: string,
  args: readonly string[],
  options: StartOptions,
): Promise<RunningProgram> {
  const log = openSync(options.logFile, 'a');
  const env = { ...process.env, PATH: path, ...options.env };
  const child = spawn(command, args, { env, cwd: options.cwd, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => undefined);
  const program = new RunningProgram(child);
  const deadline = performance.now() + readyMs;
  while (!(await options.isReady().catch(() => false))) {
    if (!program.isRunning || performance.now() > deadline) {
      await program.stop(1000);
      throw new Error(`${command} did not start:\n${readFileSync(options.logFile, 'utf8').slice(-4000)}`);
    }
    await sleep(10);
  }
  return program;
}

/** True once an HTTP server answers there, whatever it answers, but for one that is starting. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.status !== 503;
}
