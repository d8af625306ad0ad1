/** Parameters of queries on /v2, none longer than what it can stand for: they are compared with records and repeated in headers. */
import { OciError } from '../../oci/errors.ts';
import type { RequestContext } from '../state.ts';

/** Names of repositories have at most 255 characters, media types too (RFC 6838), and numbers fewer. All others are parsed, or refused. */
const maxLengths = { n: 32, last: 255, artifactType: 255 } as const;

/** @throws OciError INVALID_QUERY_PARAMETER_VALUE */
export function parametersOf(ctx: RequestContext): URLSearchParams {
  const parameters = new URLSearchParams(ctx.querystring);
  for (const [name, maxLength] of Object.entries(maxLengths)) {
    if ((parameters.get(name) ?? '').length <= maxLength) continue;
    const detail = `${name} has more than ${maxLength} characters`;
    throw new OciError('INVALID_QUERY_PARAMETER_VALUE', { detail });
  }
  return parameters;
}
