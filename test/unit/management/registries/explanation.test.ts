import { expect, test } from 'vitest';
import { parseImageReference } from '../../../../src/management/registries/explanation.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['alpine', 'alpine', 'latest'],
  ['library/alpine:3.20', 'library/alpine', '3.20'],
  [`library/alpine@${digest}`, 'library/alpine', digest],
  [`library/alpine:3.20@${digest}`, 'library/alpine', digest],
])('%s is %s at %s', (text, image, reference) => {
  expect(parseImageReference(text)).toEqual({ image, reference });
});

test.each(['Alpine', 'alpine:', 'alpine:-x', 'alpine@sha256:12', 'host:5000/alpine', ''])(
  "'%s' is refused",
  (text) => {
    expect(() => parseImageReference(text)).toThrow(expect.objectContaining({ kind: 'bad-request' }));
  },
);
