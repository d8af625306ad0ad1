/**
 * What Cache-Status says of each outcome. https://www.rfc-editor.org/rfc/rfc9211
 * `stored` is never said: the answer begins before it is known whether the bytes will be kept.
 * Errors say their code; answers that no cache had a part in only say the name.
 */
import type { Outcome } from '../../oci/repository.ts';

export const cacheStatus: Readonly<Record<Outcome | 'none', string>> = {
  hit: 'entrepot; hit',
  // It was served without an upstream, or in spite of one.
  stale: 'entrepot; hit; detail=stale',
  miss: 'entrepot; fwd=uri-miss',
  collapsed: 'entrepot; fwd=uri-miss; collapsed',
  revalidated: 'entrepot; fwd=stale; detail=revalidated',
  updated: 'entrepot; fwd=stale; detail=updated',
  hosted: 'entrepot',
  none: 'entrepot',
};
