/** The program in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../src/main.ts');

export interface ChildOptions {
  /** As of `ulimit -n`; by default ours. */
  readonly maxOpenFiles?: number;
}

export class ChildServer {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  /** Once it listens. @throws Error where it ends before, with what it said */
  static async start(
    environment: Readonly<Record<string, string>>,
    { maxOpenFiles }: ChildOptions = {},
  ): Promise<ChildServer> {
    const program = [process.execPath, main, 'serve'];
    const limit = `ulimit -n ${maxOpenFiles ?? '$(ulimit -n)'} && exec "$@"`;
    const child = spawn('/bin/sh', ['-c', limit, 'sh', ...program], { env: environment });
    let said = '';
    const closed = once(child, 'close');
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    for (;;) {
      const url = /"url":"([^"]+)".*"listening"/.exec(said)?.[1];
      if (url) return new ChildServer(child, url);
      if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
      await Promise.race([once(child.stdout, 'data'), closed]);
    }
  }

  /** At once, whatever it is doing. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
  }
}
