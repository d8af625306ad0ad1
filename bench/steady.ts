/**
 * Asks at a steady rate, whether or not the answers come, and prints how long they took, counted from when each was due:
 * `node bench/steady.ts <url> <authorization> <per second> <seconds>`.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { manifestAccept } from '../src/oci/media-types.ts';

const [url = '', authorization = '', rate, seconds] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const count = Number(rate) * Number(seconds);
const startedAt = performance.now();
const times = await Promise.all(Array.from({ length: count }, (_, index) => askAt(index)));
times.sort((a, b) => a - b);
const quantile = (share: number) => times[Math.min(count - 1, Math.floor(count * share))];
process.stdout.write(JSON.stringify({ p50: quantile(0.5), p99: quantile(0.99) }));
agent.destroy();

/** How late the last byte of the answer was, in milliseconds. */
async function askAt(index: number): Promise<number> {
  const due = startedAt + (index * 1000) / Number(rate);
  await sleep(Math.max(0, due - performance.now()));
  const headers = { accept: manifestAccept, ...(authorization !== '' && { authorization }) };
  await new Promise<void>((resolve, reject) => {
    const asked = request(url, { agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url}: ${answer.statusCode}`));
      answer.once('end', resolve).once('error', reject).resume();
    });
    asked.once('error', reject).end();
  });
  return performance.now() - due;
}
