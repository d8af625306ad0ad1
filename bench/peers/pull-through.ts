/** All that pull through from an origin. */
import type { Contender, Peer } from '../contender.ts';
import { distributionProxy, dockerRegistryProxy } from './distribution.ts';
import { virtual } from './entrepot.ts';
import { nginxCache } from './nginx.ts';
import { zotSync } from './zot.ts';

export const pullThrough: readonly Peer[] = [
  virtual,
  dockerRegistryProxy,
  distributionProxy,
  zotSync,
  nginxCache,
];

/** Whoever has no server in between. */
export const direct = 'direct';

/** @param origin whose contents are the same */
export function withDirect(contenders: readonly Contender[], origin: Contender): readonly Contender[] {
  return [...contenders, { ...origin, name: direct, pid: undefined }];
}
