/** All repositories that are pushed to. */
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { octetStream } from '../oci/media-types.ts';
import type { Reference, RepositoryName, Tag } from '../oci/reference.ts';
import type { BytesAnswer, ReadableRepository, Writer } from '../oci/repository.ts';
import { nameGone, type PushTarget } from './changes/write-target.ts';
import type { HostedOptions } from './hosted-options.ts';
import { answerManifest, HostedRepository, outcome } from './hosted-repository.ts';
import { type CopiedImage, copyImage, type SourceImage } from './tags/image-copy.ts';
import { UploadSpools } from './uploads/upload-spools.ts';
import { UploadTurns } from './uploads/upload-turns.ts';
import { WritableHostedRepository, type WritingOptions } from './writable-hosted-repository.ts';

export interface CopyDestination {
  readonly name: RepositoryName;
  readonly tag: Tag;
}

export class HostedRepositories {
  readonly #options: WritingOptions;

  constructor(options: HostedOptions) {
    const spools = new UploadSpools(options.uploads, options.buffers);
    this.#options = { ...options, spools, turns: new UploadTurns() };
  }

  /** Undefined where nothing was pushed to that name. @throws OciError NAME_UNKNOWN where it is all turned off */
  async find(
    name: RepositoryName,
    mayPush?: () => Promise<boolean>,
  ): Promise<ReadableRepository | undefined> {
    const detail = await this.#options.offReason?.();
    if (detail !== undefined) throw new OciError('NAME_UNKNOWN', { detail });
    const record = await this.#options.database.repositories.findByName(name);
    return record && new HostedRepository(this.#options, name, record.id, mayPush);
  }

  /** The manifest that this repository answers with, most often in one look at the records; undefined where there is none, or {@link find} says why not. */
  async findManifest(
    name: RepositoryName,
    reference: Reference,
    isPull: boolean,
  ): Promise<BytesAnswer | undefined> {
    const { database, offReason } = this.#options;
    if (await offReason?.()) return undefined;
    const found = await database.pulledContent.findManifest(name, reference);
    const payload = found && (await this.#payload(found.digest));
    if (!payload) return undefined;
    const repository = { id: found.repositoryId, name };
    return answerManifest(this.#options, repository, { ...found, payload }, { reference, isPull });
  }

  /** A blob of this repository whose bytes are in memory, in one look at the records; undefined where they are not, or it has none such. */
  findBlob(name: RepositoryName, digest: Digest): Promise<BytesAnswer | undefined> | undefined {
    const { database, hot, offReason } = this.#options;
    const payload = hot.findBytes(digest);
    if (!payload) return undefined;
    const answer: BytesAnswer = { digest, mediaType: octetStream, payload, outcome };
    const has = async () => !(await offReason?.()) && database.pulledContent.hasBlob(name, digest);
    return has().then((isHere) => (isHere ? answer : undefined));
  }

  async #payload(digest: Digest): Promise<Buffer | undefined> {
    const { database, hot } = this.#options;
    const known = hot.findBytes(digest);
    if (known) return known;
    const payload = await database.manifests.findPayload(digest);
    if (payload) hot.keepBytes(digest, payload);
    return payload;
  }

  /**
   * As {@link find}, for whoever sees what a group sees: its own projects, and public ones whose registry is not
   * private. Internal ones are for users who are signed in, which not all who pull are.
   * @param groupPath full path of a top-level group
   */
  async findVisibleFrom(groupPath: string, name: RepositoryName): Promise<ReadableRepository | undefined> {
    if (await this.#options.offReason?.()) return undefined;
    const { repositories, projects } = this.#options.database;
    const record = await repositories.findByName(name);
    const project = record && (await projects.find(record.projectId));
    if (!project || project.containerRegistryAccessLevel === 'disabled') return undefined;
    const isOpen = project.visibility === 'public' && project.containerRegistryAccessLevel === 'enabled';
    return isOpen || project.fullPath.startsWith(`${groupPath}/`)
      ? new HostedRepository(this.#options, name, record.id)
      : undefined;
  }

  /** @throws OciError NAME_UNKNOWN where there is no project for the name, or it was renamed just now; RENAME_IN_PROGRESS; DENIED where it is all turned off */
  async getWritable(name: RepositoryName, writer: Writer): Promise<WritableHostedRepository> {
    return new WritableHostedRepository(this.#options, await this.#getTarget(name, writer));
  }

  /**
   * Copies an image to a repository, or gives it another tag, as its writer.
   * @throws HostedRefusal, OciError as {@link getWritable} and {@link copyImage}
   */
  async copy(source: SourceImage, to: CopyDestination, writer: Writer): Promise<CopiedImage> {
    return copyImage(this.#options, source, await this.#getTarget(to.name, writer), to.tag);
  }

  async #getTarget(name: RepositoryName, writer: Writer): Promise<PushTarget> {
    const detail = await this.#options.offReason?.();
    if (detail !== undefined) throw new OciError('DENIED', { detail });
    const project = await this.#options.database.projects.findOwner(name);
    if (!project) throw nameGone(name);
    await this.#demandNotRenamed(project.id, name);
    const { id: projectId, fullPath: projectPath } = project;
    return { projectId, projectPath, name, writer };
  }

  async #demandNotRenamed(projectId: number, name: RepositoryName): Promise<void> {
    const { database, now } = this.#options;
    const lease = await database.renameLeases.find(projectId, name);
    if (!lease) return;
    if (lease.state === 'over') throw nameGone(name);
    const seconds = Math.max(1, Math.ceil((lease.expiresAt - now()) / 1000));
    throw new OciError('RENAME_IN_PROGRESS', {
      detail: `${lease.path} is being renamed: try again in ${seconds} seconds`,
      headers: { 'Retry-After': String(seconds) },
    });
  }

  /** Interrupts the uploads that are being received; what has come of them is kept. */
  close(): Promise<void> {
    return this.#options.turns.close();
  }
}
