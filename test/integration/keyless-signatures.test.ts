import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { issuer, type KeylessOptions, Sigstore, signedAt, subject } from '../support/keyless-signing.ts';

const name = 'team/app';
const ways = ['tagged', 'bundled'] as const;
const sigstore = new Sigstore();
const stranger = new Sigstore();

describeApp('images that somebody without a key signed', (start) => {
  /** Signs as many images as there are options, and pulls them. */
  async function pull(
    each: readonly Omit<KeylessOptions, 'digest'>[],
    way: (typeof ways)[number],
    policy: object = {},
  ): Promise<string[]> {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository(name);
    const digests = each.map((options, index) => {
      const image = fakeImage({ layers: [seededBlob(10, index)] });
      repository.push(image);
      repository.push(
        sigstore[way]({ ...options, digest: image.digest }),
        way === 'tagged' ? signatureTag(image.digest) : undefined,
      );
      return image.digest;
    });
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, policy);
    const answers: string[] = [];
    for (const digest of digests) {
      const answer = await app.manifest(name, digest);
      answers.push(answer.ok ? 'let in' : `${answer.status} ${await answer.text()}`);
    }
    return answers;
  }

  test.for(ways)('are let in where the policy trusts who it was, %s', async (way) => {
    expect(await pull([{}, { at: signedAt + 60_000 }], way)).toEqual(['let in', 'let in']);
    const byGlob = { identities: [{ issuer, subject: 'https://acme.test/*' }] };
    expect(await pull([{}], way, byGlob)).toEqual(['let in']);
  });

  test.for(ways)('are refused for what another signed, or says of itself, %s', async (way) => {
    const [someone, elsewhere, both] = await pull(
      [
        { subject: 'https://acme.test/build' },
        { issuer: 'https://accounts.test.evil.test' },
        { authority: stranger, certificateLog: stranger, log: stranger },
      ],
      way,
    );
    expect(someone).toContain(`is by https://acme.test/build of ${issuer}, who is not trusted`);
    expect(elsewhere).toContain('of https://accounts.test.evil.test, who is not trusted');
    expect(both).toMatch(/^403 .*does not verify/);
  });

  test.for(ways)(
    'are refused where an authority or a log is not the one that is trusted, %s',
    async (way) => {
      const refused = await pull(
        [
          { authority: stranger },
          { log: stranger },
          { log: undefined },
          { certificateLog: stranger },
          { certificateLog: undefined },
          { logged: Buffer.from('another signature') },
        ],
        way,
      );
      expect(refused.map((answer) => /does not verify: ([\w /]+)/.exec(answer)?.[1])).toEqual([
        expect.stringContaining('certificate chain'),
        expect.stringContaining('could not be verified'),
        expect.stringContaining('timestamps'),
        expect.stringContaining('SCT verification failed'),
        expect.stringContaining('expected 1 SCTs'),
        expect.stringContaining('signature mismatch'),
      ]);
    },
  );

  test.for(ways)('are refused where they were not signed while the certificate was good, %s', async (way) => {
    const refused = await pull([{ at: signedAt - 3_600_000 }, { at: signedAt + 3_600_000 }], way);
    for (const answer of refused) expect(answer).toMatch(/^403 .*certificate chain/);
  });

  test('are refused where the log promises no time, though it has the signature', async () => {
    expect(await pull([{ isPromised: false }], 'bundled')).toEqual([
      expect.stringMatching(/^403 .*timestamps/),
    ]);
  });

  test.for(ways)('need no log that the trusted root does not have, but always a time, %s', async (way) => {
    const noCertificates = { trusted_root: sigstore.trustedRoot({ hasCertificateLog: false }) };
    expect(await pull([{ certificateLog: undefined }], way, noCertificates)).toEqual(['let in']);
    const noLog = { trusted_root: sigstore.trustedRoot({ hasLog: false }) };
    for (const answer of await pull([{}, { log: undefined }], way, noLog)) expect(answer).toMatch(/^403 /);
  });

  test.for(ways)('are refused where the signature was taken from another image, %s', async (way) => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository(name);
    const [image, other] = [
      fakeImage({ layers: [seededBlob(10, 1)] }),
      fakeImage({ layers: [seededBlob(10, 2)] }),
    ];
    repository.push(image);
    repository.push(
      sigstore[way]({ digest: other.digest, beside: image.digest }),
      way === 'tagged' ? signatureTag(image.digest) : undefined,
    );
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, {});
    const answer = await app.manifest(name, image.digest);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain(`is of another image: ${other.digest}`);
  });
});

function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}

async function setPolicy(app: TestApp, policy: object): Promise<void> {
  const answer = await app.api('PUT', '/virtual_registries/container/registries/1/signature_policy', {
    mode: 'enforce',
    identities: [{ issuer, subject }],
    trusted_root: sigstore.trustedRoot(),
    ...policy,
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}
