/** Every repository keeps the promises of its interface: what is pushed, what is pulled through, what is here and elsewhere, and their doubles. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { createMetrics } from '../../src/app/metrics/metrics.ts';
import { createOutbound } from '../../src/app/outbound.ts';
import { createVirtualRegistries } from '../../src/app/virtual-registries.ts';
import { SecretBox } from '../../src/auth/credentials/secret-box.ts';
import { HotContent } from '../../src/cache/hot-content.ts';
import { ToldBeliefs } from '../../src/cache/told-beliefs.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { UpstreamSecrets } from '../../src/management/registries/upstream-settings.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { LocalRepository } from '../../src/proxy/local-repository.ts';
import { OrderedRepository } from '../../src/proxy/ordered-repository.ts';
import { unlimitedSpace } from '../../src/storage/disk-space.ts';
import { LocalUpstream } from '../../src/upstreams/local-upstream.ts';
import { admissionOf } from '../support/admission.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { FakeUpstream } from '../support/fake-upstream.ts';
import { MemoryRepository } from '../support/memory-repository.ts';
import {
  describeReadableRepository,
  type ReadableUnderTest,
  type repositoryContent,
} from '../support/readable-repository-suite.ts';
import { silentLog } from '../support/silent-log.ts';
import { WritableMemoryRepository } from '../support/writable-memory-repository.ts';
import { describeWritableRepository } from '../support/writable-repository-suite.ts';
import { type HostedKit, pushBlob, pushImage, putManifest, startHosted } from '../unit/hosted/hosted-kit.ts';

type Content = typeof repositoryContent;

const web = parseRepositoryName('web');
const defaultsFile = resolve(import.meta.dirname, '../../config/default.yaml');

function inMemory(content: Content): MemoryRepository {
  const repository = new MemoryRepository('hit');
  for (const [image, tags] of content) repository.addImage(image, ...tags);
  return repository;
}

describeReadableRepository('the double in memory', async (content) => ({ repository: inMemory(content) }));

describeReadableRepository('the double in memory that is pushed to', async (content) => {
  const repository = new WritableMemoryRepository();
  for (const [image, tags] of content) repository.addImage(image, ...tags);
  return { repository };
});

describeWritableRepository('the double in memory', async () => ({
  repository: new WritableMemoryRepository(),
  async sourceWith(text) {
    const source = new WritableMemoryRepository();
    source.addBlob(text);
    return source;
  },
}));

describeReadableRepository('a repository at a local upstream', async (content) => {
  const { settings } = new FakeUpstream({ id: 1 });
  const upstream = new LocalUpstream(settings, 'acme', silentLog);
  const hosted = content.length === 0 ? undefined : inMemory(content);
  const findHosted = async () => hosted;
  const place = { registryId: 1, groupPath: 'acme', findHosted, admission: admissionOf() };
  return { repository: new LocalRepository({ upstream, repository: web, ...place }) };
});

describeReadableRepository('a repository in two places', async (content) => {
  // The subject and its referrers are in one place: the first that knows any is the one that tells.
  const here = inMemory(content.slice(1, 2));
  const away = inMemory(content.filter((_, index) => index !== 1));
  const parts = [
    { repository: here, isHere: true },
    { repository: away, isHere: false },
  ];
  return { repository: new OrderedRepository(parts) };
});

describeEachDatabase('with records', (_open, each) => {
  async function push(kit: HostedKit, content: Content): Promise<void> {
    const repository = await kit.repository();
    for (const [image, tags] of content) {
      await pushImage(repository, image);
      if (tags.length > 0) await putManifest(repository, image, image.digest, tags);
    }
  }

  describeReadableRepository('a repository that is pushed to', async (content) => {
    const kit = await startHosted(each);
    await push(kit, content);
    return { repository: await kit.repository() };
  });

  describeWritableRepository('a repository that is pushed to', async () => {
    const kit = await startHosted(each);
    return {
      repository: await kit.repository(),
      async sourceWith(text) {
        const source = await kit.repository('acme/shop/base');
        await pushBlob(source, text);
        return source;
      },
    };
  });

  describeReadableRepository(
    'a repository of a virtual registry',
    async (content): Promise<ReadableUnderTest> => {
      const registry = await new FakeRegistry().start();
      onTestFinished(() => registry.stop());
      for (const [image, tags] of content) {
        const repository = registry.repository(web);
        repository.push(image);
        for (const tag of tags) repository.tag(tag, image.digest);
      }
      const { database, store, clock } = await startHosted(each);
      const group = await database.groups.findByPath('acme');
      if (!group) throw new Error('no group');
      const { id } = await database.virtualRegistries.create({ groupId: group.id, name: 'virtual' });
      const upstream = await database.upstreams.create({
        groupId: group.id,
        url: registry.url,
        name: 'the upstream',
        cacheValidityHours: 24,
        allowPatterns: [],
        denyPatterns: [],
        allowPrivateNetwork: true,
      });
      await database.registryUpstreams.append(id, upstream.id);
      const environment = { ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8' };
      const config = loadConfig({
        defaults: await readFile(defaultsFile, 'utf8'),
        environment,
        readFile: () => '',
      });
      const common = { log: silentLog, now: () => clock.now };
      const shared = new ToldBeliefs({ ...common, records: undefined, hasOthers: () => false });
      const secretBox = new SecretBox(randomBytes(32));
      const pulls = createVirtualRegistries({
        ...common,
        config,
        outbound: createOutbound(config),
        storage: { database, store, space: unlimitedSpace },
        reads: store,
        shared,
        hot: new HotContent(config.cache.hotManifestBytes),
        admission: admissionOf(),
        secretBox,
        secrets: new UpstreamSecrets(secretBox),
        settings: { offReason: async () => undefined },
        findHosted: async () => undefined,
        metrics: createMetrics(),
        cluster: undefined,
        room: {
          admit: async () => ({ refused: new Set(), release: async () => undefined }),
          grew: async () => undefined,
        },
      });
      onTestFinished(async () => {
        await pulls.close(AbortSignal.abort());
        await shared.close();
      });
      const repository = await pulls.registries.find(
        parseRepositoryName(`virtual_registries/container/${id}/${web}`),
      );
      if (!repository) throw new Error('no virtual registry');
      return { repository, countAsked: () => registry.count() };
    },
  );
});
