/** The uploads of one repository and one writer. */
import { randomUUID } from 'node:crypto';
import { MissingOwner } from '../../metadata/db/violations.ts';
import type { UploadRecord } from '../../metadata/hosted/upload-records.ts';
import { type Algorithm, algorithmOf, type Digest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import type { UploadPart, Uploads } from '../../oci/uploads.ts';
import type { Spool } from '../../storage/blob-store.ts';
import { isOutOfSpace } from '../../storage/disk-space.ts';
import { TakenOverError } from '../../storage/upload-store.ts';
import { demandLasting, nameGone, type PushTarget } from '../changes/write-target.ts';
import type { HostedOptions } from '../hosted-options.ts';
import { commitBlob, uploadUnknown } from './blob-commit.ts';
import type { UploadSpool } from './upload-spool.ts';
import type { UploadSpools } from './upload-spools.ts';
import { type Turn, takenOver, type UploadTurns } from './upload-turns.ts';

export interface UploadOptions extends Omit<HostedOptions, 'buffers'> {
  readonly turns: UploadTurns;
  readonly spools: UploadSpools;
}

/** Ids look as `start` makes them: nothing else is looked for. */
const idPattern = /^[0-9a-f-]{36}$/;
/** A blob of so many bytes that comes in one part is rather sent again than made ready for going on with it. */
const maxAtOnceBytes = 1024 * 1024;
/** Whoever has too many uploads is asked to come again after this time. */
const retryAfterSeconds = '60';

export class RepositoryUploads implements Uploads {
  readonly #options: UploadOptions;
  readonly #target: PushTarget;

  constructor(options: UploadOptions, target: PushTarget) {
    this.#options = options;
    this.#target = target;
  }

  async start(algorithm?: Algorithm): Promise<string> {
    const { database, limits, spools, now } = this.#options;
    const { projectId, name, writer } = this.#target;
    const startedAt = now();
    await this.#demandStart(startedAt);
    const id = randomUUID();
    const upload = { id, projectId, repository: name, writer: writer.key, startedAt };
    try {
      await database.uploads.create({ ...upload, expiresAt: startedAt + limits.uploadExpiryMs });
    } catch (error) {
      throw error instanceof MissingOwner ? nameGone(name, error) : error;
    }
    spools.begin(id, algorithm);
    return id;
  }

  /** @param begun has the first of its bytes already, and is closed at the end; undefined: none are here */
  async push(digest: Digest, whole: UploadPart, begun?: Spool): Promise<void> {
    try {
      await this.#options.turns.take(randomUUID(), async ({ interrupted }) => {
        await this.#demandStart(this.#options.now());
        await this.#pushAtOnce(undefined, digest, whole, interrupted, begun);
      });
    } finally {
      await begun?.close();
    }
  }

  status(id: string): Promise<number> {
    return this.#take(id, () => this.#options.uploads.uploadLength(id));
  }

  append(id: string, part: UploadPart): Promise<number> {
    return this.#take(id, ({ interrupted }) =>
      this.#use(id, undefined, async (spool) => {
        await this.#receive(spool, part, interrupted);
        return spool.length;
      }),
    );
  }

  commit(id: string, digest: Digest, last: UploadPart): Promise<void> {
    const commit = async ({ interrupted }: Turn, { finishedDigest }: UploadRecord) => {
      if (finishedDigest === digest) return this.#confirm(id, digest);
      const isSmall = last.length !== undefined && last.length <= maxAtOnceBytes && !last.start;
      if (isSmall && this.#options.spools.takeUntouched(id))
        return this.#orGiveUp(id, this.#pushAtOnce(id, digest, last, interrupted));
      return this.#appendLast(id, digest, last, interrupted);
    };
    return this.#take(id, commit, digest);
  }

  #appendLast(id: string, digest: Digest, last: UploadPart, interrupted: AbortSignal): Promise<void> {
    const algorithm = algorithmOf(digest);
    return this.#use(id, algorithm, async (spool) => {
      await this.#receive(spool, last, interrupted);
      const found = await spool.digest(algorithm, this.#options.turns.closing);
      if (found !== digest) throw await this.#refuse(id, spool, digest, found);
      await commitBlob(this.#options, this.#target, id, digest, spool.handOver());
    });
  }

  /** @param id of the upload that this is all of; undefined where there is none. What came of a part that ends early is not kept */
  async #pushAtOnce(
    id: string | undefined,
    digest: Digest,
    whole: UploadPart,
    interrupted: AbortSignal,
    begun?: Spool,
  ): Promise<void> {
    const { store, uploads, spools, turns } = this.#options;
    const spool = begun ?? (await store.createSpool());
    try {
      const algorithm = algorithmOf(digest);
      const upload = spools.wrap(spool, algorithm);
      await this.#receive(upload, whole, interrupted);
      const found = await upload.digest(algorithm, turns.closing);
      if (found === digest) return await commitBlob(this.#options, this.#target, id, digest, spool);
      // Another process may have what came before.
      const isLast = id !== undefined && (await uploads.uploadLength(id)) > 0;
      if (!isLast) throw await this.#refuse(id, upload, digest, found);
      await this.#appendLast(id, digest, { ...whole, body: upload.chunks() }, interrupted);
    } finally {
      await spool.close();
    }
  }

  /** Refuses to repeat the end of an upload whose blob was acknowledged before, and may have been collected since. */
  async #confirm(id: string, digest: Digest): Promise<void> {
    const { repositories, repositoryBlobs } = this.#options.database;
    const repository = await repositories.findByName(this.#target.name);
    if (!repository || !(await repositoryBlobs.confirm(repository.id, digest))) throw uploadUnknown(id);
  }

  async cancel(id: string): Promise<void> {
    const { database, uploads } = this.#options;
    await this.#take(id, async () => {
      await database.uploads.remove(id);
      await uploads.removeUpload(id);
    });
  }

  /** @throws OciError TOOMANYREQUESTS; HostedRefusal being-deleted; OutOfSpace */
  async #demandStart(now: number): Promise<void> {
    const { database, limits, uploads } = this.#options;
    const { name, writer } = this.#target;
    await uploads.demandRoom(0);
    demandLasting(await database.repositories.findByName(name));
    const active = await database.uploads.countActive(writer.key, now);
    if (active < limits.maxUploads) return;
    throw new OciError('TOOMANYREQUESTS', {
      detail: `${active} uploads of yours are unfinished, as many as there may be: finish or cancel some of them`,
      headers: { 'Retry-After': retryAfterSeconds },
    });
  }

  /**
   * Waits for the turn on an upload that goes on, or was finished with the digest `repeated`.
   * @throws OciError BLOB_UPLOAD_UNKNOWN
   */
  async #take<T>(
    id: string,
    run: (turn: Turn, upload: UploadRecord) => Promise<T>,
    repeated?: Digest,
  ): Promise<T> {
    // The upload is looked at before its turn is taken, which interrupts whoever has it: nobody else's upload may be disturbed.
    const upload = await this.#get(id, repeated);
    return this.#options.turns.take(id, async (turn) =>
      run(turn, turn.hasWaited ? await this.#get(id, repeated) : upload),
    );
  }

  async #get(id: string, repeated: Digest | undefined): Promise<UploadRecord> {
    const { name, writer } = this.#target;
    const upload = idPattern.test(id) ? await this.#options.database.uploads.find(id) : undefined;
    const isOurs = upload?.repository === name && upload.writer === writer.key;
    if (!isOurs || upload.expiresAt <= this.#options.now()) throw uploadUnknown(id);
    if (upload.finishedDigest !== undefined && upload.finishedDigest !== repeated) throw uploadUnknown(id);
    return upload;
  }

  async #use<T>(
    id: string,
    algorithm: Algorithm | undefined,
    run: (spool: UploadSpool) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#orGiveUp(id, this.#options.spools.use(id, algorithm, run));
    } catch (error) {
      throw error instanceof TakenOverError ? takenOver(error) : error;
    }
  }

  /** Refuses a part before it comes where it is known not to fit. */
  async #receive(spool: UploadSpool, part: UploadPart, interrupted: AbortSignal): Promise<void> {
    const { limits, uploads } = this.#options;
    if (part.length) await uploads.demandRoom(part.length);
    await spool.receive(part, limits.maxUploadBytes, interrupted);
  }

  /** Cancels an upload that did not fit, which must not take the room of others until it expires. */
  async #orGiveUp<T>(id: string, receiving: Promise<T>): Promise<T> {
    try {
      return await receiving;
    } catch (error) {
      if (isOutOfSpace(error)) await this.#giveUp(id);
      throw error;
    }
  }

  async #giveUp(id: string): Promise<void> {
    const { database, uploads, log } = this.#options;
    for (const remove of [() => uploads.removeUpload(id), () => database.uploads.remove(id)])
      await remove().catch((error: unknown) =>
        log.error({ err: error, upload: id }, 'an upload that did not fit was not removed'),
      );
  }

  async #refuse(
    id: string | undefined,
    spool: UploadSpool,
    digest: Digest,
    found: Digest,
  ): Promise<OciError> {
    const { length } = spool;
    if (id !== undefined) await this.#options.database.uploads.remove(id);
    await spool.handOver().abort();
    return new OciError('DIGEST_INVALID', {
      detail: `the ${length} bytes of the upload have the digest ${found}, not ${digest}; the upload is over`,
    });
  }
}
