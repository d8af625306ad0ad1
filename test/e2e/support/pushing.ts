/** A client that pushes as clients do, and knows what was acknowledged. */
import { Readable } from 'node:stream';
import type { FakeBlob, FakeManifest } from '../../support/fake-content.ts';

/** Everything in one PATCH (podman, skopeo), in the closing PUT (containerd, oras), or in several PATCHes with ranges (regctl). */
export const pushStyles = ['one PATCH', 'one PUT', 'chunks'] as const;
export type PushStyle = (typeof pushStyles)[number];

/** An upload that was begun and not acknowledged. */
export interface OpenUpload {
  readonly blob: FakeBlob;
  readonly location: string;
}

const chunkBytes = 1024 * 1024;

export class PushClient {
  readonly #repositoryUrl: string;
  readonly #authorization: string;
  /** What can be resumed. */
  readonly open: OpenUpload[] = [];

  /** @param repositoryUrl http://host/v2/name */
  constructor(repositoryUrl: string, authorization: string) {
    this.#repositoryUrl = repositoryUrl;
    this.#authorization = authorization;
  }

  /** Whether the push was acknowledged; never throws. */
  async blob(blob: FakeBlob, style: PushStyle): Promise<boolean> {
    const started = await this.#ask('POST', `${this.#repositoryUrl}/blobs/uploads/`);
    const location = started?.status === 202 ? started.headers.get('location') : null;
    if (location === null) return false;
    const upload = { blob, location };
    this.open.push(upload);
    if (style === 'one PUT') return this.#close(upload, 0, blob.size);
    return this.#append(upload, 0, style === 'chunks' ? chunkBytes : blob.size);
  }

  /** Goes on where the server says that the upload is, whichever server had it before. */
  async resume({ blob, location }: OpenUpload): Promise<boolean> {
    const { pathname, search } = new URL(location, this.#repositoryUrl);
    const upload = { blob, location: new URL(pathname + search, this.#repositoryUrl).href };
    const status = await this.#ask('GET', upload.location);
    const last = /^0-(\d+)$/.exec(status?.headers.get('range') ?? '')?.[1];
    if (status?.status !== 204 || last === undefined) return false;
    // "0-0" is said of nothing and of one byte.
    const length = last === '0' ? 0 : Number(last) + 1;
    return this.#append(upload, length, chunkBytes);
  }

  async manifest({ mediaType, payload }: FakeManifest, reference: string): Promise<boolean> {
    const headers = { 'content-type': mediaType };
    const url = `${this.#repositoryUrl}/manifests/${reference}`;
    return (await this.#ask('PUT', url, payload, headers))?.status === 201;
  }

  async #append(upload: OpenUpload, from: number, bytes: number): Promise<boolean> {
    const { blob, location } = upload;
    for (let start = from; start < blob.size; start += bytes) {
      const end = Math.min(start + bytes, blob.size);
      const range = { 'content-range': `${start}-${end - 1}` };
      const answer = await this.#ask(
        'PATCH',
        location,
        bodyOf(blob, start, end),
        bytes === blob.size ? {} : range,
      );
      if (answer?.status !== 202) return false;
    }
    return this.#close(upload, blob.size, blob.size);
  }

  async #close(upload: OpenUpload, start: number, end: number): Promise<boolean> {
    const { blob, location } = upload;
    const url = `${location}${location.includes('?') ? '&' : '?'}digest=${blob.digest}`;
    const answer = await this.#ask('PUT', url, start < end ? bodyOf(blob, start, end) : undefined);
    if (answer?.status !== 201) return false;
    this.open.splice(this.open.indexOf(upload), 1);
    return true;
  }

  /** Undefined where no answer came. */
  async #ask(
    method: string,
    url: string,
    body?: Buffer | Readable,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response | undefined> {
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          authorization: this.#authorization,
          'content-type': 'application/octet-stream',
          ...headers,
        },
        ...(body && { body, duplex: 'half' }),
      });
      await answer.arrayBuffer();
      return answer;
    } catch {
      return undefined;
    }
  }
}

function bodyOf(blob: FakeBlob, start: number, end: number): Readable {
  return Readable.from(blob.read(start, end));
}
