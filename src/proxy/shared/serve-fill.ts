/** Tells another process what a fill of this one brings, from a position on, and in the end whether it was kept. */
import type { FrameWriter } from '../../cluster/frame-writer.ts';
import { type FillSaying, failureOf } from '../../cluster/said.ts';
import { OciError } from '../../oci/errors.ts';
import type { NoFill, OpenedFill } from '../open-fill.ts';
import type { Source } from '../source.ts';
import { peerSourceOf } from './share-fill.ts';

/** A fill that runs here. */
export interface ServedFill {
  readonly sources: readonly Source[];
  readonly proven: readonly Source[];
  /** Rejects where it could not begin. */
  readonly opened: Promise<OpenedFill | NoFill>;
  readonly isOver: boolean;
  /** Once it has ended, however it does. */
  readonly run: Promise<void>;
  readonly isStored: boolean;
}

export type FillWriter = Pick<FrameWriter, 'say' | 'send' | 'signal'>;

/**
 * @param stopping aborted where this process ends: what fails for that is no failure for others
 * @throws what a follower takes for the end of this process: it goes on by itself
 */
export async function serveFill(
  running: ServedFill,
  from: number,
  writer: FillWriter,
  stopping: AbortSignal,
): Promise<void> {
  const say = (said: FillSaying) => writer.say(said);
  try {
    const opened = await running.opened;
    if (typeof opened === 'string' || running.isOver) throw new Error('the fill is over, or none');
    const { fill } = opened;
    fill.hold();
    try {
      await say({ sources: sourcesOf(running.sources), proven: sourcesOf(running.proven), size: fill.size });
      for await (const chunk of fill.read(from, undefined, noRest, writer.signal)) await writer.send(chunk);
    } finally {
      await fill.release();
    }
  } catch (error) {
    if (!(error instanceof OciError) || stopping.aborted) throw error;
    return say({ sources: sourcesOf(running.sources), failure: failureOf(error) });
  }
  await say({ isComplete: true });
  await running.run;
  await say({ isStored: running.isStored });
}

function sourcesOf(sources: readonly Source[]) {
  return sources.map(peerSourceOf);
}

/** Where this process can keep no more of it, others may. */
function noRest(): never {
  throw new Error('no more of the blob can be kept here');
}
