/** Asks the sources in parallel and takes the first, in their order, that says yes as soon as all above it have said no. */
import pLimit from 'p-limit';
import type { NotFound } from '../cache/not-found.ts';
import type { Log } from '../observe/log.ts';
import type { Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { ManifestHead } from '../upstreams/upstream.ts';
import type { ManifestFetch, PulledManifest } from './manifest-fetch.ts';
import { type Answer, answerOf } from './refusal.ts';
import type { Source } from './source.ts';

const maxProbesAtOnce = 5;

export interface WalkTools {
  readonly fetch: ManifestFetch;
  readonly notFound: NotFound;
  readonly log: Log;
}

export interface Walked {
  readonly found: { readonly manifest: PulledManifest; readonly source: Source } | undefined;
  /** What those that were asked and had nothing said. */
  readonly answers: readonly Answer[];
}

export async function walk(
  sources: readonly Source[],
  reference: Reference,
  { fetch, notFound, log }: WalkTools,
  signal: AbortSignal,
): Promise<Walked> {
  const enough = new AbortController();
  const heeded = AbortSignal.any([enough.signal, signal]);
  const limit = pLimit(maxProbesAtOnce);
  const probes = sources.map((source) => {
    const answer = limit(() => probe(source, reference, notFound, heeded));
    // Once one is chosen nobody waits for those below it.
    answer.catch(() => undefined);
    return { source, answer };
  });
  const answers: Answer[] = [];
  try {
    for (const { source, answer } of probes) {
      const head = await answer;
      signal.throwIfAborted();
      log.debug(
        {
          upstream: source.upstream.settings.name,
          repository: source.repository,
          reference,
          said: head instanceof OutboundError ? `${head.kind}: ${head.message}` : 'has it',
        },
        'an upstream was asked',
      );
      if (head instanceof OutboundError) {
        answers.push({ source, error: head });
        continue;
      }
      try {
        const manifest = await fetch.fetch(source, reference, head.digest, signal);
        return { found: { manifest, source }, answers };
      } catch (error) {
        const refused = answerOf(source, error);
        if (refused.error.kind === 'not-found') await remember(notFound, source, reference);
        answers.push(refused);
      }
    }
    return { found: undefined, answers };
  } finally {
    enough.abort();
  }
}

/** An upstream's no is no rejection. */
async function probe(
  source: Source,
  reference: Reference,
  notFound: NotFound,
  signal: AbortSignal,
): Promise<ManifestHead | OutboundError> {
  signal.throwIfAborted();
  if (await notFound.has({ ...source, upstream: source.upstream.settings, reference })) {
    return new OutboundError('not-found', 'said not found a moment ago');
  }
  try {
    return await source.upstream.headManifest(source.repository, reference, signal);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    if (error.kind === 'not-found') await remember(notFound, source, reference);
    return error;
  }
}

async function remember(notFound: NotFound, source: Source, reference: Reference): Promise<void> {
  await notFound.remember({ ...source, upstream: source.upstream.settings, reference });
}
