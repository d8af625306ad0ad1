import { expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { nothing, partOf, startHosted } from '../hosted-kit.ts';

describeSqlite('an upload with a sha512 digest', (_open, each) => {
  const hello = Buffer.from('hello, world');
  const digest = digestOf(hello, 'sha512');

  async function start() {
    const reads: number[] = [];
    const kit = await startHosted(each, { spools: { readAt: () => void reads.push(1) } });
    return { reads, uploads: (await kit.repository()).uploads };
  }

  test('is hashed as it comes, where its start says so', async () => {
    const { reads, uploads } = await start();
    const id = await uploads.start('sha512');
    await uploads.append(id, partOf('hello, '));
    await uploads.append(id, partOf('world'));
    await uploads.commit(id, digest, nothing);
    expect(reads).toEqual([]);
  });

  test('is hashed as it comes, where all of it comes at once', async () => {
    const { reads, uploads } = await start();
    await uploads.commit(await uploads.start(), digest, partOf(hello));
    expect(reads).toEqual([]);
  });

  test('is hashed as it comes, where its first request brings nothing', async () => {
    const { reads, uploads } = await start();
    const id = await uploads.start('sha512');
    await uploads.append(id, nothing);
    await uploads.append(id, partOf(hello));
    await uploads.commit(id, digest, nothing);
    expect(reads).toEqual([]);
  });
});
