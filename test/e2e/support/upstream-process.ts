/** A fake registry in a process of its own, so that neither its work nor its memory is counted as another's. */

import type { Fault, RequestMatch } from '../../support/fake-faults.ts';
import { FakeRegistry } from '../../support/fake-registry.ts';

const registry = new FakeRegistry();

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly bytesSent: number;
}

/** What the process that started this one may ask for; names and arguments are sent as messages. */
const commands = {
  start: async () => (await registry.start()).url,
  stop: () => registry.stop(),
  addBlob: (repository: string, size: number, seed: number) =>
    registry.repository(repository).addBlob(size, seed).digest,
  addImage: (repository: string, tag: string, layerSizes: readonly number[], seed: number) => {
    const at = registry.repository(repository);
    const image = at.addImage({
      tag,
      layers: layerSizes.map((size, index) => at.addBlob(size, seed + index)),
    });
    const blobs = [...(image.config ? [image.config] : []), ...image.layers];
    return { digest: image.digest, blobs: blobs.map(({ digest, size }) => ({ digest, size })) };
  },
  fault: (match: RequestMatch, fault: Fault, times?: number) => void registry.fault(match, fault, times),
  clearFaults: () => registry.clearFaults(),
  forgetRequests: () => registry.forgetRequests(),
  requests: (match: RequestMatch): SeenRequest[] =>
    registry
      .matching(match)
      .map(({ method, path, headers, bytesSent }) => ({ method, path, range: headers.range, bytesSent })),
};

export type Commands = typeof commands;

process.on('message', async ({ id, name, args }: { id: number; name: keyof Commands; args: never }) => {
  try {
    const command: (...all: never[]) => unknown = commands[name];
    process.send?.({ id, value: await command(...(args as never[])) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.once('disconnect', () => process.exit());
