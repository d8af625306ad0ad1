/** Images that another registry has in a bucket. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { openS3 } from '../../src/storage/s3/s3-storage.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf } from '../support/bodies.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject } from '../support/pushing.ts';
import { WrittenTree } from '../support/registry-tree.ts';
import { createBucket, s3EnvironmentOf, s3SettingsOf } from '../support/s3-bucket.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runHere } from '../support/test-terminal.ts';

const why = whyMissing('versitygw');
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)('a bucket of another registry', () => {
  const server = holdStorageServer('versitygw');
  beforeAll(() => createBucket(server().endpoint));

  test.each(['filesystem', 's3'])(
    'is imported by the settings of its cloud, with %s for what is here',
    async (driver) => {
      const { endpoint } = server();
      const settings = s3SettingsOf(endpoint, { rootDirectory: `theirs-${driver}` });
      const theirs = await openS3(settings);
      onTestFinished(() => theirs.close());
      const tree = new WrittenTree(await temporaryDirectory());
      const image = fakeImage({ layers: [seededBlob(6_000_000, 1), seededBlob(100, 2)] });
      await tree.push('acme/shop', image, '1');
      for (const [key, bytes] of await tree.files()) await theirs.put(key, bytes);
      const before = await Array.fromAsync(theirs.list(''));

      const environment = {
        ...s3EnvironmentOf(endpoint, `ours-${driver}`),
        ENTREPOT_STORAGE__DRIVER: driver,
      };
      await using app = await TestApp.start({ environment });
      await createProject(app, 'acme/shop');
      const place = `s3://${settings.bucket}/theirs-${driver}/`;
      expect(await runHere(app.environment, ['import', '--from', place])).toEqual({
        text: expect.stringContaining('1 tags, 1 manifests and 3 blobs'),
        isSound: true,
      });
      expect(digestOf(await bytesOf(await app.v2('acme/shop/manifests/1')))).toBe(image.digest);
      for (const { digest } of image.layers)
        expect(digestOf(await bytesOf(await app.v2(`acme/shop/blobs/${digest}`)))).toBe(digest);
      expect(await Array.fromAsync(theirs.list(''))).toEqual(before);
    },
  );
});
