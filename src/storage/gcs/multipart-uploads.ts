/**
 * Parts of an object, by the multipart uploads of the XML API: any process can put any part again, where a resumable session would
 * silently keep what one who was taken over has sent. @see https://cloud.google.com/storage/docs/multipart-uploads
 */
import type { ObjectPart } from '../objects/object-storage.ts';
import type { GcsClient } from './gcs-client.ts';

/** @see https://cloud.google.com/storage/quotas#requests */
const mib = 1024 * 1024;
export const partLimits = { minBytes: 5 * mib, maxBytes: 5 * 1024 * mib, maxParts: 10_000 } as const;
/** A part of the biggest object over a slow line. */
const partMs = 300_000;
const answerMs = 60_000;

export class MultipartUploads {
  readonly #client: GcsClient;
  readonly #bucketUrl: string;

  constructor(client: GcsClient, bucket: string) {
    this.#client = client;
    this.#bucketUrl = `${client.endpoint}/${bucket}`;
  }

  /** @returns its id */
  async initiate(name: string): Promise<string> {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': '0' };
    const xml = await this.#ask('POST', `${this.#urlOf(name)}?uploads`, { headers });
    const [id] = elementsOf(xml, 'UploadId');
    if (id === undefined) throw new Error('the answer has no UploadId');
    return id;
  }

  /** @returns its ETag */
  async putPart(name: string, id: string, number: number, bytes: Uint8Array): Promise<string> {
    const query = new URLSearchParams({ partNumber: String(number), uploadId: id });
    const { headers } = await this.#client.ask({
      method: 'PUT',
      url: `${this.#urlOf(name)}?${query}`,
      body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      timeout: partMs,
      responseType: 'text',
    });
    const etag: unknown = headers['etag'];
    if (typeof etag !== 'string') throw new Error('the answer has no ETag');
    return etag;
  }

  async complete(name: string, id: string, parts: readonly ObjectPart[]): Promise<void> {
    const list = parts.map(
      ({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
    const headers = { 'Content-Type': 'application/xml' };
    const xml = await this.#ask('POST', `${this.#urlOf(name)}?${queryOf(id)}`, { headers, body });
    if (xml.includes('<Error>')) throw new Error(`the parts were not put together: ${xml.slice(0, 500)}`);
  }

  async abort(name: string, id: string): Promise<void> {
    await this.#ask('DELETE', `${this.#urlOf(name)}?${queryOf(id)}`, {});
  }

  /** The ids of those that were begun at this name. */
  async list(name: string): Promise<readonly string[]> {
    const query = new URLSearchParams({ prefix: name });
    const xml = await this.#ask('GET', `${this.#bucketUrl}?uploads&${query}`, {});
    return elementsOf(xml, 'Upload').flatMap((upload) => {
      const [key] = elementsOf(upload, 'Key');
      return key === name ? elementsOf(upload, 'UploadId') : [];
    });
  }

  async #ask(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    rest: { readonly headers?: Record<string, string>; readonly body?: string },
  ): Promise<string> {
    const { data } = await this.#client.ask({
      method,
      url,
      timeout: answerMs,
      responseType: 'text',
      ...rest,
    });
    return typeof data === 'string' ? data : '';
  }

  /** A name has no characters but those of keys. */
  #urlOf(name: string): string {
    return `${this.#bucketUrl}/${name}`;
  }
}

function queryOf(id: string): string {
  return new URLSearchParams({ uploadId: id }).toString();
}

/** What is between the tags of each; none of ours has attributes or is in another of its name. */
function elementsOf(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, text = '']) => text);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
