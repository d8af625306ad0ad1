import type { Entrepot } from './entrepot.ts';

/** Processes that act as one server: replicas behind a proxy, or workers of one machine. */
export interface ManyProcesses {
  /** http://host:port, where each connection comes to the next of them. */
  readonly url: string;
  /** One for each, by which all are reached where each is asked at once. */
  readonly urls: readonly string[];
  /** To be set up by. */
  readonly first: Entrepot;
  /** kill -9 of the one that fetches a blob now; false where none does. */
  killOwnerOf(digest: string): Promise<boolean>;
  stop(): Promise<void>;
}
