import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { installedClients } from './support/clients/installed.ts';
import { HostedStage } from './support/hosted-stage.ts';

const kinds = await installedClients('pushes to a second repository without an upload');

describe.skipIf(kinds.length === 0)('an image that another repository has', () => {
  let stage: HostedStage;
  beforeAll(async () => {
    stage = await HostedStage.start();
  });
  afterAll(() => stage.close());

  test.each(kinds)('is pushed by $title without its layer being uploaded again', async (kind) => {
    const client = await stage.open(kind, kind.name);
    const repository = `team/project/second/${kind.name}`;
    await client.copy(`${stage.sources.here}/bb:1`, `${stage.server.host}/${repository}:1`);
    await eventually(() => {
      const requests = stage.requestsOf(repository);
      const created = (method: string, path: string) =>
        requests.filter(
          (request) => request.method === method && request.status === 201 && request.path.includes(path),
        ).length;
      expect(created('PUT', '/manifests/')).toBe(1);
      // One layer and one config; some clients send the latter in any case.
      const mounts = created('POST', '/blobs/uploads/');
      expect(mounts).toBeGreaterThanOrEqual(1);
      expect(created('PUT', '/blobs/uploads/')).toBe(2 - mounts);
    });
  });
});
