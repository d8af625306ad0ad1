import type { Dispatcher } from 'undici';
import { untilAborted } from '../concurrency/until-aborted.ts';

/**
 * What undici was asked for, or the signal's reason. It lets go of a request only once it has a connection, so who leaves before does not
 * wait for that; an answer that comes all the same is destroyed. Whoever destroys a body is told by its end, so that its error concerns
 * nobody; unheard it would end the process.
 */
export async function untilAnswered(
  sent: Promise<Dispatcher.ResponseData>,
  signal: AbortSignal | undefined,
): Promise<Dispatcher.ResponseData> {
  const ignored = () => {};
  sent.then(({ body }) => body.on('error', ignored), ignored);
  try {
    return await untilAborted(sent, signal);
  } catch (error) {
    sent.then(({ body }) => body.destroy(), ignored);
    throw error;
  }
}
