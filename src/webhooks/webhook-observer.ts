/** What metrics learn of deliveries. The endpoint is its label. */
export interface WebhookObserver {
  /** A try ended. @param status undefined where there was no answer */
  tried(endpoint: string, status: number | undefined, seconds: number): void;
  /** An event will not be tried again. @param seconds since it happened */
  finished(endpoint: string, action: string, result: 'delivered' | 'lost', seconds: number): void;
  /** Not the first try of an event. */
  retried(endpoint: string): void;
  /** Pulls that were not recorded, since there were too many at once. */
  pullsLost(count: number): void;
}
