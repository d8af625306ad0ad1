/** The other end of `upstream-process.ts`. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Commands } from './upstream-process.ts';

type Answer<Name extends keyof Commands> = Awaited<ReturnType<Commands[Name]>>;

export class FakeUpstream {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: { value?: unknown; error?: string }) => void>();
  #lastId = 0;
  #url = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: { id: number; value?: unknown; error?: string }) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  static async start(): Promise<FakeUpstream> {
    const child = fork(join(import.meta.dirname, 'upstream-process.ts'), { serialization: 'advanced' });
    const upstream = new FakeUpstream(child);
    upstream.#url = await upstream.call('start');
    return upstream;
  }

  get url(): string {
    return this.#url;
  }

  call<Name extends keyof Commands>(name: Name, ...args: Parameters<Commands[Name]>): Promise<Answer<Name>> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ value, error }) => {
        if (error === undefined) resolve(value as Answer<Name>);
        else reject(new Error(error));
      });
      this.#child.send({ id, name, args });
    });
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
