/** Whether an upstream can be pulled from, as GitLab's "test connection" tells it. */
import { STATUS_CODES } from 'node:http';
import { UpstreamTokens } from '../cache/upstream-tokens.ts';
import { manifestAccept } from '../oci/media-types.ts';
import { withDeadline } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { createTransport, type UpstreamOptions } from './registry.ts';
import { RegistryClient } from './registry-client.ts';
import type { UpstreamSettings } from './upstream.ts';

export type ConnectionTest =
  | { readonly success: true }
  | { readonly success: false; readonly result: string };

/**
 * One HEAD with whatever authorization is asked for, over connections and with tokens of its own: no breaker is asked and nothing is learnt.
 * @param path below `/v2/`, e.g. `library/alpine/manifests/latest`.
 */
export async function testConnection(
  settings: UpstreamSettings,
  path: string,
  options: UpstreamOptions,
): Promise<ConnectionTest> {
  const transport = createTransport(settings, options);
  const tokens = new UpstreamTokens(options.now);
  const client = new RegistryClient({ ...options, settings, transport, tokens, onExchange: () => {} });
  try {
    const repository = path.replace(/\/(?:manifests|blobs)\/[^/]*$/, '');
    const limit = { ms: options.answerMs, setting: 'upstreams.answer_seconds' };
    const headers = { accept: manifestAccept };
    const asked = { method: 'HEAD', url: client.urlOf(path), repository, headers } as const;
    const { answer } = await withDeadline(limit, undefined, (signal) => client.ask(asked, signal));
    const { status } = answer;
    if (status !== 404) return status < 300 ? { success: true } : failure(statusText(status));
    // Any registry answers so of an image that it does not have; but so does any server at a path that it does not know.
    const { origin, pathname } = new URL(settings.url);
    if (pathname === '/' || (await withDeadline(limit, undefined, (signal) => client.isThere(signal))))
      return { success: true };
    return failure(`there is no registry at ${settings.url}/v2/, nor at ${origin}/v2/`);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    if (error.timedOut) return failure('Connection timeout');
    return failure(error.kind === 'unauthorized' && error.status ? statusText(error.status) : error.message);
  } finally {
    await transport.close();
  }
}

function statusText(status: number): string {
  return `${status} - ${STATUS_CODES[status] ?? 'Unknown'}`;
}

function failure(text: string): ConnectionTest {
  return { success: false, result: `Error: ${text}` };
}
