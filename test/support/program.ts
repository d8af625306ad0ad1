/** The program as people run it: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../src/main.ts');

/** One run of the program, which sees no variables but these. */
export class Run {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  stdout = '';
  stderr = '';

  /**
   * @param directory its working directory, with the data directory `data` in it
   * @param args where there are none it serves
   */
  constructor(
    directory: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#process = spawn(process.execPath, [main, ...(args.length > 0 ? args : ['serve'])], {
      cwd: directory,
      env: {
        ENTREPOT_DATA_DIRECTORY: join(directory, 'data'),
        ENTREPOT_HTTP__ADDRESS: '127.0.0.1:0',
        ENTREPOT_OPERATIONS__ADDRESS: '',
        ...environment,
      },
    });
    this.#exit = once(this.#process, 'close');
    this.#process.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.#process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  /** The server's URL, once it listens. */
  async listening(): Promise<string> {
    const [, url = ''] = await this.said(/"url":"([^"]+)".*"listening"/);
    return url;
  }

  /** Once it was said on standard output. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      if (this.#process.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      await Promise.race([once(this.#process.stdout ?? this.#process, 'data'), this.#exit]);
    }
  }

  async exitCode(): Promise<number | null> {
    await this.#exit;
    return this.#process.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    this.signal(signal);
    return this.exitCode();
  }
}
