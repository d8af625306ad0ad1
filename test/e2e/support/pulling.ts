/** One request for content, read to its end (or as far as wanted) and measured. */
import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PullOptions {
  readonly authorization?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'HEAD';
  /** Reads no faster than this. */
  readonly bytesPerSecond?: number;
  /** Leaves once it has so many bytes. */
  readonly leaveAfterBytes?: number;
  /** False where the digest is not worth its processor time. */
  readonly hash?: boolean;
}

export interface Pulled {
  /** 0 where no answer came. */
  readonly status: number;
  readonly bytes: number;
  /** True where all bytes that the head promised came. */
  readonly isComplete: boolean;
  /** sha256 of what came. */
  readonly digest: string | undefined;
  /** From the request to the first byte of the body; NaN where none came. */
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly headers: IncomingMessage['headers'];
}

/** Never throws: what went wrong shows in what came. */
export async function pull(url: string, options: PullOptions = {}): Promise<Pulled> {
  const { authorization, method = 'GET', bytesPerSecond, leaveAfterBytes, hash = true } = options;
  const startedAt = performance.now();
  const sha256 = createHash('sha256');
  let bytes = 0;
  let firstByteMs = Number.NaN;
  let answer: IncomingMessage | undefined;
  try {
    answer = await open(url, method, { ...(authorization && { authorization }), ...options.headers });
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (bytes === 0) firstByteMs = performance.now() - startedAt;
      bytes += chunk.length;
      if (hash) sha256.update(chunk);
      if (leaveAfterBytes !== undefined && bytes >= leaveAfterBytes) break;
      if (bytesPerSecond !== undefined) {
        await sleep(Math.max(0, (bytes / bytesPerSecond) * 1000 - (performance.now() - startedAt)));
      }
    }
  } catch {
    // The connection broke; `bytes` says where.
  } finally {
    answer?.destroy();
  }
  return {
    status: answer?.statusCode ?? 0,
    bytes,
    isComplete:
      answer?.complete === true && (method === 'HEAD' || String(bytes) === answer.headers['content-length']),
    digest: hash ? `sha256:${sha256.digest('hex')}` : undefined,
    firstByteMs,
    totalMs: performance.now() - startedAt,
    headers: answer?.headers ?? {},
  };
}

function open(url: string, method: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false });
    outgoing.once('error', reject);
    outgoing.once('response', resolve);
    outgoing.end();
  });
}
