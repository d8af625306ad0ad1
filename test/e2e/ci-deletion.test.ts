/** The job of docs/ci.md that deletes the image of a branch, as it is written there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pair } from '../support/certificates.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { freePort } from '../support/free-port.ts';
import { findProgram } from '../support/storage-servers/programs.ts';
import { TlsFront } from '../support/tls-front.ts';
import { Entrepot, rootToken } from './support/entrepot.ts';
import { missing, run } from './support/processes.ts';

const name = 'acme/shop';
const authority = resolve(import.meta.dirname, '../fixtures/authority/authority.crt');
const document = readFileSync(resolve(import.meta.dirname, '../../docs/ci.md'), 'utf8');
const reg = findProgram('reg');
const absent = [...(await missing('curl', 'skopeo')), ...(reg === undefined ? ['reg'] : [])];
for (const program of absent)
  console.log(`skipped: deletion of a branch's image by ${program}, which is not there`);

describe('the image of a branch', () => {
  let directory: string;
  let server: Entrepot;
  let front: TlsFront;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'entrepot-e2e-'));
    const port = await freePort();
    front = await TlsFront.before(`http://127.0.0.1:${port}`, pair('server'));
    server = await Entrepot.start({ directory, port, env: { ENTREPOT_HTTP__EXTERNAL_URL: front.url } });
    await server.createProject(name);
  });
  afterAll(async () => {
    await server?.stop();
    await front?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test.for([
    { program: 'curl', keepsImage: true },
    { program: 'skopeo', keepsImage: false },
    { program: 'reg', keepsImage: false },
  ])('is deleted by $program, and no other', async ({ program, keepsImage }, { skip }) => {
    skip(absent.includes(program));
    const authorization = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
    const ask = (path: string, init: RequestInit) =>
      fetch(`${server.url}/v2/${name}/${path}`, {
        ...init,
        headers: { authorization, 'content-type': 'application/octet-stream', ...init.headers },
      });
    const [image, other] = [1, 2].map((seed) => fakeImage({ layers: [seededBlob(100, seed)] }));
    for (const [pushed, tags] of [
      [image, ['branch', 'same']],
      [other, ['main']],
    ] as const) {
      if (!pushed?.config) throw new Error('no image');
      for (const { digest, size, read } of [pushed.config, ...pushed.layers])
        await ask(`blobs/uploads/?digest=${digest}`, {
          method: 'POST',
          body: Buffer.concat([...read(0, size)]),
        });
      const { mediaType, payload } = pushed;
      const put = { method: 'PUT', headers: { 'content-type': mediaType }, body: payload };
      for (const tag of tags) expect((await ask(`manifests/${tag}`, put)).status).toBe(201);
    }
    await run('sh', ['-euc', scriptOf(program)], {
      env: {
        PATH: [dirname(reg ?? '/'), process.env['PATH']].join(':'),
        CI_REGISTRY: new URL(front.url).host,
        CI_REGISTRY_IMAGE: `${new URL(front.url).host}/${name}`,
        CI_REGISTRY_USER: 'root',
        CI_REGISTRY_PASSWORD: rootToken,
        CI_COMMIT_REF_SLUG: 'branch',
        CURL_CA_BUNDLE: authority,
        SSL_CERT_FILE: authority,
      },
    });
    const answer = await ask('tags/list', {});
    expect(await answer.json()).toMatchObject({ tags: keepsImage ? ['main', 'same'] : ['main'] });
  });
});

/** The one script of the section that begins with the program. */
function scriptOf(program: string): string {
  const section = document.split(/^## /m).find((each) => each.startsWith('Deleting the image of a branch'));
  const scripts = [...(section ?? '').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, script = '']) => script);
  const script = scripts.find((each) => each.startsWith(`${program} `));
  if (script === undefined) throw new Error(`docs/ci.md has no script for ${program}`);
  return script;
}
