/** What a fake registry holds: blobs generated from a seed, never kept in memory, and manifests about them. */
import { type Digest, digestOf, finishDigest, hasherOf } from '../../src/oci/digest.ts';
import { dockerList, dockerManifest, ociIndex, ociManifest } from '../../src/oci/media-types.ts';

export interface FakeBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Views of at most 64 KiB from `start` up to and without `end`; not to be written to. */
  read(start: number, end: number): Iterable<Buffer>;
}

export interface FakeManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly payload: Buffer;
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly config: FakeBlob | undefined;
  readonly layers: readonly FakeBlob[];
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

const chunkBytes = 64 * 1024;
/** No multiple of a power of two, so that bytes read at a wrong position differ. */
const blockBytes = 1024 * 1024 + 4099;

/** The same bytes for the same size and seed. The digest costs one pass over them. */
export function seededBlob(size: number, seed = 0): FakeBlob {
  const block = seededBytes(Math.min(size, blockBytes), seed);
  function* read(start: number, end: number): Iterable<Buffer> {
    for (let position = start; position < end; ) {
      const offset = position % blockBytes;
      const chunk = block.subarray(offset, Math.min(offset + chunkBytes, offset + end - position));
      yield chunk;
      position += chunk.length;
    }
  }
  const hash = hasherOf('sha256');
  for (const chunk of read(0, size)) hash.update(chunk);
  return { digest: finishDigest('sha256', hash), size, read };
}

export function bytesBlob(bytes: Buffer | string): FakeBlob {
  const all = Buffer.from(bytes);
  function* read(start: number, end: number): Iterable<Buffer> {
    for (let position = start; position < end; position += chunkBytes) {
      yield all.subarray(position, Math.min(position + chunkBytes, end));
    }
  }
  return { digest: digestOf(all), size: all.length, read };
}

/** xorshift32: fast, and the same on every machine. */
export function seededBytes(size: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = scattered(seed);
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, size);
}

/** Neighbouring seeds begin far apart (the finalizer of MurmurHash3); never 0, from where xorshift does not move. */
function scattered(seed: number): number {
  let state = seed ^ 0x9e3779b9;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0 || 1;
}

export interface ImageOptions {
  readonly layers?: readonly FakeBlob[];
  readonly config?: FakeBlob;
  readonly format?: 'oci' | 'docker';
  readonly architecture?: string;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function fakeImage(options: ImageOptions = {}): FakeManifest {
  const isDocker = options.format === 'docker';
  const mediaType = isDocker ? dockerManifest : ociManifest;
  const layers = options.layers ?? [];
  const config =
    options.config ??
    bytesBlob(
      JSON.stringify({
        architecture: options.architecture ?? 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [] },
      }),
    );
  const configType = isDocker
    ? 'application/vnd.docker.container.image.v1+json'
    : 'application/vnd.oci.image.config.v1+json';
  const layerType = isDocker
    ? 'application/vnd.docker.image.rootfs.diff.tar.gzip'
    : 'application/vnd.oci.image.layer.v1.tar+gzip';
  return manifestOf(mediaType, options, config, layers, {
    config: { mediaType: configType, digest: config.digest, size: config.size },
    layers: layers.map((layer) => ({ mediaType: layerType, digest: layer.digest, size: layer.size })),
  });
}

/** An artifact about `subject`, as cosign and oras push them. */
export function fakeArtifact(
  subject: FakeManifest,
  artifactType: string,
  annotations: Record<string, string> = {},
): FakeManifest {
  const empty = bytesBlob('{}');
  const descriptor = {
    mediaType: 'application/vnd.oci.empty.v1+json',
    digest: empty.digest,
    size: empty.size,
  };
  const options = { subject: descriptorOf(subject), artifactType, annotations };
  return manifestOf(ociManifest, options, empty, [], { config: descriptor, layers: [descriptor] });
}

export interface IndexOptions
  extends Pick<ImageOptions, 'format' | 'subject' | 'artifactType' | 'annotations'> {
  readonly manifests: readonly FakeManifest[];
}

/** The n-th manifest is said to be for the n-th of amd64, arm64, s390x and riscv64. */
export function fakeIndex(options: IndexOptions): FakeManifest {
  const architectures = ['amd64', 'arm64', 's390x', 'riscv64'];
  const mediaType = options.format === 'docker' ? dockerList : ociIndex;
  return manifestOf(mediaType, options, undefined, [], {
    manifests: options.manifests.map((manifest, index) => ({
      ...descriptorOf(manifest),
      platform: { architecture: architectures[index % architectures.length], os: 'linux' },
    })),
  });
}

export function descriptorOf(manifest: FakeManifest): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.payload.length };
}

function manifestOf(
  mediaType: string,
  options: Pick<ImageOptions, 'subject' | 'artifactType' | 'annotations'>,
  config: FakeBlob | undefined,
  layers: readonly FakeBlob[],
  body: object,
): FakeManifest {
  const { subject, artifactType, annotations } = options;
  // Indented, so that a server which writes JSON anew changes the digest.
  const payload = Buffer.from(
    `${JSON.stringify({ schemaVersion: 2, mediaType, artifactType, ...body, subject, annotations }, null, 3)}\n`,
  );
  return {
    digest: digestOf(payload),
    mediaType,
    payload,
    subject: subject?.digest,
    artifactType,
    annotations,
    config,
    layers,
  };
}
