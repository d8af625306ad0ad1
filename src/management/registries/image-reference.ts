/** Images as people write them: `library/alpine:3.20`, `library/alpine@sha256:…`. */

import { OciError } from '../../oci/errors.ts';
import {
  parseReference,
  parseRepositoryName,
  type Reference,
  type RepositoryName,
} from '../../oci/reference.ts';
import { RefusedError } from '../acting/refused-error.ts';

/** Without a tag it is `latest`; beside a digest a tag says nothing. @throws RefusedError bad-request */
export function parseImageReference(text: string): {
  readonly image: RepositoryName;
  readonly reference: Reference;
} {
  const [named = '', digest] = text.split('@', 2);
  const colon = named.indexOf(':', named.lastIndexOf('/'));
  const name = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? 'latest' : named.slice(colon + 1);
  try {
    return { image: parseRepositoryName(name), reference: parseReference(digest ?? tag) };
  } catch (error) {
    if (error instanceof OciError) throw new RefusedError('bad-request', error.detail, { cause: error });
    throw error;
  }
}
