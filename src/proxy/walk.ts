/**
 * Asks the sources by HEAD, in parallel, and takes the first, in their order, that says yes as soon as all above it have said no. Where nobody
 * says yes they are asked by GET, one after the other, because GET has the last word.
 */
import pLimit from 'p-limit';
import type { NotFound } from '../cache/not-found.ts';
import type { Log } from '../observe/log.ts';
import type { Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { ManifestHead } from '../upstreams/upstream.ts';
import type { ManifestFetch, PulledManifest } from './manifest-fetch.ts';
import { type Answer, answerOf, mayDiffer } from './refusal.ts';
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

/** What a source said by HEAD, or what was remembered of it. */
type Probed = ManifestHead | { readonly error: OutboundError; readonly isLastWord: boolean };

export async function walk(
  sources: readonly Source[],
  reference: Reference,
  tools: WalkTools,
  signal: AbortSignal,
): Promise<Walked> {
  const enough = new AbortController();
  const heeded = AbortSignal.any([enough.signal, signal]);
  const limit = pLimit(maxProbesAtOnce);
  const probes = sources.map((source) => {
    const answer = limit(() => probe(source, reference, tools.notFound, heeded));
    // Once one is chosen nobody waits for those below it.
    answer.catch(() => undefined);
    return { source, answer };
  });
  const errors = new Map<Source, OutboundError>();
  const open: Source[] = [];
  const answered = (found?: Walked['found']): Walked => ({
    found,
    answers: [...errors].map(([source, error]) => ({ source, error })),
  });
  /** Undefined where it is not to be had there. */
  const fetch = async (source: Source, head?: ManifestHead): Promise<Walked | undefined> => {
    try {
      const manifest = await tools.fetch.fetch(source, reference, head, signal);
      return answered({ manifest, source });
    } catch (error) {
      const refused = answerOf(source, error);
      if (refused.error.kind === 'not-found') await remember(tools.notFound, source, reference);
      errors.set(source, refused.error);
      return undefined;
    }
  };
  try {
    for (const { source, answer } of probes) {
      const probed = await answer;
      signal.throwIfAborted();
      logAnswer(tools.log, source, reference, probed);
      if ('error' in probed) {
        errors.set(source, probed.error);
        if (!probed.isLastWord) open.push(source);
        continue;
      }
      const walked = await fetch(source, probed);
      if (walked) return walked;
    }
    for (const source of open) {
      const walked = await fetch(source);
      if (walked) return walked;
    }
    return answered();
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
): Promise<Probed> {
  signal.throwIfAborted();
  if (await notFound.has({ ...source, upstream: source.upstream.settings, reference })) {
    return { error: new OutboundError('not-found', 'said not found a moment ago'), isLastWord: true };
  }
  try {
    return await source.upstream.headManifest(source.repository, reference, signal);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return { error, isLastWord: !mayDiffer(error) };
  }
}

function logAnswer(log: Log, { upstream, repository }: Source, reference: Reference, probed: Probed): void {
  const said = 'error' in probed ? `${probed.error.kind}: ${probed.error.message}` : 'has it';
  log.debug({ upstream: upstream.settings.name, repository, reference, said }, 'an upstream was asked');
}

async function remember(notFound: NotFound, source: Source, reference: Reference): Promise<void> {
  await notFound.remember({ ...source, upstream: source.upstream.settings, reference });
}
