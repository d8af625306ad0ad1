/** A page, where it is, and how its code comes. */
import type { ComponentType } from 'preact';

export interface PageProps {
  /** Of the path, by the names of the route's pattern. */
  readonly params: Readonly<Record<string, string>>;
}

export interface Route {
  /** As `/registries/:id`. */
  readonly pattern: string;
  load(): Promise<ComponentType<PageProps>>;
}
