/** What groups and projects have alike is below both of their paths. */
import type { PlaceReference } from '../namespaces/places.ts';
import type { Endpoint } from './endpoint.ts';

export interface PlacePath {
  readonly kind: PlaceReference['kind'];
  /** `/groups/:id` or `/projects/:id` */
  readonly path: string;
  /** @param reference of the path */
  of(reference: string): PlaceReference;
}

/** Defines the endpoints of groups, and the same of projects. */
export function forEachPlace(define: (place: PlacePath) => readonly Endpoint[]): readonly Endpoint[] {
  return (['group', 'project'] as const).flatMap((kind) =>
    define({ kind, path: `/${kind}s/:id`, of: (reference) => ({ kind, reference }) }),
  );
}
