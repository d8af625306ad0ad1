/**
 * A `docker/registry/v2` tree as distribution, and GitLab's registry without its metadata database, write it. It is only read.
 * https://github.com/distribution/distribution/blob/v3.0.0/registry/storage/paths.go
 */
import { algorithmOf, type Digest, digestOf, hexOf, isDigest } from '../../oci/digest.ts';
import { maxManifestBytes } from '../../oci/manifest.ts';
import { isTag, type Tag } from '../../oci/reference.ts';
import {
  type ImageSource,
  type SourceBlob,
  SourceFault,
  type SourceRepository,
} from '../../replication/image-source.ts';
import { CommandRefused } from '../command.ts';
import { type TreeFiles, treePath } from './tree-files.ts';

const manifestsName = '_manifests';
/** A digest of sha512, and a line end. */
const maxLinkBytes = 256;

/** @param files with the tree in it, or the tree itself. @param place theirs, for people. @throws CommandRefused */
export async function openTree(files: TreeFiles, place: string): Promise<RegistryTree> {
  for (const root of [`${treePath}/`, ''])
    if ((await files.listDirectories(`${root}repositories`)).length > 0) return new RegistryTree(files, root);
  throw new CommandRefused(
    `there is no ${treePath} with repositories in ${place}: name what the registry has as rootdirectory`,
  );
}

class RegistryTree implements ImageSource {
  readonly #files: TreeFiles;
  readonly #root: string;

  /** @param root empty, or ends in `/` */
  constructor(files: TreeFiles, root: string) {
    this.#files = files;
    this.#root = root;
  }

  async listRepositories(): Promise<readonly string[]> {
    return (await Array.fromAsync(findRepositories(this.#files, `${this.#root}repositories`, ''))).sort();
  }

  open(name: string): SourceRepository {
    return new TreeRepository(this.#files, this.#root, name);
  }
}

/** Those that have manifests, at whatever depth. */
async function* findRepositories(
  files: TreeFiles,
  directory: string,
  prefix: string,
): AsyncGenerator<string, void, undefined> {
  for (const name of await files.listDirectories(directory)) {
    if (name === manifestsName) yield prefix.slice(0, -1);
    else if (!name.startsWith('_'))
      yield* findRepositories(files, `${directory}/${name}`, `${prefix}${name}/`);
  }
}

class TreeRepository implements SourceRepository {
  readonly #files: TreeFiles;
  readonly #blobs: string;
  readonly #manifests: string;

  constructor(files: TreeFiles, root: string, name: string) {
    this.#files = files;
    this.#blobs = `${root}blobs`;
    this.#manifests = `${root}repositories/${name}/${manifestsName}`;
  }

  async listTags(): Promise<readonly Tag[]> {
    return (await this.#files.listDirectories(`${this.#manifests}/tags`)).filter(isTag);
  }

  async findTag(tag: Tag): Promise<Digest> {
    const text = await this.#readLink(`tags/${tag}/current`, `the tag ${tag} names nothing`);
    if (isDigest(text)) return text;
    throw new SourceFault(`the link of the tag ${tag} is broken`);
  }

  async *listManifests(): AsyncGenerator<Digest, void, undefined> {
    const revisions = `${this.#manifests}/revisions`;
    for (const algorithm of await this.#files.listDirectories(revisions))
      for (const hex of await this.#files.listDirectories(`${revisions}/${algorithm}`)) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) yield digest;
      }
  }

  /** What was deleted has its bytes still, but no link. */
  async getManifest(digest: Digest): Promise<Buffer> {
    const absence = `the manifest ${digest} was deleted, or never was here`;
    const link = await this.#readLink(`revisions/${algorithmOf(digest)}/${hexOf(digest)}`, absence);
    if (link !== digest) throw new SourceFault(`the link of the manifest ${digest} is broken`);
    const what = `the bytes of the manifest ${digest}`;
    const bytes = await this.#readSmall(this.#pathOf(digest), maxManifestBytes, what);
    if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
    throw new SourceFault(`${what} have another digest`);
  }

  /** They are among the manifests. */
  async listReferrers(): Promise<readonly Digest[]> {
    return [];
  }

  async demandBlob(digest: Digest): Promise<void> {
    await this.#files.sizeOf(this.#pathOf(digest), `the blob ${digest}`);
  }

  async openBlob(digest: Digest): Promise<SourceBlob> {
    const [path, what] = [this.#pathOf(digest), `the blob ${digest}`];
    const size = await this.#files.sizeOf(path, what);
    return { size, file: this.#files.fileOf(path), read: () => this.#files.read(path, size, what) };
  }

  async #readLink(path: string, absence: string): Promise<string> {
    const bytes = await this.#readSmall(`${this.#manifests}/${path}/link`, maxLinkBytes, absence);
    return bytes.toString('latin1').trim();
  }

  async #readSmall(path: string, maxBytes: number, what: string): Promise<Buffer> {
    const size = await this.#files.sizeOf(path, what);
    if (size > maxBytes) throw new SourceFault(`${what}: ${path} has more than ${maxBytes} bytes`);
    return Buffer.concat(await Array.fromAsync(this.#files.read(path, size, what)));
  }

  #pathOf(digest: Digest): string {
    const hex = hexOf(digest);
    return `${this.#blobs}/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/data`;
  }
}
