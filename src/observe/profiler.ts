/** Profiles of this process in V8's own formats, which Chrome's developer tools and editors open. */
import { setTimeout as sleep } from 'node:timers/promises';

/** cpu: where processor time goes, a `.cpuprofile`. heap: who allocated what is still there, a `.heapprofile`. */
export type ProfileKind = 'cpu' | 'heap';

export class Profiler {
  #isBusy = false;

  /**
   * Looks at the process for so long. Its tools are loaded when somebody asks for the first time.
   * @param signal ends it early
   * @returns JSON; undefined where another profile is being made: both would count each other's
   */
  async record(kind: ProfileKind, ms: number, signal: AbortSignal): Promise<string | undefined> {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    try {
      const { Session } = await import('node:inspector/promises');
      const session = new Session();
      session.connect();
      try {
        await session.post('Profiler.enable');
        await session.post(kind === 'cpu' ? 'Profiler.start' : 'HeapProfiler.startSampling');
        await sleep(ms, undefined, { signal }).catch(() => undefined);
        const { profile } =
          kind === 'cpu'
            ? await session.post('Profiler.stop')
            : await session.post('HeapProfiler.stopSampling');
        return JSON.stringify(profile);
      } finally {
        session.disconnect();
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
