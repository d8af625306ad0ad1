/** What endpoints get of their path, parsed once, and the repository that they are about. */
import type { RouterContext } from '@koa/router';
import { type Digest, parseDigest } from '../../oci/digest.ts';
import {
  parseReference,
  parseRepositoryName,
  type Reference,
  type RepositoryName,
} from '../../oci/reference.ts';
import type { ReadableRepository, WritableRepository } from '../../oci/repository.ts';
import type { RequestState } from '../state.ts';
import type { RegistryObserver } from './services.ts';

export type EndpointContext = RouterContext<RequestState>;

export interface PullTarget {
  /** That the client may pull from. */
  readonly repository: ReadableRepository;
  /** As the client says it. */
  readonly name: RepositoryName;
  /** How long a client may take nothing, in milliseconds. */
  readonly stalledMs: number;
}

export interface ChangeTarget {
  /** That the client may do this to. */
  readonly repository: WritableRepository;
  readonly name: RepositoryName;
  /** How long a client may send nothing, in milliseconds. */
  readonly stalledMs: number;
  readonly maxManifestBytes: number;
  /** Another repository; undefined where there is none, or the client may not pull from it. */
  readonly findSource: (name: RepositoryName) => Promise<ReadableRepository | undefined>;
  readonly observer: Pick<RegistryObserver, 'pushed'>;
}

/** As it is written: names need no encoding, so one that has any is none. @throws OciError NAME_INVALID */
export function nameOf(ctx: EndpointContext): RepositoryName {
  return parseRepositoryName(ctx.captures?.[0] ?? '');
}

/** @throws OciError DIGEST_INVALID */
export function digestOf(ctx: EndpointContext): Digest {
  return parseDigest(segmentOf(ctx, 'digest'));
}

/** @throws OciError DIGEST_INVALID or MANIFEST_INVALID */
export function referenceOf(ctx: EndpointContext): Reference {
  return parseReference(segmentOf(ctx, 'reference'));
}

/** Decoded; what cannot be decoded stays, and is refused by its parser. */
export function segmentOf(ctx: EndpointContext, parameter: string): string {
  return ctx.params[parameter] ?? '';
}
