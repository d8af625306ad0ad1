/** Finds the virtual repository that a name stands for. */
import { LRUCache } from 'lru-cache';
import type { Admission } from '../admission/admission.ts';
import type { HotContent } from '../cache/hot-content.ts';
import type { Digest } from '../oci/digest.ts';
import { parseVirtualName, type Reference, type RepositoryName } from '../oci/reference.ts';
import type { UpstreamChoice } from '../oci/registry-host.ts';
import type { BytesAnswer, ReadableRepository } from '../oci/repository.ts';
import { type AnyUpstream, LocalUpstream } from '../upstreams/local-upstream.ts';
import type { UpstreamSettings } from '../upstreams/upstream.ts';
import { type FindHosted, LocalRepository } from './local-repository.ts';
import { OrderedRepository } from './ordered-repository.ts';
import type { WarmableRepository } from './prewarm/warmable-repository.ts';
import {
  findPartFor,
  type RegistryPart,
  type RegistryView,
  type RemotePart,
  registryView,
} from './registry-view.ts';
import { type Pulls, VirtualRepository } from './virtual-repository.ts';

/** So that a change made by another process is seen. */
const maxAgeMs = 1000;
const registriesRemembered = 1000;

/** A virtual registry as configured. */
export interface ConfiguredRegistry {
  readonly id: number;
  readonly groupId: number;
  readonly groupPath: string;
  /** Whether everyone may pull from it. */
  readonly isOpen: boolean;
  /** In the order they are asked, credentials opened. */
  readonly upstreams: readonly UpstreamSettings[];
}

export interface VirtualRegistriesOptions {
  readonly load: (registryId: number) => Promise<ConfiguredRegistry | undefined>;
  /** The virtual registries of a group, oldest first. */
  readonly list: (groupId: number) => Promise<readonly number[]>;
  readonly upstreamOf: (settings: UpstreamSettings) => AnyUpstream;
  readonly findHosted: FindHosted;
  readonly hot: Pick<HotContent, 'forgetAll'>;
  readonly pulls: Pulls;
  readonly admission: Pick<Admission, 'admit'>;
}

export class VirtualRegistries {
  readonly #options: VirtualRegistriesOptions;
  #views: LRUCache<number, RegistryView>;
  /** The registries of groups. */
  readonly #groups: LRUCache<number, readonly number[]>;

  constructor(options: VirtualRegistriesOptions) {
    this.#options = options;
    this.#groups = new LRUCache({ max: registriesRemembered, ttl: maxAgeMs, fetchMethod: options.list });
    this.#views = this.#rememberNone();
  }

  /**
   * Undefined for a name that is no virtual registry's, or of one that does not exist.
   * @param choice whose upstreams are of this registry, or else of the first of its group that has any; where there are none, undefined too
   */
  find(
    name: RepositoryName,
    choice?: UpstreamChoice,
  ): ReadableRepository | undefined | Promise<ReadableRepository | undefined> {
    const parsed = parseVirtualName(name);
    if (!parsed) return undefined;
    const { registryId, repository } = parsed;
    const known = this.#views.get(registryId);
    if (known) return this.#repositoryOf(known, repository, choice);
    return this.view(registryId).then((view) => view && this.#repositoryOf(view, repository, choice));
  }

  /** An image of a virtual registry, by the name that it has there; undefined where there is no such registry. */
  async findWarmable(registryId: number, image: RepositoryName): Promise<WarmableRepository | undefined> {
    const view = await this.view(registryId);
    return view && this.#partsOf(view, image);
  }

  /** What is answered without waiting; undefined where something has to be waited for, or a local upstream has a say. @param choice as of {@link find} */
  hotManifest(
    name: RepositoryName,
    reference: Reference,
    isPull: boolean,
    choice?: UpstreamChoice,
  ): BytesAnswer | undefined {
    return this.#known(name, choice)?.hotManifest(reference, isPull);
  }

  /** As {@link hotManifest}. */
  hotBlob(
    name: RepositoryName,
    digest: Digest,
    isPull: boolean,
    choice?: UpstreamChoice,
  ): BytesAnswer | undefined {
    return this.#known(name, choice)?.hotBlob(digest, isPull);
  }

  view(registryId: number): Promise<RegistryView | undefined> {
    return this.#views.fetch(registryId);
  }

  /** Drops what is believed of any registry: its configuration or its cache was changed. */
  forgetAll(): void {
    // Not cleared, or who is waiting for one of them would fail.
    this.#views = this.#rememberNone();
    this.#options.hot.forgetAll();
  }

  /** The repository, where its registry is known and no local upstream has a say. */
  #known(name: RepositoryName, choice: UpstreamChoice | undefined): VirtualRepository | undefined {
    const parsed = parseVirtualName(name);
    const view = parsed && this.#views.get(parsed.registryId);
    const part = view && (choice ? findPartFor(view, choice, parsed.repository) : onlyPart(view));
    return parsed && part && new VirtualRepository(this.#options.pulls, part, parsed.repository);
  }

  /** At whichever registry of the group has upstreams of the choice: whoever may pull through one of them may through all. */
  async #findChosen(
    view: RegistryView,
    choice: UpstreamChoice,
    name: RepositoryName,
  ): Promise<ReadableRepository | undefined> {
    const isOpen = view.isOpen || choice.isForEveryone;
    for (const id of (await this.#groups.fetch(view.groupId)) ?? []) {
      const other = await this.view(id);
      const part = other && (other.isOpen || !isOpen) && findPartFor(other, choice, name);
      if (part) return this.#repositoryAt(other, part, name);
    }
    return undefined;
  }

  #rememberNone(): LRUCache<number, RegistryView> {
    return new LRUCache({
      max: registriesRemembered,
      ttl: maxAgeMs,
      fetchMethod: (id) => this.#load(id),
    });
  }

  async #load(id: number): Promise<RegistryView | undefined> {
    const registry = await this.#options.load(id);
    if (!registry) return undefined;
    const upstreams = registry.upstreams.map((settings) => this.#options.upstreamOf(settings));
    return registryView({ ...registry, upstreams });
  }

  #repositoryOf(
    view: RegistryView,
    name: RepositoryName,
    choice: UpstreamChoice | undefined,
  ): ReadableRepository | Promise<ReadableRepository | undefined> {
    if (choice) {
      const part = findPartFor(view, choice, name);
      return part ? this.#repositoryAt(view, part, name) : this.#findChosen(view, choice, name);
    }
    return this.#partsOf(view, name);
  }

  #partsOf(view: RegistryView, name: RepositoryName): WarmableRepository {
    const [first] = view.parts;
    if (first && view.parts.length === 1) return this.#repositoryAt(view, first, name);
    return new OrderedRepository(
      view.parts.map((part) => ({
        repository: this.#repositoryAt(view, part, name),
        isHere: part instanceof LocalUpstream,
      })),
    );
  }

  #repositoryAt(
    { id: registryId, groupPath }: RegistryView,
    part: RegistryPart,
    name: RepositoryName,
  ): WarmableRepository {
    const { pulls, findHosted, admission } = this.#options;
    if (!(part instanceof LocalUpstream)) return new VirtualRepository(pulls, part, name);
    return new LocalRepository({
      upstream: part,
      repository: name,
      groupPath,
      findHosted,
      registryId,
      admission,
    });
  }
}

/** Undefined where there are several, or it is a local one. */
function onlyPart({ parts: [first, ...others] }: RegistryView): RemotePart | undefined {
  return others.length > 0 || first instanceof LocalUpstream ? undefined : first;
}
