/** JSON of other services: bounded, and looked at before it is parsed. */
import { JsonError } from '../oci/json-scan.ts';
import { parseJson } from '../oci/untrusted-json.ts';
import type { Answer } from './answer.ts';
import { OutboundError } from './outbound-error.ts';

/** @param what it should be, for the message: "a list" @throws OutboundError 'invalid' for what is none, is too long, or is over a limit, saying which */
export async function readJsonAnswer(
  answer: Answer,
  maxBytes: number,
  what: string,
): Promise<{ readonly json: unknown; readonly bytes: number }> {
  const bytes = await answer.read(maxBytes);
  try {
    return { json: parseJson(bytes), bytes: bytes.length };
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new OutboundError('invalid', `sent ${what} that ${cause.message}`, { cause });
  }
}
