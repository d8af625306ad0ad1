/** The keys that sign registry tokens; ours. What is private of them is never shown. */
import { z } from 'zod';
import type { SigningKeyState } from '../../auth/tokens/signing-keys.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { integerBetween } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { SigningKeyService } from './signing-keys.ts';

const maxDelaySeconds = 30 * 86_400;

const keyResponse = z
  .object({
    kid: z.string(),
    created_at: instantText,
    current: z.boolean().meta({ description: 'Whether it is the one that signs' }),
    retired_at: instantText.nullable().meta({ description: 'It signs nothing from then on' }),
    ends_at: instantText.nullable().meta({ description: 'Nothing that it signed is accepted from then on' }),
  })
  .meta({ id: 'SigningKey' });

export function signingKeyEndpoints(keys: SigningKeyService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/signing_keys',
      summary: 'The keys that sign registry tokens, oldest first; for administrators',
      response: z.array(keyResponse),
      status: 200,
      handle: async (actor) => (await keys.list(actor)).map(keyBody),
    }),
    endpoint({
      method: 'POST',
      path: '/admin/signing_keys/rotate',
      summary: 'Make a new key, which signs once the others are retired; for administrators',
      params: z.object({ in_seconds: integerBetween(0, maxDelaySeconds).optional() }),
      response: z.array(keyResponse),
      status: 201,
      handle: async (actor, { inSeconds }) =>
        (await keys.rotate(actor, inSeconds && inSeconds * 1000)).map(keyBody),
    }),
  ];
}

function keyBody({ isCurrent: current, ...key }: SigningKeyState): AnswerOf<typeof keyResponse> {
  return { ...key, current };
}
