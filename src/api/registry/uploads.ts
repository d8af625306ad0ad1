/**
 * Pushes blobs by uploads (end-4a, end-5, end-6, end-13, end-14), and without (end-4b, end-11).
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
import { type Algorithm, algorithmOf, type Digest, parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import type { UploadPart } from '../../oci/uploads.ts';
import type { RequestContext } from '../state.ts';
import { answerCreated, answerEmpty, locate } from './push-answers.ts';
import { parseContentRange } from './range.ts';
import { type RequestBody, withRequestBody } from './request-body.ts';
import type { ChangeTarget } from './targets.ts';

/**
 * Starts an upload. A mount that is not possible, for whatever reason, becomes an ordinary upload: the client is not told what exists.
 * @throws OciError DIGEST_INVALID, and as {@link Uploads}
 */
export async function startUpload(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  const { repository, name } = target;
  const parameters = new URLSearchParams(ctx.querystring);
  const algorithm = parseAlgorithm(parameters.get('digest-algorithm'));
  const wanted = parameters.has('mount') ? digestIn(parameters, 'mount') : undefined;
  if (!wanted && parameters.has('digest')) return pushAtOnce(ctx, target, digestIn(parameters, 'digest'));
  const source = wanted && (await target.findSource());
  if (source && (await repository.mount(wanted, source.repository, source.name))) {
    return answerCreated(ctx, name, `blobs/${wanted}`, wanted);
  }
  const id = await repository.uploads.start(algorithm ?? (wanted && algorithmOf(wanted)));
  describe(ctx, name, id, 0);
  answerEmpty(ctx, 202);
}

/** The repository that a request to start an upload would rather have the blob mounted from. */
export function mountSourceOf({ method, querystring }: RequestContext): RepositoryName | undefined {
  if (method !== 'POST') return undefined;
  const parameters = new URLSearchParams(querystring);
  const source = parameters.get('from');
  return source !== null && parameters.has('mount') && isRepositoryName(source) ? source : undefined;
}

/** Pushes a blob in one request. */
async function pushAtOnce(ctx: RequestContext, target: ChangeTarget, digest: Digest): Promise<void> {
  const { repository, name, stalledMs, observer } = target;
  await withRequestBody(ctx, { stalledMs }, (body) =>
    repository.uploads.push(digest, { body, start: undefined, length: body.length }),
  );
  answerCreated(ctx, name, `blobs/${digest}`, digest);
  observer.pushed('blob');
}

export async function appendToUpload(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  const { id } = uploadOf(ctx, target);
  const length = await receive(ctx, target, id, (part) => target.repository.uploads.append(id, part));
  describe(ctx, target.name, id, length);
  answerEmpty(ctx, 202);
}

export async function commitUpload(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  const { id, parameters } = uploadOf(ctx, target);
  const digest = digestIn(parameters, 'digest');
  await receive(ctx, target, id, (part) => target.repository.uploads.commit(id, digest, part));
  answerCreated(ctx, target.name, `blobs/${digest}`, digest);
  target.observer.pushed('blob');
}

export async function answerUpload(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  const { repository, name } = target;
  const { id } = uploadOf(ctx, target);
  describe(ctx, name, id, await repository.uploads.status(id));
  answerEmpty(ctx, 204);
}

export async function cancelUpload(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  await target.repository.uploads.cancel(uploadOf(ctx, target).id);
  answerEmpty(ctx, 204);
}

/**
 * The upload's id, and the parameters of the query and of the segment: clients that expect every Location to have a query append `&digest=`.
 * @throws OciError BLOB_UPLOAD_UNKNOWN for what no upload is called
 */
function uploadOf(
  { querystring }: RequestContext,
  { segment }: ChangeTarget,
): { readonly id: string; readonly parameters: URLSearchParams } {
  const [id = '', ...appended] = segment.split('&');
  if (!/^[\w-]{1,128}$/.test(id)) {
    throw new OciError('BLOB_UPLOAD_UNKNOWN', { detail: 'there is no upload of this id' });
  }
  return { id, parameters: new URLSearchParams([querystring, ...appended].join('&')) };
}

/** Receives a part. One that does not fit is refused with how far the upload is, so that the client can go on from there. */
async function receive<T>(
  ctx: RequestContext,
  { repository, name, stalledMs }: ChangeTarget,
  id: string,
  use: (part: UploadPart) => Promise<T>,
): Promise<T> {
  try {
    return await withRequestBody(ctx, { stalledMs }, (body) => use(partOf(ctx, body)));
  } catch (error) {
    if (error instanceof OciError && error.status === 416) {
      describe(ctx, name, id, await repository.uploads.status(id));
    }
    throw error;
  }
}

/** @throws OciError BLOB_UPLOAD_INVALID (416) */
function partOf(ctx: RequestContext, body: RequestBody): UploadPart {
  const range = parseContentRange(ctx.get('Content-Range'));
  if (!range) return { body, start: undefined, length: body.length };
  const length = range.end - range.start;
  if (body.length !== undefined && body.length !== length) {
    const detail = `Content-Range has ${length} bytes, but Content-Length says ${body.length}`;
    return { body: refuse(new OciError('SIZE_INVALID', { detail })), start: range.start, length };
  }
  return { body, start: range.start, length };
}

/** A body that throws once its bytes are wanted: whether the part is the next one comes first, which is what a client can go on from. */
function refuse(error: OciError): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

/** @param length of the upload so far; Docker wants a Range that does not end before it starts, so an empty one has 0-0 too */
function describe(ctx: RequestContext, name: RepositoryName, id: string, length: number): void {
  locate(ctx, name, `blobs/uploads/${id}`);
  ctx.set('Range', `0-${Math.max(0, length - 1)}`);
  ctx.set('Docker-Upload-UUID', id);
}

function digestIn(parameters: URLSearchParams, name: string): Digest {
  const text = parameters.get(name);
  if (text !== null) return parseDigest(text);
  throw new OciError('DIGEST_INVALID', { detail: `the parameter ${name} is missing` });
}

function parseAlgorithm(text: string | null): Algorithm | undefined {
  if (text === null || text === 'sha256' || text === 'sha512') return text ?? undefined;
  throw new OciError('DIGEST_INVALID', {
    detail: `digest-algorithm must be sha256 or sha512, not '${text.slice(0, 40)}'`,
  });
}
