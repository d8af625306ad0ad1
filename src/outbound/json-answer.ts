/** JSON of other services: bounded, and looked at before it is parsed. */
import { JsonError } from '../oci/json-scan.ts';
import { parseJson } from '../oci/untrusted-json.ts';
import type { Answer } from './answer.ts';
import { decodings } from './content-coding.ts';
import { OutboundError } from './outbound-error.ts';

/**
 * As it came, or decoded where that is what makes it JSON.
 * @param what it should be, for the message: "a list"
 * @throws OutboundError 'invalid' for what is none, is too long, or is over a limit, saying which
 */
export async function readJsonAnswer(
  answer: Answer,
  maxBytes: number,
  what: string,
): Promise<{ readonly json: unknown; readonly bytes: number }> {
  let reason: JsonError | undefined;
  for await (const bytes of decodings(await answer.read(maxBytes), answer.codings, maxBytes)) {
    try {
      return { json: parseJson(bytes), bytes: bytes.length };
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      reason = error;
    }
  }
  throw new OutboundError('invalid', `sent ${what} that ${reason?.message}`, { cause: reason });
}
