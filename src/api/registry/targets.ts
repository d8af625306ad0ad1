/** What handlers of /v2 get: the repository that a request is about, and what they need besides. */
import type { RepositoryName } from '../../oci/reference.ts';
import type { ReadableRepository, WritableRepository } from '../../oci/repository.ts';
import type { PulledContent, RegistryObserver } from './services.ts';

interface Target {
  /** The reference, digest, tag or upload of the path; not parsed yet. */
  readonly segment: string;
  /** How long a client may take or send nothing, in milliseconds. */
  readonly stalledMs: number;
}

export interface PullTarget extends Target {
  /** The repository's name as the client says it. */
  readonly name: string;
  /** The client may pull from it. */
  readonly repository: ReadableRepository;
  /** Whether clients may be sent elsewhere for a blob. */
  readonly mayRedirect: boolean;
  /** Told of a manifest that was pulled, or of a blob from its beginning; undefined: nobody wants to know. */
  readonly note?: ((content: PulledContent) => void) | undefined;
}

export interface ChangeTarget extends Target {
  readonly name: RepositoryName;
  /** The client may do this to it. */
  readonly repository: WritableRepository;
  readonly maxManifestBytes: number;
  /** The repository to mount from; undefined where there is none, or the client may not pull from it. */
  readonly findSource: () => Promise<Source | undefined>;
  readonly observer: Pick<RegistryObserver, 'pushed'>;
}

export interface Source {
  readonly name: RepositoryName;
  readonly repository: ReadableRepository;
}
