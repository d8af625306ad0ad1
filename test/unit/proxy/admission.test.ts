import { describe, expect, test } from 'vitest';
import type { AdmissionPolicy, JudgedImage } from '../../../src/admission/admission-policy.ts';
import type { Verdict } from '../../../src/admission/verdict.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { startProxy } from './proxy-kit.ts';

const [one, two] = [fakeImage({ architecture: 'amd64' }), fakeImage({ architecture: 'arm64' })];

/** Judges as told, and remembers what it was asked. */
function policyOf(judge: (image: JudgedImage) => Omit<Verdict, 'policy'>) {
  const judged: JudgedImage[] = [];
  const policy: AdmissionPolicy = {
    name: 'signatures',
    isOn: ({ kind }) => kind === 'virtual',
    async judge(image) {
      judged.push(image);
      return { policy: 'signatures', ...judge(image) };
    },
  };
  return { policy, judged };
}

async function start(judge: Parameters<typeof policyOf>[0]) {
  const { policy, judged } = policyOf(judge);
  const kit = await startProxy({ policiesOf: () => [policy] });
  kit.upstream.add(one, 'v1');
  return { ...kit, judged };
}

describe('an image that a policy judges', () => {
  test('is answered without being judged again while it is hot', async () => {
    const { manifest, judged } = await start(() => ({ kind: 'admitted', reason: 'signed' }));
    expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'miss', warnings: undefined });
    expect(await manifest('v1')).toMatchObject({ outcome: 'hit' });
    expect(judged).toHaveLength(1);
    expect(judged[0]).toMatchObject({ reference: 'v1', digest: one.digest, place: { registryId: 1 } });
  });

  test('comes with a warning, hot or not, where the policy only warns', async () => {
    const { manifest } = await start(() => ({ kind: 'warned', reason: 'not signed' }));
    expect((await manifest('v1')).warnings).toEqual(['not signed']);
    expect((await manifest('v1')).warnings).toEqual(['not signed']);
  });

  test('is denied with the reason, each time anew, by tag and by digest', async () => {
    const { manifest, judged } = await start(() => ({ kind: 'refused', reason: 'not signed' }));
    for (const reference of ['v1', 'v1', one.digest])
      await expect(manifest(reference)).rejects.toMatchObject({
        code: 'DENIED',
        status: 403,
        message: 'not signed',
      });
    expect(judged).toHaveLength(3);
  });

  test('gives way to an older one that is let in, with a warning', async () => {
    const { manifest, upstream } = await start(({ digest }) =>
      digest === one.digest
        ? { kind: 'refused', reason: 'too young', older: [two.digest] }
        : { kind: 'admitted', reason: 'old' },
    );
    upstream.add(two, 'v0');
    expect(await manifest('v1')).toMatchObject({
      digest: two.digest,
      warnings: [`answered with the older ${two.digest}: too young`],
    });
  });

  test('is refused where the older one is refused, too, or gone', async () => {
    const { manifest } = await start(() => ({ kind: 'refused', reason: 'too young', older: [two.digest] }));
    await expect(manifest('v1')).rejects.toMatchObject({ message: 'too young' });
  });

  test('may be read by the policy, which is not judged itself', async () => {
    const { manifest, judged } = await start(() => ({ kind: 'admitted', reason: 'signed' }));
    await manifest('v1');
    const content = judged[0]?.content;
    expect(await content?.manifest(one.digest, false)).toMatchObject({ digest: one.digest });
    expect(judged).toHaveLength(1);
  });
});
