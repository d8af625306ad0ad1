/** What upstreams are asked that takes no long: how, and how processes tell each other the answer in JSON. */
import { z } from 'zod';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { parseReference, parseTag, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import type { FetchedManifest, ManifestHead, Upstream } from '../upstreams/upstream.ts';

export interface QuestionKind<T> {
  readonly name: string;
  /** @param reference of a manifest its tag or digest, of referrers their subject, of tags empty */
  ask(upstream: Upstream, repository: RepositoryName, reference: string, signal: AbortSignal): Promise<T>;
  /** As JSON has it. */
  say(answer: T): unknown;
  readonly said: z.ZodType<T>;
}

const digest = z.string().transform((text): Digest => parseDigest(text));

const manifestSaid = z
  .object({
    payload: z.string().transform((text) => Buffer.from(text, 'base64')),
    contentType: z.string().optional(),
    digest,
    etag: z.string().optional(),
  })
  .transform((said): FetchedManifest => ({ contentType: undefined, etag: undefined, ...said }));

function sayManifest({ payload, ...rest }: FetchedManifest) {
  return { ...rest, payload: payload.toString('base64') };
}

export const heads: QuestionKind<ManifestHead> = {
  name: 'head',
  ask: (upstream, repository, reference, signal) =>
    upstream.headManifest(repository, parseReference(reference), signal),
  say: ({ manifest, ...head }) => ({ ...head, manifest: manifest && sayManifest(manifest) }),
  said: z
    .object({ digest: digest.optional(), manifest: manifestSaid.optional() })
    .transform(({ digest: found, manifest }) => ({ digest: found, ...(manifest && { manifest }) })),
};

export const manifests: QuestionKind<FetchedManifest> = {
  name: 'manifest',
  ask: (upstream, repository, reference, signal) =>
    upstream.getManifest(repository, parseReference(reference), signal),
  say: sayManifest,
  said: manifestSaid,
};

export const tags: QuestionKind<readonly Tag[]> = {
  name: 'tags',
  ask: (upstream, repository, _, signal) => upstream.listTags(repository, signal),
  say: (list) => list,
  said: z.array(z.string().transform((text): Tag => parseTag(text))),
};

export const referrers: QuestionKind<readonly ReferrerDescriptor[]> = {
  name: 'referrers',
  ask: (upstream, repository, reference, signal) =>
    upstream.listReferrers(repository, parseDigest(reference), signal),
  say: (list) => list,
  said: z.array(
    z.object({
      mediaType: z.string(),
      digest,
      size: z.number(),
      artifactType: z.string().optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
  ),
};
