/** Headers that an upstream may be sent besides those of the protocol: none that is ours to say. */
import { isFieldName, isHeaderValue } from './webhook-headers.ts';

/** Who we are has fields of its own, which know to whom it may be said. */
const credentials = new Set(['authorization', 'cookie', 'cookie2', 'set-cookie', 'proxy-authorization']);
/** How messages are framed, routed and answered: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const taken =
  /^(?:accept|accept-encoding|connection|content-.*|date|expect|host|http2-settings|if-.*|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|via)$/;

/** Undefined where it may be given. */
export function findHeaderFault(name: string, value: string): string | undefined {
  const lower = name.toLowerCase();
  if (!isFieldName(name)) return `${JSON.stringify(name)} is no name of a header`;
  if (credentials.has(lower)) return `${name} must not be given: credentials are username and password`;
  if (taken.test(lower)) return `${name} must not be given: it is for HTTP itself`;
  return isHeaderValue(value) ? undefined : `${name} has a value that no header can have`;
}
