/** Pushes a manifest (end-7a, end-7b), which is small enough to be read as a whole, and is kept as it came. */
import { OciError } from '../../oci/errors.ts';
import { essenceOf, getManifestKind, isSchema1, isUnspecific } from '../../oci/media-types.ts';
import {
  isDigestReference,
  parseReference,
  parseTag,
  type Reference,
  type Tag,
} from '../../oci/reference.ts';
import type { RequestContext } from '../state.ts';
import { answerCreated } from './push-answers.ts';
import { type RequestBody, smallBodyPatience, withRequestBody } from './request-body.ts';
import type { ChangeTarget } from './targets.ts';

/** The specification wants at least ten tags; so many still fit into a request line. */
const maxTagParameters = 100;

/** @throws OciError MANIFEST_INVALID (400, too large 413, too many tags 414), and as {@link WritableRepository.putManifest} */
export async function pushManifest(ctx: RequestContext, target: ChangeTarget): Promise<void> {
  const { repository, name, segment, maxManifestBytes, observer } = target;
  const reference = parseReference(segment);
  const tags = tagsOf(ctx, reference);
  const contentType = ctx.req.headers['content-type'];
  demandKnownType(contentType);
  const payload = await withRequestBody(ctx, smallBodyPatience, (body) => readWhole(body, maxManifestBytes));
  const { digest, subject } = await repository.putManifest(reference, { payload, contentType, tags });
  if (subject !== undefined) ctx.set('OCI-Subject', subject);
  if (tags.length > 0) ctx.set('OCI-Tag', tags.join(', '));
  answerCreated(ctx, name, `manifests/${digest}`, digest);
  observer.pushed('manifest');
}

/** Looks at the type before the body, which is not to be judged as what it does not claim to be. @throws OciError MANIFEST_INVALID (415) */
function demandKnownType(contentType: string | undefined): void {
  const type = essenceOf(contentType ?? '');
  if (!isUnspecific(type) && !isSchema1(type)) getManifestKind(type);
}

/** The tags of `?tag=`, each once; it makes sense only beside a digest. */
function tagsOf(ctx: RequestContext, reference: Reference): readonly Tag[] {
  const texts = new Set(new URLSearchParams(ctx.querystring).getAll('tag'));
  if (texts.size === 0) return [];
  if (!isDigestReference(reference)) {
    throw new OciError('MANIFEST_INVALID', {
      detail: 'the parameter tag goes with a manifest that is pushed by digest, not by another tag',
    });
  }
  if (texts.size > maxTagParameters) {
    throw new OciError('MANIFEST_INVALID', {
      status: 414,
      detail: `a manifest is pushed with at most ${maxTagParameters} tags at once, not ${texts.size}`,
    });
  }
  return [...texts].map(parseTag);
}

async function readWhole(body: RequestBody, maxBytes: number): Promise<Buffer> {
  if (body.length !== undefined && body.length > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function tooLarge(maxBytes: number): OciError {
  return new OciError('MANIFEST_INVALID', {
    status: 413,
    detail: `a manifest has at most ${maxBytes} bytes`,
  });
}
