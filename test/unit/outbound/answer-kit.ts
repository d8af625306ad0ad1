/** Answers that were never sent. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Answer } from '../../../src/outbound/answer.ts';

export interface SaidAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Readable;
  readonly signal?: AbortSignal;
}

export function answerOf({
  status = 200,
  headers = {},
  body = Readable.from([]),
  signal,
}: SaidAnswer = {}): Answer {
  const data = { statusCode: status, headers, body } as unknown as Dispatcher.ResponseData;
  return new Answer(new URL('https://registry.example.com/x'), data, signal);
}
