/** The bytes of a blob that an upstream labels with content codings: as they came where these have its digest, as most do, else decoded. */
import { pipeline } from 'node:stream';
import { algorithmOf, type Digest, finishDigest, hasherOf } from '../oci/digest.ts';
import type { Coding } from '../outbound/content-coding.ts';
import { OutboundError } from '../outbound/outbound-error.ts';

/** So much is looked at before anything of it is passed on. */
const maxHeldBytes = 4 * 1024 * 1024;
/** What is made of it is hashed for no longer than this. */
const maxHashedBytes = 64 * 1024 * 1024;

export interface CodedBlob {
  readonly digest: Digest;
  /** The last one applied first. */
  readonly codings: readonly Coding[];
  /** What is sent, in bytes, where it is said. */
  readonly length: number | undefined;
  /** Of the blob in bytes, as far as is known. */
  readonly size: number | undefined;
}

export interface PlainBlob {
  /** In bytes, where it is known. */
  readonly size: number | undefined;
  readonly body: AsyncIterable<Buffer>;
}

/**
 * A short blob's digest tells what was done to it. Of a longer one its size does, and where that is not known, or the transfer breaks before,
 * it is taken to be as it came.
 */
export async function openCoded(
  received: AsyncIterableIterator<Buffer, undefined>,
  { digest, codings, length, size }: CodedBlob,
): Promise<PlainBlob> {
  const { held, rest } = await hold(received);
  if (rest !== undefined) {
    const isCoded = size !== undefined && length !== undefined && length !== size;
    return isCoded
      ? { size, body: decoded(joined(held, rest), codings) }
      : { size: length, body: joined(held, rest) };
  }
  for (let undone = 0; undone <= codings.length; undone += 1) {
    const applied = codings.slice(0, undone);
    const found = await findSize(decoded(joined(held), applied), digest);
    if (found !== undefined) return { size: found, body: decoded(joined(held), applied) };
  }
  return { size: length, body: joined(held) };
}

/** The beginning, and what comes after it, which may be that the transfer breaks; undefined: that is all. */
async function hold(
  received: AsyncIterableIterator<Buffer, undefined>,
): Promise<{ readonly held: readonly Buffer[]; readonly rest: AsyncIterable<Buffer> | undefined }> {
  const held: Buffer[] = [];
  let count = 0;
  try {
    while (count <= maxHeldBytes) {
      const { done, value } = await received.next();
      if (done) return { held, rest: undefined };
      held.push(value);
      count += value.length;
    }
    return { held, rest: received };
  } catch (error) {
    return { held, rest: { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) } };
  }
}

async function* joined(
  held: readonly Buffer[],
  rest?: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, undefined> {
  yield* held;
  if (rest) yield* rest;
}

function decoded(
  bytes: AsyncGenerator<Buffer, undefined>,
  codings: readonly Coding[],
): AsyncGenerator<Buffer, undefined> {
  return codings.reduce(undo, bytes);
}

/** @throws OutboundError 'invalid' where it is not coded so */
async function* undo(
  coded: AsyncGenerator<Buffer, undefined>,
  { createDecoder }: Coding,
): AsyncGenerator<Buffer, undefined> {
  const { value: first = Buffer.alloc(0) } = await coded.next();
  const decoder = createDecoder(first);
  const ignored = () => {};
  pipeline(joined([first], coded), decoder, ignored);
  try {
    for await (const chunk of decoder) yield chunk;
  } catch (cause) {
    if (cause instanceof OutboundError) throw cause;
    throw new OutboundError('invalid', 'sent a blob that is not coded as it says', { cause });
  }
}

/** In bytes; undefined where the bytes are not those of the digest. */
async function findSize(bytes: AsyncIterable<Buffer>, digest: Digest): Promise<number | undefined> {
  const hash = hasherOf(algorithmOf(digest));
  let size = 0;
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      size += chunk.length;
      if (size > maxHashedBytes) return undefined;
    }
  } catch {
    // They are not coded so.
    return undefined;
  }
  return finishDigest(algorithmOf(digest), hash) === digest ? size : undefined;
}
