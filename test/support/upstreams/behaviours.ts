/** All that the corpus has, by what it is about. */
import { challenges } from '../../fixtures/upstreams/challenges.ts';
import { codings } from '../../fixtures/upstreams/codings.ts';
import { hidden } from '../../fixtures/upstreams/hidden.ts';
import { lists } from '../../fixtures/upstreams/lists.ts';
import { manifests } from '../../fixtures/upstreams/manifests.ts';
import { probes } from '../../fixtures/upstreams/probes.ts';
import { redirects } from '../../fixtures/upstreams/redirects.ts';
import { tokens } from '../../fixtures/upstreams/tokens.ts';
import { transfers } from '../../fixtures/upstreams/transfers.ts';
import type { Behaviour } from './behaviour.ts';

export const behaviours: readonly (readonly [topic: string, of: readonly Behaviour[]])[] = [
  ['redirects', redirects],
  ['challenges', challenges],
  ['hides what is private', hidden],
  ['token services', tokens],
  ['probes', probes],
  ['transfers', transfers],
  ['codings', codings],
  ['lists', lists],
  ['manifests', manifests],
];
