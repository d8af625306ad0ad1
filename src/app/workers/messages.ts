/** What workers and the process that started them say to each other. Both may be of different versions: what is not understood is passed over. */

/** By which a worker knows that it is one: its number, and how many there are, as `2/4`. */
export const workerVariable = 'ENTREPOT_WORKER';

/** Metrics of one worker, as prom-client gives and sums them. */
export type WorkerMetrics = readonly object[];

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** Asks for the metrics of all. */
  | { readonly kind: 'gather'; readonly id: number }
  | { readonly kind: 'collected'; readonly id: number; readonly metrics: WorkerMetrics };

/** To a worker. */
export type PrimaryMessage =
  /** Asks for its own metrics. */
  | { readonly kind: 'collect'; readonly id: number }
  | { readonly kind: 'gathered'; readonly id: number; readonly all: readonly WorkerMetrics[] };
