/** Where images are copied from. */
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';

export interface ImageSource {
  /** In byte order. */
  listRepositories(): Promise<readonly string[]>;
  open(name: string): SourceRepository;
}

/** Each call throws SourceFault or OciError where this one thing cannot be had; anything else ends the import. */
export interface SourceRepository {
  listTags(): Promise<readonly Tag[]>;
  findTag(tag: Tag): Promise<Digest>;
  /** All manifests, tagged or not, as far as the source says what there is. */
  listManifests(): AsyncIterable<Digest>;
  /** The exact bytes. */
  getManifest(digest: Digest): Promise<Buffer>;
  /** As far as {@link listManifests} does not give them. */
  listReferrers(subject: Digest): Promise<readonly Digest[]>;
  /** Whether it is there. */
  demandBlob(digest: Digest): Promise<void>;
  openBlob(digest: Digest): Promise<SourceBlob>;
}

export interface SourceBlob {
  /** In bytes; undefined where nobody says. */
  readonly size: number | undefined;
  /** Its path, where it is a file of this machine. */
  readonly file: string | undefined;
  /** Each chunk is given away. */
  read(): AsyncIterable<Uint8Array>;
}

/** Something at the source is not as it should be; the message names it. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly isAbsent: boolean;

  constructor(message: string, options: ErrorOptions & { readonly isAbsent?: boolean } = {}) {
    super(message, options);
    this.isAbsent = options.isAbsent ?? false;
  }
}

/** Whether an error says that one thing cannot be had or be taken, and nothing of all others. */
export function isAboutOne(error: unknown): error is SourceFault | OciError {
  return error instanceof SourceFault || error instanceof OciError;
}

export function isAbsence(error: unknown): boolean {
  if (error instanceof SourceFault) return error.isAbsent;
  return error instanceof OciError && error.status === 404;
}
