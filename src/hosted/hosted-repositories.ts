/** All repositories that are pushed to. */
import type { RepositoryName } from '../oci/reference.ts';
import type { ReadableRepository, WritableRepository, Writer } from '../oci/repository.ts';
import type { HostedOptions } from './hosted-options.ts';
import { HostedRepository } from './hosted-repository.ts';
import { noProject } from './push-target.ts';
import { SessionSpools } from './session-spools.ts';
import type { SessionOptions } from './upload-sessions.ts';
import { UploadTurns } from './upload-turns.ts';
import { WritableHostedRepository } from './writable-hosted-repository.ts';

export class HostedRepositories {
  readonly #options: HostedOptions & SessionOptions;

  constructor(options: HostedOptions) {
    const spools = new SessionSpools(options.uploads, options.buffers);
    this.#options = { ...options, spools, turns: new UploadTurns() };
  }

  /** Undefined where nothing was pushed to that name. */
  async find(name: RepositoryName): Promise<ReadableRepository | undefined> {
    const record = await this.#options.database.repositories.findByName(name);
    return record && new HostedRepository(this.#options, name, record.id);
  }

  /**
   * As {@link find}, for whoever sees what a group sees: its own projects, and those that are internal or public.
   * @param groupPath full path of a top-level group
   */
  async findVisibleFrom(groupPath: string, name: RepositoryName): Promise<ReadableRepository | undefined> {
    const { repositories, projects } = this.#options.database;
    const record = await repositories.findByName(name);
    const project = record && (await projects.find(record.projectId));
    if (!project) return undefined;
    const isVisible = project.visibility !== 'private' || project.fullPath.startsWith(`${groupPath}/`);
    return isVisible ? new HostedRepository(this.#options, name, record.id) : undefined;
  }

  /** @throws OciError DENIED where there is no project for the name */
  async getWritable(name: RepositoryName, writer: Writer): Promise<WritableRepository> {
    const project = await this.#options.database.projects.findOwner(name);
    if (!project) throw noProject(name);
    return new WritableHostedRepository(this.#options, { projectId: project.id, name, writer });
  }

  /** Interrupts the uploads that are being received; what came of them is kept. */
  close(): Promise<void> {
    return this.#options.turns.close();
  }
}
