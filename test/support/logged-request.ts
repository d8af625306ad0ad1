/** A request that a fake registry has got, and what became of it. */
import type { IncomingMessage } from 'node:http';
import type { RequestKind } from './fake-faults.ts';

export interface LoggedRequest {
  readonly method: string;
  readonly kind: RequestKind;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly repository: string;
  readonly reference: string;
  readonly headers: IncomingMessage['headers'];
  /** 0 until answered. */
  status: number;
  /** Bytes of the body handed to the socket. */
  bytesSent: number;
  /** True once the answer is over, completely sent or not. */
  isOver: boolean;
}

/** @param isElsewhere whether it came to the origin that redirects lead to */
export function logOf(request: IncomingMessage, isElsewhere: boolean): LoggedRequest {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const parts = /^(?:\/[\w-]+)*?\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(path);
  const kinds: Record<string, RequestKind> = {
    manifests: 'manifest',
    blobs: 'blob',
    tags: 'tags',
    referrers: 'referrers',
  };
  const others: Record<string, RequestKind> = { '/v2/': 'base', '/v2': 'base', '/v2/_catalog': 'catalog' };
  const plain = others[path] ?? (path.endsWith('/token') ? 'token' : 'other');
  return {
    method: request.method ?? '',
    kind: isElsewhere ? 'elsewhere' : (kinds[parts?.[2] ?? ''] ?? plain),
    path,
    query,
    repository: parts?.[1] ?? '',
    reference: decodeURIComponent(parts?.[3] ?? ''),
    headers: request.headers,
    status: 0,
    bytesSent: 0,
    isOver: false,
  };
}
