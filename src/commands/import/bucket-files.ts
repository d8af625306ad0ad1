/** The files of a registry that are in a bucket, by the drivers of our own object storage. */
import { openBucketAt } from '../../app/object-stores.ts';
import type { ObjectReading } from '../../storage/objects/object-storage.ts';
import { type CommandContext, CommandRefused } from '../command.ts';
import { absence, type TreeFiles, treePath } from './tree-files.ts';

/** What says which repositories, tags and manifests there are: far fewer than all that is listed. */
const linkPattern = /^(.+\/_manifests\/.+)\/link$/;

/** @param url such as s3://bucket/root. @param opened takes what is to be closed. @throws CommandRefused */
export async function openBucketFiles(
  url: URL,
  { config }: Pick<CommandContext, 'config'>,
  opened: AsyncDisposableStack,
): Promise<BucketFiles> {
  const storage = await openBucketAt(config, url, Date.now);
  if (!storage)
    throw new CommandRefused(
      `${url.href} cannot be opened: give s3://, azure:// or gs:// with a bucket, and what else its cloud needs by storage.s3, storage.azure or storage.gcs`,
    );
  opened.defer(() => storage.close());
  return BucketFiles.list(storage, `${treePath}/repositories/`);
}

export class BucketFiles implements TreeFiles {
  readonly #storage: Pick<ObjectReading, 'head' | 'read'>;
  /** Names by the directory that they are in. */
  readonly #directories: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(
    storage: Pick<ObjectReading, 'head' | 'read'>,
    directories: ReadonlyMap<string, ReadonlySet<string>>,
  ) {
    this.#storage = storage;
    this.#directories = directories;
  }

  /** Lists all links below the prefix, once: clouds list objects, not directories. @throws ObjectStorageError */
  static async list(
    storage: Pick<ObjectReading, 'list' | 'head' | 'read'>,
    prefix: string,
  ): Promise<BucketFiles> {
    const directories = new Map<string, Set<string>>();
    for await (const { key } of storage.list(prefix)) {
      let path = linkPattern.exec(key)?.[1] ?? '';
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/')) {
        const [parent, name] = [path.slice(0, end), path.slice(end + 1)];
        const known = directories.get(parent);
        directories.set(parent, (known ?? new Set<string>()).add(name));
        path = parent;
      }
    }
    return new BucketFiles(storage, directories);
  }

  async listDirectories(path: string): Promise<readonly string[]> {
    return [...(this.#directories.get(path) ?? [])];
  }

  async sizeOf(path: string, what: string): Promise<number> {
    const object = await this.#storage.head(path);
    if (!object) throw absence(what);
    return object.size;
  }

  async *read(path: string, size: number, what: string): AsyncGenerator<Uint8Array, void, undefined> {
    if (size === 0) return;
    const body = await this.#storage.read(path, 0, size);
    if (!body) throw absence(what);
    yield* body;
  }

  fileOf(): undefined {
    return undefined;
  }
}
