/** A `docker/registry/v2` tree, as distribution writes it. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { algorithmOf, type Digest, hexOf } from '../../src/oci/digest.ts';
import type { FakeBlob, FakeManifest } from './fake-content.ts';
import { wholeOf } from './pushing.ts';

export class WrittenTree {
  /** What its registry has as rootdirectory. */
  readonly directory: string;
  readonly #root: string;

  constructor(directory: string) {
    this.directory = directory;
    this.#root = join(directory, 'docker/registry/v2');
  }

  async push(repository: string, manifest: FakeManifest, tag?: string): Promise<void> {
    for (const blob of [...manifest.layers, ...(manifest.config ? [manifest.config] : [])])
      await this.#layer(repository, blob);
    await this.#write(this.blob(manifest.digest), manifest.payload);
    await this.#write(this.revision(repository, manifest.digest), manifest.digest);
    if (tag !== undefined) await this.#write(this.tag(repository, tag), manifest.digest);
  }

  /** Path of the bytes. */
  blob(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#root, 'blobs', algorithmOf(digest), hex.slice(0, 2), hex, 'data');
  }

  /** Path of the link that makes a manifest readable. */
  revision(repository: string, digest: Digest): string {
    return this.#link(repository, '_manifests/revisions', algorithmOf(digest), hexOf(digest));
  }

  /** Path of the link that says what a tag names. */
  tag(repository: string, tag: string): string {
    return this.#link(repository, '_manifests/tags', tag, 'current');
  }

  remove(path: string): Promise<void> {
    return rm(path);
  }

  /** Every file by its path in the directory, as a bucket has them as keys. */
  async files(): Promise<ReadonlyMap<string, Buffer>> {
    const all = await readdir(this.directory, { recursive: true, withFileTypes: true });
    const paths = all.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    const read = async (path: string) => [relative(this.directory, path), await readFile(path)] as const;
    return new Map(await Promise.all(paths.sort().map(read)));
  }

  async #layer(repository: string, blob: FakeBlob): Promise<void> {
    await this.#write(this.blob(blob.digest), wholeOf(blob));
    const path = this.#link(repository, '_layers', algorithmOf(blob.digest), hexOf(blob.digest));
    await this.#write(path, blob.digest);
  }

  #link(repository: string, ...parts: readonly string[]): string {
    return join(this.#root, 'repositories', repository, ...parts, 'link');
  }

  async #write(path: string, content: Buffer | string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}
