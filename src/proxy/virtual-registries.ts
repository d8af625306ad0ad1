/** Finds the virtual repository that a name stands for. */
import { LRUCache } from 'lru-cache';
import type { HotManifests } from '../cache/hot-manifests.ts';
import { parseVirtualName, type RepositoryName } from '../oci/reference.ts';
import type { Upstream, UpstreamSettings } from '../upstreams/upstream.ts';
import type { RegistryView } from './place.ts';
import { type Pulls, VirtualRepository } from './virtual-repository.ts';

/** So that a change made by another process is seen. */
const maxAgeMs = 1000;
const registriesRemembered = 1000;

/** A virtual registry as configured. */
export interface ConfiguredRegistry {
  readonly id: number;
  readonly groupId: number;
  /** In the order they are asked, credentials opened. */
  readonly upstreams: readonly UpstreamSettings[];
}

export interface VirtualRegistriesOptions {
  readonly load: (registryId: number) => Promise<ConfiguredRegistry | undefined>;
  readonly upstreamOf: (settings: UpstreamSettings) => Upstream;
  readonly hot: HotManifests;
  readonly pulls: Pulls;
}

export class VirtualRegistries {
  readonly #options: VirtualRegistriesOptions;
  readonly #views: LRUCache<number, RegistryView>;

  constructor(options: VirtualRegistriesOptions) {
    this.#options = options;
    this.#views = new LRUCache<number, RegistryView>({
      max: registriesRemembered,
      ttl: maxAgeMs,
      fetchMethod: (id) => this.#load(id),
    });
  }

  /** Undefined for a name that is no virtual registry's, or of one that does not exist. */
  find(name: RepositoryName): VirtualRepository | undefined | Promise<VirtualRepository | undefined> {
    const parsed = parseVirtualName(name);
    if (!parsed) return undefined;
    const { registryId, image } = parsed;
    const known = this.#views.get(registryId);
    if (known) return new VirtualRepository(this.#options.pulls, known, image);
    return this.view(registryId).then(
      (view) => view && new VirtualRepository(this.#options.pulls, view, image),
    );
  }

  view(registryId: number): Promise<RegistryView | undefined> {
    return this.#views.fetch(registryId);
  }

  /** Drops what is believed of any registry: its configuration or its cache was changed. */
  forgetAll(): void {
    this.#views.clear();
    this.#options.hot.forgetAll();
  }

  async #load(id: number): Promise<RegistryView | undefined> {
    const registry = await this.#options.load(id);
    if (!registry) return undefined;
    const { groupId, upstreams } = registry;
    return { id, groupId, upstreams: upstreams.map((settings) => this.#options.upstreamOf(settings)) };
  }
}
