/** What another process says to a short question, be it nothing: nobody depends on one that is away. */
import type { z } from 'zod';
import type { Log } from '../observe/log.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { PeerClient } from './peer-client.ts';
import type { Peer, Peers } from './peers.ts';
import { parseSaid } from './said.ts';

export interface PeerTools {
  readonly client: Pick<PeerClient, 'ask'>;
  readonly peers: Pick<Peers, 'areThere' | 'reachable' | 'self' | 'avoid'>;
  readonly log: Log;
}

/**
 * @param path with its query
 * @returns undefined where it does not answer, or knows nothing of it
 * @throws the signal's reason
 */
export async function askPeer<T>(
  { client, peers, log }: PeerTools,
  peer: Peer,
  path: string,
  schema: z.ZodType<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    const answer = await client.ask(peer, path, signal);
    try {
      const { done, value: frame } = await answer.frames.next();
      if (done) throw new OutboundError('unavailable', 'ended without an answer');
      return parseSaid(schema, frame.bytes);
    } finally {
      answer.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof OutboundError)) throw error;
    if (error.kind !== 'not-found') peers.avoid(peer.id);
    log.warn({ peer: peer.address, reason: error.message }, 'another process was not asked');
    return undefined;
  }
}
