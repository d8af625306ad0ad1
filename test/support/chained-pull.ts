/** Someone who goes on pulling one blob after the other with a token they have, and when the last one was given to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAliveClient, verdictOf } from './keep-alive.ts';

const pauseMs = 10;

export class ChainedPull {
  readonly #client: KeepAliveClient;
  readonly #paths: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #stopped: Promise<void>;
  #isStopping = false;
  /** How many answers had what was asked for, and when the last of those questions was asked; performance.now(). */
  granted = 0;
  lastGrantedAt = 0;
  /** Since then. */
  refusals: string[] = [];

  /** @param paths asked one after the other, again and again */
  constructor(url: string, paths: readonly string[], headers: Readonly<Record<string, string>>) {
    this.#client = new KeepAliveClient(url);
    this.#paths = paths;
    this.#headers = headers;
    this.#stopped = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#stopped;
    this.#client.close();
  }

  async #run(): Promise<void> {
    for (let index = 0; !this.#isStopping; index = (index + 1) % this.#paths.length) {
      const askedAt = performance.now();
      const answer = await this.#client.ask('GET', this.#paths[index] ?? '', this.#headers);
      if (answer.status === 200) {
        this.granted += 1;
        this.lastGrantedAt = askedAt;
        this.refusals = [];
      } else {
        this.refusals.push(verdictOf(answer));
      }
      await sleep(pauseMs);
    }
  }
}
