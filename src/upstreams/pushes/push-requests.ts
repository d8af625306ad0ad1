/** What is written to a registry, as every client pushes. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push */
import { Readable } from 'node:stream';
import type { Digest } from '../../oci/digest.ts';
import type { Reference, RepositoryName, Tag } from '../../oci/reference.ts';
import { isRecord, parseJsonRecord } from '../../oci/untrusted-json.ts';
import type { Answer } from '../../outbound/answer.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import { findDigest } from '../manifest-answer.ts';
import type { CheckedRequest, Registry } from '../registry.ts';

export interface PushedBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Its bytes from the first, for each time that they are sent. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface PushedManifest {
  readonly payload: Buffer;
  readonly mediaType: string;
}

/** What says no with a reason; what else is no success is judged by its status, as of all requests. */
const refusals = [400, 403, 405, 409, 411, 412, 413, 415, 416, 422];
const maxReasonBytes = 8192;
const maxReasonLength = 300;

export class PushRequests {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * In one stream, or by a link from another repository there.
   * @param from that has it, for all that is known
   * @returns how many bytes were sent
   * @throws OutboundError or the signal's reason
   */
  async putBlob(
    repository: RepositoryName,
    { digest, size, open }: PushedBlob,
    from: RepositoryName | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const url = this.#registry.urlOf(`${repository}/blobs/uploads/`);
    if (from !== undefined) url.search = new URLSearchParams({ mount: digest, from }).toString();
    const begun = { method: 'POST', url, repository, headers: { 'content-length': '0' } } as const;
    const upload = await this.#ask({ ...begun, statuses: [201, 202] }, signal, (answer) =>
      answer.status === 201 ? undefined : locationOf(answer),
    );
    if (!upload) return 0;
    upload.searchParams.append('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
    const body = () => Readable.from(open(), { objectMode: false });
    const sent = { method: 'PUT', url: upload, isGiven: true, isTransfer: true, repository } as const;
    await this.#ask({ ...sent, headers, body, statuses: [201, 204] }, signal, () => undefined);
    return size;
  }

  /** @returns whether the registry lists it by itself as a referrer of what it refers to. @throws OutboundError or the signal's reason */
  putManifest(
    repository: RepositoryName,
    reference: Reference,
    digest: Digest,
    { payload, mediaType }: PushedManifest,
    signal: AbortSignal,
  ): Promise<boolean> {
    const url = this.#registry.urlOf(`${repository}/manifests/${reference}`);
    const headers = { 'content-type': mediaType };
    const request = { method: 'PUT', url, repository, headers, body: payload, statuses: [201] } as const;
    return this.#ask(request, signal, (answer) => {
      const said = findDigest(answer);
      if (said !== undefined && said !== digest)
        throw new OutboundError('invalid', `took ${digest}, and says that it has ${said}`);
      return answer.header('oci-subject') !== undefined;
    });
  }

  /** The tag alone. @throws OutboundError or the signal's reason */
  deleteTag(repository: RepositoryName, tag: Tag, signal: AbortSignal): Promise<void> {
    const url = this.#registry.urlOf(`${repository}/manifests/${tag}`);
    const request = { method: 'DELETE', url, repository, statuses: [200, 202, 204, 404] } as const;
    return this.#ask(request, signal, () => undefined);
  }

  #ask<T>(
    request: Omit<CheckedRequest, 'kind'>,
    signal: AbortSignal,
    take: (answer: Answer) => T,
  ): Promise<T> {
    const kind = request.method === 'DELETE' ? 'delete' : 'push';
    const statuses = [...request.statuses, ...refusals];
    return this.#registry.ask({ ...request, kind, statuses }, signal, async (answer) => {
      if (!request.statuses.includes(answer.status)) throw await refusalIn(answer);
      const taken = take(answer);
      answer.discard();
      return taken;
    });
  }
}

function locationOf(answer: Answer): URL {
  const url = URL.parse(answer.header('location') ?? '', answer.url);
  if (url?.protocol === answer.url.protocol) return url;
  throw new OutboundError('invalid', 'began an upload without saying where it goes on', {
    status: answer.status,
  });
}

/** With the registry's own words. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
async function refusalIn(answer: Answer): Promise<OutboundError> {
  const { status } = answer;
  const errors = parseJsonRecord(await answer.read(maxReasonBytes))?.['errors'];
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const { code, message, detail } = isRecord(first) ? first : {};
  const said = [code, message, detail].filter((part) => typeof part === 'string' && part !== '');
  const reason = said.length === 0 ? '' : `: ${said.join(': ').slice(0, maxReasonLength)}`;
  const kind = status === 403 ? 'unauthorized' : 'invalid';
  return new OutboundError(kind, `refused it (${status})${reason}`, { status });
}
