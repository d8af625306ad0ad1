/** The blobs, manifests and tags of one name at a fake registry. */
import {
  bytesBlob,
  descriptorOf,
  type FakeBlob,
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  type ImageOptions,
  type IndexOptions,
  seededBlob,
} from './fake-content.ts';

export class FakeRepository {
  readonly #blobs = new Map<string, FakeBlob>();
  readonly #manifests = new Map<string, FakeManifest>();
  readonly #tags = new Map<string, string>();

  /** A blob of so many seeded bytes. */
  addBlob(size: number, seed = 0): FakeBlob {
    return this.put(seededBlob(size, seed));
  }

  put(blob: FakeBlob): FakeBlob {
    this.#blobs.set(blob.digest, blob);
    return blob;
  }

  /** An image with its configuration and layers. */
  addImage(options: ImageOptions & { readonly tag?: string } = {}): FakeManifest {
    return this.push(fakeImage(options), options.tag);
  }

  /** An index; its manifests are added too. */
  addIndex(options: IndexOptions & { readonly tag?: string }): FakeManifest {
    for (const manifest of options.manifests) this.push(manifest);
    return this.push(fakeIndex(options), options.tag);
  }

  addArtifact(
    subject: FakeManifest,
    artifactType: string,
    annotations: Record<string, string> = {},
  ): FakeManifest {
    this.put(bytesBlob('{}'));
    return this.push(fakeArtifact(subject, artifactType, annotations));
  }

  push(manifest: FakeManifest, tag?: string): FakeManifest {
    this.#manifests.set(manifest.digest, manifest);
    for (const blob of [...manifest.layers, ...(manifest.config ? [manifest.config] : [])]) this.put(blob);
    if (tag !== undefined) this.#tags.set(tag, manifest.digest);
    return manifest;
  }

  tag(tag: string, digest: string): void {
    this.#tags.set(tag, digest);
  }

  /** Removes a tag, or a manifest or blob by digest. */
  remove(reference: string): void {
    this.#tags.delete(reference);
    this.#manifests.delete(reference);
    this.#blobs.delete(reference);
  }

  blob(digest: string): FakeBlob | undefined {
    return this.#blobs.get(digest);
  }

  manifest(reference: string): FakeManifest | undefined {
    return this.#manifests.get(this.#tags.get(reference) ?? reference);
  }

  tagsPage(request: { readonly path: string; readonly query: string }, perPage: number | undefined) {
    const query = new URLSearchParams(request.query);
    const last = query.get('last') ?? '';
    const rest = [...this.#tags.keys()].sort().filter((tag) => tag > last);
    const size = Math.min(perPage ?? rest.length, Number(query.get('n') ?? rest.length));
    const tags = rest.slice(0, size);
    const next = size > 0 && rest.length > size ? `${request.path}?n=${size}&last=${tags.at(-1)}` : undefined;
    return { tags, next };
  }

  referrersIndex(subject: string, artifactType: string | null): object {
    const manifests = [...this.#manifests.values()]
      .filter((manifest) => manifest.subject === subject)
      .map((manifest) => ({
        ...descriptorOf(manifest),
        artifactType: manifest.artifactType,
        annotations: manifest.annotations,
      }))
      .filter((manifest) => artifactType === null || manifest.artifactType === artifactType);
    return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  }
}
