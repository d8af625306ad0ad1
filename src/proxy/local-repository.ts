/**
 * A repository at a local upstream: the hosted one of that name, looked for anew with each question and kept nowhere,
 * so that what was pushed is there at once, and what was deleted gone at once.
 */
import type { Admission } from '../admission/admission.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError, type OciErrorCode } from '../oci/errors.ts';
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  PageRequest,
  ReadableRepository,
  ReferrersAnswer,
  TagsAnswer,
} from '../oci/repository.ts';
import type { LocalUpstream } from '../upstreams/local-upstream.ts';
import type { KeptBlob, WarmableRepository } from './prewarm/warmable-repository.ts';

/**
 * The hosted repository of this name; undefined where there is none, or none that may be seen from the group.
 * @param groupPath full path of a top-level group; empty: only what is public is seen
 */
export type FindHosted = (groupPath: string, name: RepositoryName) => Promise<ReadableRepository | undefined>;

export interface LocalRepositoryOptions {
  readonly upstream: LocalUpstream;
  /** As the virtual registry knows it. */
  readonly repository: RepositoryName;
  /** Of the virtual registry's group. */
  readonly groupPath: string;
  readonly findHosted: FindHosted;
  readonly registryId: number;
  readonly admission: Pick<Admission, 'admit'>;
}

export class LocalRepository implements WarmableRepository {
  readonly #options: LocalRepositoryOptions;

  constructor(options: LocalRepositoryOptions) {
    this.#options = options;
  }

  /** Judged by the policies of the repository, and then by those of the virtual registry. */
  async manifest(reference: Reference, isPull: boolean, signal?: AbortSignal): Promise<ManifestAnswer> {
    const hosted = await this.#get('MANIFEST_UNKNOWN');
    const answer = await hosted.manifest(reference, isPull, signal);
    const { upstream, repository, registryId, admission } = this.#options;
    const place = {
      kind: 'virtual',
      registryId,
      upstream: upstream.settings,
      repository: upstream.repositoryOf(repository) ?? repository,
    } as const;
    const warnings = await admission.admit({ ...answer, place, reference, content: hosted }, signal);
    return warnings ? { ...answer, warnings: [...(answer.warnings ?? []), ...warnings] } : answer;
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    return (await this.#get('BLOB_UNKNOWN')).blob(digest);
  }

  async statBlob(digest: Digest): Promise<BlobStat> {
    return (await this.#get('BLOB_UNKNOWN')).statBlob(digest);
  }

  async keepBlob(digest: Digest): Promise<KeptBlob> {
    return { blob: await this.blob(digest), fetchedBytes: 0 };
  }

  async tags(page: PageRequest): Promise<TagsAnswer> {
    return (await this.#get('NAME_UNKNOWN')).tags(page);
  }

  async referrers(subject: Digest): Promise<ReferrersAnswer> {
    return (await this.#find())?.referrers(subject) ?? { descriptors: [], outcome: 'hosted' };
  }

  /** @throws OciError of the code where there is no such repository; NAME_UNKNOWN where the patterns refuse it */
  async #get(code: OciErrorCode): Promise<ReadableRepository> {
    const found = await this.#find();
    if (found) return found;
    const { upstream, repository } = this.#options;
    const { id, name } = upstream.settings;
    throw new OciError(code, {
      detail: `upstream ${id} (${name}): there is no repository ${upstream.nameOf(repository)} here that the virtual registry can see`,
    });
  }

  /** @throws OciError NAME_UNKNOWN where the patterns refuse it */
  async #find(): Promise<ReadableRepository | undefined> {
    const { upstream, repository, groupPath, findHosted } = this.#options;
    if (!upstream.allows(repository)) {
      const { id, name } = upstream.settings;
      throw new OciError('NAME_UNKNOWN', {
        detail: `upstream ${id} (${name}): its prefix, allow and deny patterns refuse '${repository}'`,
      });
    }
    const hosted = upstream.repositoryOf(repository);
    return hosted && findHosted(groupPath, hosted);
  }
}
