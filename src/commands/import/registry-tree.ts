/**
 * A `docker/registry/v2` directory as distribution, and GitLab's registry without its metadata database, write it. It is only read.
 * https://github.com/distribution/distribution/blob/v3.0.0/registry/storage/paths.go
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../config/system-reasons.ts';
import { algorithmOf, type Digest, digestOf, hexOf, isDigest } from '../../oci/digest.ts';
import { maxManifestBytes } from '../../oci/manifest.ts';
import { isTag, type Tag } from '../../oci/reference.ts';
import { isSystemError } from '../../oci/system-error.ts';
import { CommandRefused } from '../command.ts';
import { type ImportSource, type SourceBlob, SourceFault, type SourceRepository } from './import-source.ts';

const treePath = 'docker/registry/v2';
const manifestsName = '_manifests';
/** A digest of sha512, and a line end. */
const maxLinkBytes = 256;
const chunkBytes = 1024 * 1024;

/** @param directory with the tree in it, or the tree itself. @throws CommandRefused */
export async function openTree(directory: string): Promise<RegistryTree> {
  for (const root of [join(directory, treePath), directory])
    if ((await listNames(join(root, 'repositories'))).length > 0) return new RegistryTree(root);
  throw new CommandRefused(
    `there is no ${treePath} with repositories in ${directory}: name the directory that the registry has as rootdirectory`,
  );
}

export class RegistryTree implements ImportSource {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async listRepositories(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of findRepositories(join(this.#root, 'repositories'), '')) names.push(name);
    return names.sort();
  }

  open(name: string): SourceRepository {
    return new TreeRepository(this.#root, name);
  }
}

/** Those that have manifests, at whatever depth. */
async function* findRepositories(directory: string, prefix: string): AsyncGenerator<string, void, undefined> {
  for (const name of await listNames(directory)) {
    if (name === manifestsName) yield prefix.slice(0, -1);
    else if (!name.startsWith('_')) yield* findRepositories(join(directory, name), `${prefix}${name}/`);
  }
}

class TreeRepository implements SourceRepository {
  readonly #blobs: string;
  readonly #manifests: string;

  constructor(root: string, name: string) {
    this.#blobs = join(root, 'blobs');
    this.#manifests = join(root, 'repositories', name, manifestsName);
  }

  async listTags(): Promise<readonly Tag[]> {
    return (await listNames(join(this.#manifests, 'tags'))).filter(isTag);
  }

  async findTag(tag: Tag): Promise<Digest> {
    const text = await this.#readLink(join('tags', tag, 'current'), `the tag ${tag} names nothing`);
    if (isDigest(text)) return text;
    throw new SourceFault(`the link of the tag ${tag} is broken`);
  }

  async *listManifests(): AsyncGenerator<Digest, void, undefined> {
    const revisions = join(this.#manifests, 'revisions');
    for (const algorithm of await listNames(revisions))
      for (const hex of await listNames(join(revisions, algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) yield digest;
      }
  }

  /** What was deleted has its bytes still, but no link. */
  async getManifest(digest: Digest): Promise<Buffer> {
    const absence = `the manifest ${digest} was deleted, or never was here`;
    const link = await this.#readLink(join('revisions', algorithmOf(digest), hexOf(digest)), absence);
    if (link !== digest) throw new SourceFault(`the link of the manifest ${digest} is broken`);
    const bytes = await readSmall(
      this.#pathOf(digest),
      maxManifestBytes,
      `the bytes of the manifest ${digest}`,
    );
    if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
    throw new SourceFault(`the bytes of the manifest ${digest} have another digest`);
  }

  /** They are among the manifests. */
  async listReferrers(): Promise<readonly Digest[]> {
    return [];
  }

  async demandBlob(digest: Digest): Promise<void> {
    await this.#sizeOf(digest);
  }

  async openBlob(digest: Digest): Promise<SourceBlob> {
    const file = this.#pathOf(digest);
    const size = await this.#sizeOf(digest);
    return { size, file, read: () => readFileChunks(file, `the blob ${digest}`) };
  }

  async #sizeOf(digest: Digest): Promise<number> {
    const what = `the blob ${digest}`;
    const { size } = await orFault(stat(this.#pathOf(digest)), what);
    return size;
  }

  async #readLink(path: string, absence: string): Promise<string> {
    const bytes = await readSmall(join(this.#manifests, path, 'link'), maxLinkBytes, absence);
    return bytes.toString('latin1').trim();
  }

  #pathOf(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#blobs, algorithmOf(digest), hex.slice(0, 2), hex, 'data');
  }
}

/** @param what names it. @throws SourceFault */
async function readSmall(path: string, maxBytes: number, what: string): Promise<Buffer> {
  const { size } = await orFault(stat(path), what);
  if (size > maxBytes) throw new SourceFault(`${what}: ${path} has more than ${maxBytes} bytes`);
  return orFault(readFile(path), what);
}

async function* readFileChunks(path: string, what: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: chunkBytes });
  } catch (error) {
    throw faultOf(error, what);
  }
}

function orFault<T>(reading: Promise<T>, what: string): Promise<T> {
  return reading.catch((error: unknown) => {
    throw faultOf(error, what);
  });
}

function faultOf(error: unknown, what: string): SourceFault {
  const isAbsent = isSystemError(error, 'ENOENT', 'ENOTDIR');
  return new SourceFault(`${what}: ${isAbsent ? 'there is no such file' : reasonOf(error)}`, {
    isAbsent,
    cause: error,
  });
}

/** The directories in it; none where it is none. @throws CommandRefused where it cannot be read */
async function listNames(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw new CommandRefused(`cannot read ${directory}: ${reasonOf(error)}`, { cause: error });
  }
}
