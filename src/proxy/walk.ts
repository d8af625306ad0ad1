/** Asks the places in parallel and takes the first, in their order, that says yes as soon as all above it have said no. */
import pLimit from 'p-limit';
import type { NotFound } from '../cache/not-found.ts';
import type { Log } from '../observe/log.ts';
import type { Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { ManifestHead } from '../upstreams/upstream.ts';
import type { ManifestFetch, PulledManifest } from './manifest-fetch.ts';
import type { Place } from './place.ts';
import { type Answer, answerOf } from './refusal.ts';

const maxProbesAtOnce = 5;

export interface WalkTools {
  readonly fetch: ManifestFetch;
  readonly notFound: NotFound;
  readonly log: Log;
}

export interface Walked {
  readonly found: { readonly manifest: PulledManifest; readonly place: Place } | undefined;
  /** What those that were asked and had nothing said. */
  readonly answers: readonly Answer[];
}

export async function walk(
  places: readonly Place[],
  reference: Reference,
  { fetch, notFound, log }: WalkTools,
  signal: AbortSignal,
): Promise<Walked> {
  const enough = new AbortController();
  const heeded = AbortSignal.any([enough.signal, signal]);
  const limit = pLimit(maxProbesAtOnce);
  const probes = places.map((place) => limit(() => probe(place, reference, notFound, heeded)));
  // Once one is chosen nobody waits for those below it.
  for (const each of probes) each.catch(() => undefined);
  const answers: Answer[] = [];
  try {
    for (const [index, place] of places.entries()) {
      const head = await probes[index];
      signal.throwIfAborted();
      const said = head instanceof OutboundError ? `${head.kind}: ${head.message}` : 'has it';
      const { name: upstream } = place.upstream.settings;
      log.debug({ upstream, repository: place.repository, reference, said }, 'an upstream was asked');
      if (head instanceof OutboundError) {
        answers.push({ place, error: head });
        continue;
      }
      try {
        const manifest = await fetch.fetch(place, reference, head?.digest, signal);
        return { found: { manifest, place }, answers };
      } catch (error) {
        const answer = answerOf(place, error);
        if (answer.error.kind === 'not-found') await remember(notFound, place, reference);
        answers.push(answer);
      }
    }
    return { found: undefined, answers };
  } finally {
    enough.abort();
  }
}

/** An upstream's no is no rejection. */
async function probe(
  place: Place,
  reference: Reference,
  notFound: NotFound,
  signal: AbortSignal,
): Promise<ManifestHead | OutboundError> {
  if (signal.aborted) return new OutboundError('unavailable', 'was not asked');
  if (await notFound.has({ ...place, upstream: place.upstream.settings, reference })) {
    return new OutboundError('not-found', 'said not found a moment ago');
  }
  try {
    return await place.upstream.headManifest(place.repository, reference, signal);
  } catch (error) {
    if (signal.aborted) return new OutboundError('unavailable', 'was not asked to the end', { cause: error });
    if (!(error instanceof OutboundError)) throw error;
    if (error.kind === 'not-found') await remember(notFound, place, reference);
    return error;
  }
}

async function remember(notFound: NotFound, place: Place, reference: Reference): Promise<void> {
  await notFound.remember({ ...place, upstream: place.upstream.settings, reference });
}
