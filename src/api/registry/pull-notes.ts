/** Which requests are pulls that others are told of: of a manifest or of a blob from its beginning, from what is pushed to us. */
import { nameOf } from '../../auth/rights/identity.ts';
import { isDigest } from '../../oci/digest.ts';
import { isDigestReference, parseReference, type RepositoryName } from '../../oci/reference.ts';
import { originOf } from '../event-origin.ts';
import type { EndpointContext } from './endpoint.ts';
import type { PullEvents } from './services.ts';

/** After the answer, whose headers say what it was. */
export function notePull(ctx: EndpointContext, repository: RepositoryName, events: PullEvents): void {
  const { state, method, status, params, response } = ctx;
  if (method !== 'GET' || state.outcome !== 'hosted' || !isFromBeginning(ctx)) return;
  const digest = response.get('Docker-Content-Digest');
  if (!isDigest(digest)) return;
  const reference = params['reference'] === undefined ? digest : parseReference(params['reference']);
  events.note({
    repository,
    digest,
    mediaType: response.get('Content-Type'),
    size: status === 200 ? response.length : sizeIn(response.get('Content-Range')),
    tag: isDigestReference(reference) ? undefined : reference,
    actorName: nameOf(state.identity) ?? 'anonymous',
    origin: originOf(ctx),
  });
}

/** Clients that get a blob in parts pull it once. */
function isFromBeginning({ status, response }: EndpointContext): boolean {
  return status === 200 || (status === 206 && response.get('Content-Range').startsWith('bytes 0-'));
}

function sizeIn(contentRange: string): number | undefined {
  const size = Number(contentRange.split('/')[1]);
  return Number.isSafeInteger(size) ? size : undefined;
}
