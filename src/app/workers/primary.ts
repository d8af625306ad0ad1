/** Starts workers by node:cluster, which accepts connections here and gives them to one worker after the other. Serves nothing itself. */
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../observe/log.ts';
import { GatheredMetrics } from './gathered-metrics.ts';
import { type PrimaryMessage, type WorkerMessage, workerVariable } from './messages.ts';
import { type Ending, Supervisor, type WorkerProcess } from './supervisor.ts';

export function createSupervisor(count: number, log: Log): Supervisor {
  // Connections come in here, so none is refused while a worker is replaced; and numbers that are none get across.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ serialization: 'advanced' });
  const serving = new Set<Worker>();
  const metrics = new GatheredMetrics<Worker>((worker, id) => send(worker, { kind: 'collect', id }));
  const start = (number: number): WorkerProcess => {
    const worker = cluster.fork({ [workerVariable]: `${number}/${count}` });
    const ready = Promise.withResolvers<boolean>();
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') {
        serving.add(worker);
        ready.resolve(true);
      } else if (message.kind === 'collected') {
        metrics.hear(worker, message.id, message.metrics);
      } else if (message.kind === 'gather') {
        const { id } = message;
        void metrics.gather([...serving]).then((all) => send(worker, { kind: 'gathered', id, all }));
      }
    });
    const ended = Promise.withResolvers<Ending>();
    const end = (ending: Ending) => {
      serving.delete(worker);
      metrics.end(worker);
      ready.resolve(false);
      ended.resolve(ending);
    };
    worker.on('exit', (code, signal) => end({ code, signal }));
    worker.on('error', (error) => {
      log.error({ err: error, worker: number }, 'a worker could not be started, or not be told something');
      if (worker.process.pid === undefined) end({ code: null, signal: null });
    });
    return {
      ready: ready.promise,
      ended: ended.promise,
      // What it has counted until now stays counted.
      stop: () => void metrics.gather([worker]).then(() => worker.process.kill('SIGTERM')),
      kill: () => void worker.process.kill('SIGKILL'),
    };
  };
  return new Supervisor({
    count,
    startWorker: start,
    pause: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined),
    now: () => performance.now(),
    log,
  });
}

function send(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message);
}
