/** The fills of all processes, each of which tells of its own. */
import { z } from 'zod';
import { askPeer, type PeerTools } from './ask-peer.ts';
import type { PeerAnswering } from './cluster-handler.ts';

export const runningFillsPath = '/-/running-fills';

const told = z.object({
  digest: z.string(),
  upstreamId: z.number().optional(),
  repository: z.string().optional(),
  receivedBytes: z.number(),
  size: z.number().optional(),
  readers: z.number(),
});

type ToldFill = z.output<typeof told>;

const said = z.object({ fills: z.array(told) });

/** For another process. @param own of this one */
export function serveRunningFills(own: readonly ToldFill[]): PeerAnswering {
  return (writer) => writer.say({ fills: own });
}

/** Of this process and of those that answer; one that several have is there once. */
export async function listRunningFills(
  own: readonly ToldFill[],
  tools: PeerTools,
): Promise<readonly ToldFill[]> {
  const answers = await Promise.all(
    tools.peers.reachable.map((peer) => askPeer(tools, peer, runningFillsPath, said)),
  );
  return joined([own, ...answers.map((answer) => answer?.fills ?? [])].flat());
}

/** Whoever follows another process is one of its readers, in place of which count those that it has itself. */
function joined(all: readonly ToldFill[]): readonly ToldFill[] {
  const fetched = all.filter(({ upstreamId }) => upstreamId !== undefined);
  const followed = all.filter(({ upstreamId }) => upstreamId === undefined);
  const isFetched = (fill: ToldFill) => fetched.some(({ digest }) => digest === fill.digest);
  return [
    ...fetched.map((fill) => {
      const followers = followed.filter(({ digest }) => digest === fill.digest);
      const readers = followers.reduce((sum, each) => sum + each.readers - 1, fill.readers);
      return { ...fill, readers: Math.max(readers, 0) };
    }),
    ...followed.filter((fill) => !isFetched(fill)),
  ];
}
