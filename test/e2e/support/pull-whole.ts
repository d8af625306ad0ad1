/** Pulls as clients do that go on where they were cut off. */
import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const maxTries = 10;
const pauseMs = 200;

/** The sha256 of all of it; undefined where it did not come in so many tries. */
export async function pullWhole(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const sha256 = createHash('sha256');
  let position = 0;
  for (let tries = 1; tries <= maxTries; tries += 1) {
    try {
      const answer = await open(url, {
        ...headers,
        ...(position > 0 && { range: `bytes=${position}-` }),
      });
      if (answer.statusCode !== (position > 0 ? 206 : 200)) throw new Error(`answered ${answer.statusCode}`);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        position += chunk.length;
        sha256.update(chunk);
      }
      if (answer.complete) return `sha256:${sha256.digest('hex')}`;
    } catch {
      await sleep(pauseMs);
    }
  }
  return undefined;
}

function open(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, agent: false });
    outgoing.once('error', reject);
    outgoing.once('response', resolve);
    outgoing.end();
  });
}
