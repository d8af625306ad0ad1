/** A behaviour, played by a fake registry for each place, with an image that is new to every store. */
import { digestOf } from '../../../src/oci/digest.ts';
import { bytesBlob, type FakeManifest, fakeImage, fakeIndex, seededBlob } from '../fake-content.ts';
import { FakeRegistry } from '../fake-registry.ts';
import type { LoggedRequest } from '../logged-request.ts';
import type { Behaviour, Deed, Place } from './behaviour.ts';

export const repository = 'library/corpus';
export const tags = [
  'latest',
  ...Array.from({ length: 24 }, (_, index) => `v${String(index).padStart(2, '0')}`),
];
/** More than one chunk, so that a transfer can break in the middle. */
const layerBytes = 300_000;
let played = 0;

const names = ['here', 'elsewhere', 'beyond'] as const;
type PlaceName = (typeof names)[number];

export interface Corpus {
  /** What every tag is of. */
  readonly image: FakeManifest;
  /** Has no tag. */
  readonly pinned: FakeManifest;
  readonly artifact: FakeManifest;
}

export class PlayedUpstream {
  readonly corpus: Corpus;
  readonly #places: ReadonlyMap<PlaceName, FakeRegistry>;

  private constructor(places: ReadonlyMap<PlaceName, FakeRegistry>, corpus: Corpus) {
    this.#places = places;
    this.corpus = corpus;
  }

  static async start(behaviour: Behaviour): Promise<PlayedUpstream> {
    played += 1;
    const places = new Map<PlaceName, FakeRegistry>();
    for (const name of names) if (behaviour[name]) places.set(name, await new FakeRegistry().start());
    const urls = Object.fromEntries([...places].map(([name, { url }]) => [name, url]));
    const corpus = corpusOf(behaviour, played);
    for (const [name, registry] of places) {
      const { deeds = [], ...options }: Place = behaviour[name] ?? {};
      registry.options = { ...options, places: urls };
      push(registry, corpus);
      faults(registry, deeds);
    }
    return new PlayedUpstream(places, corpus);
  }

  get url(): string {
    return this.#at('here').url;
  }

  get host(): string {
    return this.#at('here').host;
  }

  /** From now on `here` does this too. */
  begin(deeds: readonly Deed[]): void {
    faults(this.#at('here'), deeds);
  }

  forgetRequests(): void {
    for (const registry of this.#places.values()) registry.forgetRequests();
  }

  /** What was asked where, each place's in its order. */
  requests(): (readonly [PlaceName, LoggedRequest])[] {
    return [...this.#places].flatMap(([name, { requests }]) => requests.map((each) => [name, each] as const));
  }

  /** Requests that carried a password to another place than the upstream, or a token to another than whose it is. */
  betrayals(): string[] {
    return this.requests().flatMap(([name, { method, path, headers }]) => {
      const [scheme, secret = ''] = headers.authorization?.split(' ') ?? [];
      const isRight = scheme === 'Bearer' ? secret.startsWith(this.#at(name).host) : name === 'here';
      return scheme === undefined || isRight ? [] : [`${name} ${method} ${path} ${scheme}`];
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#places.values()].map((registry) => registry.stop()));
  }

  #at(name: PlaceName): FakeRegistry {
    const registry = this.#places.get(name);
    if (!registry) throw new Error(`there is no registry ${name}`);
    return registry;
  }
}

function corpusOf({ manifest, mediaType }: Behaviour, seed: number): Corpus {
  const usual = fakeImage({ layers: [seededBlob(layerBytes, seed), bytesBlob(`a layer ${seed}`)] });
  const image = manifest ? oddly(usual, manifest(JSON.parse(usual.payload.toString())), mediaType) : usual;
  const pinned = fakeImage({ layers: [seededBlob(layerBytes, -seed)] });
  const artifact = fakeImage({
    layers: [bytesBlob(`an artifact ${seed}`)],
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.payload.length },
    artifactType: 'application/x.signature',
  });
  return { image, pinned, artifact };
}

function oddly(usual: FakeManifest, json: object, mediaType = usual.mediaType): FakeManifest {
  const payload = Buffer.from(JSON.stringify(json));
  return { ...usual, payload, digest: digestOf(payload), mediaType };
}

/** What registries without the referrers API are asked for. */
export function fallbackTagOf({ digest }: FakeManifest): string {
  return digest.replace(':', '-');
}

function push(registry: FakeRegistry, { image, pinned, artifact }: Corpus): void {
  const at = registry.repository(repository);
  for (const tag of tags) at.push(image, tag);
  at.push(pinned);
  at.push(artifact);
  at.push(fakeIndex({ manifests: [artifact] }), fallbackTagOf(image));
}

function faults(registry: FakeRegistry, deeds: readonly Deed[]): void {
  for (const [to, does, times] of deeds) registry.fault(to, does, times, true);
}
