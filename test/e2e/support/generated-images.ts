/** Images whose blobs are computed from a seed whenever they are asked for, so that there can be any amount of them. */
import { createHash } from 'node:crypto';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { ociManifest } from '../../../src/oci/media-types.ts';

export interface GeneratedShape {
  readonly images: number;
  readonly layersPerImage: number;
  readonly layerBytes: number;
}

export interface GeneratedManifest {
  readonly digest: Digest;
  readonly payload: Buffer;
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
}

const blockBytes = 256 * 1024;
/** What one image differs from the next in. */
const seedBytes = 64;

export class GeneratedImages {
  readonly #shape: GeneratedShape;
  readonly #block: Buffer;
  readonly #seeds = new Map<string, string>();
  readonly #manifests = new Map<number, GeneratedManifest>();

  constructor(shape: GeneratedShape) {
    this.#shape = shape;
    this.#block = Buffer.alloc(blockBytes);
    let state = 0x2545f491;
    for (let at = 0; at < blockBytes; at += 4) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.#block.writeInt32LE(state | 0, at);
    }
  }

  manifest(image: number): GeneratedManifest {
    const known = this.#manifests.get(image);
    if (known) return known;
    const { layersPerImage, layerBytes } = this.#shape;
    const config = this.#blob(`config ${image}`, seedBytes);
    const layers = Array.from({ length: layersPerImage }, (_, layer) =>
      this.#blob(`layer ${image}.${layer}`, layerBytes),
    );
    const describe = (mediaType: string, { digest, size }: { digest: string; size: number }) => ({
      mediaType,
      digest,
      size,
    });
    const payload = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: ociManifest,
        config: describe('application/vnd.oci.image.config.v1+json', config),
        layers: layers.map((layer) => describe('application/vnd.oci.image.layer.v1.tar', layer)),
      }),
    );
    const made = { digest: digestOf(payload), payload, blobs: [config, ...layers] };
    this.#manifests.set(image, made);
    return made;
  }

  /** Undefined for one that no manifest asked for so far has. */
  read(digest: string): { readonly size: number; chunks(): Generator<Buffer> } | undefined {
    const seed = this.#seeds.get(digest);
    if (seed === undefined) return undefined;
    const size = seed.startsWith('config') ? seedBytes : this.#shape.layerBytes;
    return { size, chunks: () => this.#chunks(seed, size) };
  }

  #blob(seed: string, size: number) {
    const hash = createHash('sha256');
    for (const chunk of this.#chunks(seed, size)) hash.update(chunk);
    const digest = `sha256:${hash.digest('hex')}` as Digest;
    this.#seeds.set(digest, seed);
    return { digest, size };
  }

  *#chunks(seed: string, size: number): Generator<Buffer> {
    const start = Buffer.alloc(Math.min(seedBytes, size), seed);
    yield start;
    for (let left = size - start.length; left > 0; left -= blockBytes)
      yield left < blockBytes ? this.#block.subarray(0, left) : this.#block;
  }
}
