/** The other registry of a rule, and the repositories on both sides, for as long as a task runs. */
import type { HostedRepositories } from '../hosted/hosted-repositories.ts';
import type { Records } from '../metadata/db/records.ts';
import type { ReplicationRule } from '../metadata/replication/replication-rules.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import {
  isRepositoryName,
  isTag,
  parseRepositoryName,
  type RepositoryName,
  type Tag,
} from '../oci/reference.ts';
import type { Writer } from '../oci/repository.ts';
import type { DownloadTools } from '../proxy/download.ts';
import { ReplicationFilter, targetNameOf } from '../rules/replication.ts';
import { RemoteTarget } from '../upstreams/pushes/remote-target.ts';
import type { UpstreamOptions } from '../upstreams/registry.ts';
import { listRepositories } from '../upstreams/repository-lists.ts';
import type { UpstreamSettings } from '../upstreams/upstream.ts';
import { HostedDestination, type HostedDestinationOptions } from './hosted-destination.ts';
import { HostedSource } from './hosted-source.ts';
import { isAbsence, SourceFault } from './image-source.ts';
import { RemoteDestination } from './remote-destination.ts';
import { RemoteSource } from './remote-source.ts';
import type { TagReplicationOptions } from './tag-replication.ts';

export interface ReplicationPlaces {
  readonly database: Pick<Records, 'projects' | 'repositories' | 'tags'>;
  readonly repositories: Pick<HostedRepositories, 'find' | 'getWritable'>;
  readonly destination: HostedDestinationOptions;
  /** What is said of the other registry. @throws Error where its secrets do not open */
  readonly settingsOf: (rule: ReplicationRule) => UpstreamSettings;
  /** By whose rights a rule acts here. @throws OciError DENIED where they have them no more */
  readonly writerOf: (rule: ReplicationRule) => Promise<Writer>;
  readonly upstreams: UpstreamOptions;
  readonly tools: DownloadTools;
}

type Sides = Pick<TagReplicationOptions, 'source' | 'destination'>;
const tagsAtOnce = 1000;

export class RegistryConnection {
  readonly rule: ReplicationRule;
  readonly filter: ReplicationFilter;
  readonly #places: ReplicationPlaces;
  readonly #projectPath: string;
  readonly #settings: UpstreamSettings;
  readonly #target: RemoteTarget;
  readonly #known = new Map<Digest, RepositoryName>();
  readonly #signal: AbortSignal;

  private constructor(
    places: ReplicationPlaces,
    rule: ReplicationRule,
    projectPath: string,
    signal: AbortSignal,
  ) {
    this.rule = rule;
    this.filter = new ReplicationFilter(rule);
    this.#places = places;
    this.#projectPath = projectPath;
    this.#settings = places.settingsOf(rule);
    this.#target = new RemoteTarget(this.#settings, places.upstreams);
    this.#signal = signal;
  }

  /** @throws OciError DENIED, NAME_UNKNOWN */
  static async open(
    places: ReplicationPlaces,
    rule: ReplicationRule,
    signal: AbortSignal,
  ): Promise<RegistryConnection> {
    const project = await places.database.projects.find(rule.projectId);
    if (!project) throw new OciError('NAME_UNKNOWN', { detail: 'the project is gone' });
    return new RegistryConnection(places, rule, project.fullPath, signal);
  }

  /** All that the rule is for, a repository at a time. @throws OciError, OutboundError, SourceFault */
  async *list(): AsyncGenerator<
    { readonly repository: string; readonly tags: readonly Tag[] },
    void,
    undefined
  > {
    if (this.rule.direction === 'push') yield* this.#listHere();
    else
      for (const name of await this.#listThere()) {
        const tags = await this.#listTagsThere(name);
        yield { repository: name, tags: tags.filter((tag) => this.filter.hasTag(tag)) };
      }
  }

  /** Whether the rule is for it; of events it is not known before. */
  isFor(repository: string, tag: string): boolean {
    const name = this.rule.direction === 'push' ? this.#below(repository) : repository;
    return name !== undefined && this.filter.hasRepository(name) && this.filter.hasTag(tag) && isTag(tag);
  }

  /** @throws OciError where its owner may not, or it is not there; SourceFault where it has no name where it goes */
  async sidesOf(repository: string): Promise<Sides> {
    const writer = await this.#places.writerOf(this.rule);
    return this.rule.direction === 'push' ? this.#outwards(repository) : this.#inwards(repository, writer);
  }

  async close(): Promise<void> {
    await this.#target.close();
  }

  async #outwards(repository: string): Promise<Sides> {
    const name = this.#targetOf(this.#below(repository) ?? '', repository);
    const found = await this.#places.repositories.find(parseRepositoryName(repository));
    if (!found) throw new OciError('NAME_UNKNOWN', { detail: `there is no ${repository} any more` });
    const source = new HostedSource(found, this.#signal);
    const options = { target: this.#target, name, source, known: this.#known, signal: this.#signal };
    return { source, destination: new RemoteDestination(options) };
  }

  async #inwards(repository: string, writer: Writer): Promise<Sides> {
    const { repositories, database, destination: here } = this.#places;
    const name = this.#targetOf(repository, repository, `${this.#projectPath}/`);
    const owner = await database.projects.findOwner(name);
    if (owner?.id !== this.rule.projectId)
      throw new SourceFault(`${name} is no repository of the project: shorten the rule's target`);
    const writable = await repositories.getWritable(name, writer);
    const destination = new HostedDestination(here, name, writable);
    return { source: this.#remoteSource(parseRepositoryName(repository)), destination };
  }

  #targetOf(repository: string, whole: string, before = ''): RepositoryName {
    const names = { project: this.#projectPath, repository, name: whole.slice(whole.lastIndexOf('/') + 1) };
    const name = before + targetNameOf(this.rule.target, names);
    if (isRepositoryName(name)) return name;
    throw new SourceFault(`${name} is no name of a repository: change the rule's target`);
  }

  /** Undefined where it is in another project. */
  #below(repository: string): string | undefined {
    if (repository === this.#projectPath) return '';
    const start = `${this.#projectPath}/`;
    return repository.startsWith(start) ? repository.slice(start.length) : undefined;
  }

  async *#listHere() {
    const { repositories, tags: records } = this.#places.database;
    let repository = await repositories.findNext(this.rule.projectId, '');
    for (; repository; repository = await repositories.findNext(this.rule.projectId, repository.name)) {
      const below = this.#below(repository.name);
      if (below === undefined || !this.filter.hasRepository(below)) continue;
      for (let after = '', hasMore = true; hasMore; ) {
        const page = await records.list(repository.id, { after, limit: tagsAtOnce });
        yield { repository: repository.name, tags: page.tags.filter((tag) => this.filter.hasTag(tag)) };
        after = page.tags.at(-1) ?? '';
        hasMore = page.hasMore;
      }
    }
  }

  /** What is a name itself is asked for by it: not all registries list what they have. */
  async #listThere(): Promise<readonly string[]> {
    const { repositoryRegex } = this.rule;
    if (repositoryRegex !== undefined && isRepositoryName(repositoryRegex)) return [repositoryRegex];
    const names = await listRepositories(this.#settings, this.#places.upstreams);
    return names.filter((name) => this.filter.hasRepository(name));
  }

  /** Catalogs name repositories that have nothing any more. */
  async #listTagsThere(name: string): Promise<readonly Tag[]> {
    try {
      return await this.#remoteSource(parseRepositoryName(name)).listTags();
    } catch (error) {
      if (isAbsence(error) && name !== this.rule.repositoryRegex) return [];
      throw error;
    }
  }

  #remoteSource(name: RepositoryName): RemoteSource {
    const { tools } = this.#places;
    return new RemoteSource({
      upstream: this.#target,
      name,
      tools,
      ask: (ask) => ask(),
      signal: this.#signal,
    });
  }
}
