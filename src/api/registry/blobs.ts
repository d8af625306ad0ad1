/** GET and HEAD of a blob (end-2), whole or in parts. */
import { parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { octetStream } from '../../oci/media-types.ts';
import type { BlobAnswer, BlobStat } from '../../oci/repository.ts';
import { isNotModified } from '../conditions.ts';
import type { RequestContext } from '../state.ts';
import { contentHeaders } from './content-headers.ts';
import { Multipart } from './multipart.ts';
import { type ByteRange, contentRange, parseRange } from './range.ts';
import { sendBytes } from './send-bytes.ts';
import type { PullTarget } from './targets.ts';

/** What answers with blobs say besides. */
export const acceptRanges = { 'Accept-Ranges': 'bytes' } as const;

type Body =
  | { readonly kind: 'whole'; readonly length: number | undefined }
  | { readonly kind: 'part'; readonly length: number; readonly range: ByteRange }
  | { readonly kind: 'parts'; readonly length: number; readonly multipart: Multipart };

export async function answerBlob(ctx: RequestContext, target: PullTarget): Promise<void> {
  const { repository, segment, stalledMs, note, mayRedirect } = target;
  const digest = parseDigest(segment);
  if (ctx.method === 'HEAD') {
    const stat = await repository.statBlob(digest, ctx.state.left);
    begin(ctx, stat, bodyOf(ctx, stat));
    if (isNotModified(ctx)) ctx.status = 304;
    return;
  }
  const blob = await repository.blob(digest, ctx.state.left);
  try {
    const body = bodyOf(ctx, blob);
    begin(ctx, blob, body);
    if (isNotModified(ctx)) {
      ctx.status = 304;
      return;
    }
    const url = mayRedirect ? await urlOf(ctx, blob, body) : undefined;
    if (url !== undefined) redirect(ctx, url);
    else await sendBytes(ctx, (signal) => read(blob, body, signal), { length: body.length, stalledMs });
    if (isFromBeginning(body)) note?.({ mediaType: octetStream, digest: blob.digest, size: blob.size });
  } finally {
    await blob.close();
  }
}

/**
 * Undefined where we send the bytes. The storage of objects knows no digests, so what depends on one is ours, and it sends one part of a
 * blob at most.
 */
async function urlOf(ctx: RequestContext, blob: BlobAnswer, body: Body): Promise<string | undefined> {
  if (body.kind === 'parts' || ctx.get('If-Range') !== '') return undefined;
  return blob.urlFor?.(ctx.state.address);
}

/** What is good for a while only is nothing to keep. */
function redirect(ctx: RequestContext, url: string): void {
  ctx.status = 307;
  ctx.set({ Location: url, 'Cache-Control': 'private, no-store' });
  for (const name of ['Content-Range', 'ETag', 'Content-Type']) ctx.remove(name);
  ctx.body = '';
}

/** @throws OciError RANGE_INVALID */
function bodyOf(ctx: RequestContext, { digest, size }: BlobStat): Body {
  const header = ctx.get('Range');
  const condition = ctx.get('If-Range');
  if (header === '' || size === undefined || (condition !== '' && condition !== `"${digest}"`)) {
    return { kind: 'whole', length: size };
  }
  const ranges = parseRange(header, size);
  if (!ranges) return { kind: 'whole', length: size };
  const [range, ...more] = ranges;
  if (!range) {
    const headers = { 'Content-Range': `bytes */${size}`, ...acceptRanges };
    throw new OciError('RANGE_INVALID', { detail: `the blob has ${size} bytes`, headers });
  }
  if (more.length === 0) return { kind: 'part', length: range.end - range.start, range };
  const multipart = new Multipart(ranges, size);
  return { kind: 'parts', length: multipart.length, multipart };
}

/** Whether the answer has the blob's beginning: clients that get a blob in parts pull it once. */
function isFromBeginning(body: Body): boolean {
  return body.kind === 'whole' || (body.kind === 'part' && body.range.start === 0);
}

/** Sets status and headers. HEAD is answered as GET would be, ranges included, as clients know it from registries written in Go. */
function begin(ctx: RequestContext, { digest, size, outcome }: BlobStat, body: Body): void {
  ctx.state.outcome = outcome;
  ctx.status = body.kind === 'whole' ? 200 : 206;
  const mediaType = body.kind === 'parts' ? body.multipart.contentType : octetStream;
  ctx.set(contentHeaders({ mediaType, digest, outcome }, digest));
  if (body.length !== undefined) ctx.length = body.length;
  if (size === undefined) return;
  ctx.set(acceptRanges);
  if (body.kind === 'part') ctx.set('Content-Range', contentRange(body.range, size));
}

function read(blob: BlobAnswer, body: Body, signal: AbortSignal): AsyncIterable<Uint8Array> {
  switch (body.kind) {
    case 'whole':
      return blob.read(0, undefined, signal);
    case 'part':
      return blob.read(body.range.start, body.range.end, signal);
    case 'parts':
      return body.multipart.body(({ start, end }) => blob.read(start, end, signal));
  }
}
