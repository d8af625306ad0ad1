/** One of several processes of one machine that share addresses and data, as it sees the one that started it. */
import cluster from 'node:cluster';
import { type PrimaryMessage, type WorkerMessage, type WorkerMetrics, workerVariable } from './messages.ts';

export interface Worker {
  /** From 1 on; whoever takes its place has the same. */
  readonly number: number;
  /** How many there are. */
  readonly count: number;
  /** Does what one process of the machine has to do. */
  readonly isMain: boolean;
  /** Nobody serves yet. */
  readonly isFirst: boolean;
  /** Whoever asks any worker for its metrics is given those of all. */
  readonly metrics: MetricsOfAll;
  /** Once who started it has gone, and gives it no connections any more. */
  readonly left: Promise<void>;
  /** What it takes the place of may end from now on. */
  tellReady(): void;
}

export interface MetricsOfAll {
  /** @param collect asked whenever somebody wants them of all */
  offer(collect: () => Promise<WorkerMetrics>): void;
  gather(): Promise<readonly WorkerMetrics[]>;
}

/** @param text what {@link workerVariable} says. @throws Error where this is no worker */
export function createWorker(text: string): Worker {
  const { worker } = cluster;
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (worker === undefined || number === undefined || count === undefined)
    throw new Error(`${workerVariable} is for workers, which the server starts itself`);
  const send = (message: WorkerMessage) => {
    if (worker.isConnected()) worker.send(message);
  };
  const waiting = new Map<number, (all: readonly WorkerMetrics[]) => void>();
  let collect = async (): Promise<WorkerMetrics> => [];
  let lastId = 0;
  worker.on('message', (message: PrimaryMessage) => {
    if (message.kind === 'collect') {
      const { id } = message;
      void collect().then((metrics) => send({ kind: 'collected', id, metrics }));
    } else if (message.kind === 'gathered') {
      waiting.get(message.id)?.(message.all);
      waiting.delete(message.id);
    }
  });
  const left = Promise.withResolvers<void>();
  worker.once('disconnect', () => {
    // Node would end the process at once, and the transfers that it has with it.
    worker.exitedAfterDisconnect = true;
    left.resolve();
    for (const resolve of waiting.values()) resolve([]);
    waiting.clear();
  });
  return {
    number: Number(number),
    count: Number(count),
    isMain: number === '1',
    isFirst: worker.id === 1,
    left: left.promise,
    metrics: {
      offer(own) {
        collect = own;
      },
      async gather() {
        if (!worker.isConnected()) return [await collect()];
        lastId += 1;
        const { promise, resolve } = Promise.withResolvers<readonly WorkerMetrics[]>();
        waiting.set(lastId, resolve);
        send({ kind: 'gather', id: lastId });
        return promise;
      },
    },
    tellReady: () => void send({ kind: 'ready' }),
  };
}
