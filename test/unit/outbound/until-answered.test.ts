import { PassThrough } from 'node:stream';
import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { untilAnswered } from '../../../src/outbound/until-answered.ts';

function answerWith(body: PassThrough): Dispatcher.ResponseData {
  return { body } as unknown as Dispatcher.ResponseData;
}

test('an answer that comes after its asker has left is destroyed', async () => {
  const sent = Promise.withResolvers<Dispatcher.ResponseData>();
  await expect(untilAnswered(sent.promise, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
  const body = new PassThrough();
  sent.resolve(answerWith(body));
  await new Promise(setImmediate);
  expect(body.destroyed).toBe(true);
});

test('an answer in time is given, and that its body breaks later ends nothing else', async () => {
  const body = new PassThrough();
  const answer = answerWith(body);
  expect(await untilAnswered(Promise.resolve(answer), undefined)).toBe(answer);
  body.destroy(new Error('broken'));
  await new Promise(setImmediate);
});
