import { expect, test } from 'vitest';
import { parseTag } from '../../../src/oci/reference.ts';
import type { WritableRepository, Writer } from '../../../src/oci/repository.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { fakeImage, seededBlob } from '../../support/fake-content.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../support/protection-rules.ts';
import { alice, type HostedKit, pushImage, putManifest, startHosted } from './hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const other = fakeImage({ layers: [seededBlob(1000, 1)], architecture: 'arm64' });
const maintainer: Writer = { ...alice, protectionLevel: 40 };
const administrator: Writer = { ...alice, protectionLevel: 60 };
const everything = { after: '', limit: 100 };

function refusal(code: string, ...parts: string[]) {
  const detail = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return { code, status: 403, detail: expect.stringMatching(detail) };
}

describeEachDatabase('tags that rules guard', (_open, each) => {
  async function start() {
    const kit = await startHosted(each);
    const project = await kit.database.projects.findByPath('acme/shop');
    const protect = async (pattern: string, levels?: { push: number; delete: number }) => {
      const rule = levels ? tagRule(pattern, levels.push, levels.delete) : immutableTagRule(pattern);
      await kit.database.protectionRules.create({ projectId: project?.id ?? 0, ...rule });
    };
    return { kit, protect, repository: await kit.repository(), of: (writer: Writer) => as(kit, writer) };
  }
  const as = (kit: HostedKit, writer: Writer): Promise<WritableRepository> =>
    kit.repository('acme/shop', writer);
  const tagsOf = async (repository: WritableRepository) => (await repository.tags(everything)).tags;

  test('are pushed by those whose role is high enough, new or not', async () => {
    const { protect, repository, of } = await start();
    await protect('^v\\d', { push: 40, delete: 50 });
    await pushImage(repository, image, 'dev');
    await expect(putManifest(repository, image, 'v1')).rejects.toMatchObject(
      refusal('PROTECTED_TAG', 'tag v1 of acme/shop cannot be pushed', 'asks for the role Maintainer'),
    );
    await putManifest(await of(maintainer), image, 'v1');
    await expect(putManifest(repository, image, 'v1')).rejects.toMatchObject(refusal('PROTECTED_TAG'));
    await expect(putManifest(repository, image, image.digest, ['dev', 'v2'])).rejects.toMatchObject(
      refusal('PROTECTED_TAG', 'tag v2'),
    );
    expect(await tagsOf(repository)).toEqual(['dev', 'v1']);
  });

  test('are deleted by those whose role is high enough', async () => {
    const { protect, repository, of } = await start();
    await pushImage(repository, image, 'v1');
    await protect('^v\\d', { push: 40, delete: 50 });
    for (const writer of [alice, maintainer]) {
      await expect((await of(writer)).deleteManifest(parseTag('v1'))).rejects.toMatchObject(
        refusal('PROTECTED_TAG', 'tag v1 of acme/shop cannot be deleted', 'asks for the role Owner'),
      );
    }
    expect(await tagsOf(repository)).toEqual(['v1']);
    await (await of(administrator)).deleteManifest(parseTag('v1'));
    expect(await tagsOf(repository)).toEqual([]);
  });

  test('are guarded by rules for their repository as well, as they are when the tag changes', async () => {
    const { kit, repository, of } = await start();
    await pushImage(repository, image, 'v1');
    const project = await kit.database.projects.findByPath('acme/shop');
    const rule = repositoryRule('*', 50, 40);
    await kit.database.protectionRules.create({ projectId: project?.id ?? 0, ...rule });
    await expect(putManifest(repository, image, 'v2')).rejects.toMatchObject(
      refusal('PROTECTED_TAG', 'tag v2 of acme/shop cannot be pushed', 'asks for the role Owner'),
    );
    await expect(repository.deleteManifest(parseTag('v1'))).rejects.toMatchObject(
      refusal('PROTECTED_TAG', 'tag v1 of acme/shop cannot be deleted', 'asks for the role Maintainer'),
    );
    expect(await tagsOf(repository)).toEqual(['v1']);
    await (await of(maintainer)).deleteManifest(parseTag('v1'));
  });

  test('keep their manifest', async () => {
    const { protect, repository, of } = await start();
    await pushImage(repository, image, 'v1');
    await putManifest(repository, image, 'a');
    await protect('^v\\d', { push: 30, delete: 40 });
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject(
      refusal('PROTECTED_MANIFEST', image.digest, 'with its tag v1', 'asks for the role Maintainer'),
    );
    await repository.deleteManifest(parseTag('a'));
    await (await of(maintainer)).deleteManifest(image.digest);
    expect(await tagsOf(repository)).toEqual([]);
  });

  test('that are immutable are pushed once, and then neither move nor go, whoever comes', async () => {
    const { protect, of } = await start();
    await protect('^v');
    const repository = await of(administrator);
    await pushImage(repository, image, 'v1');
    await pushImage(repository, other, 'dev');
    // The same once more changes nothing.
    await putManifest(repository, image, 'v1');
    await expect(putManifest(repository, other, 'v1')).rejects.toMatchObject(
      refusal('IMMUTABLE_TAG', 'tag v1 of acme/shop cannot be pushed', 'immutable by the rule ^v'),
    );
    await expect(putManifest(repository, other, other.digest, ['v2', 'v1'])).rejects.toMatchObject(
      refusal('IMMUTABLE_TAG', 'tag v1'),
    );
    await expect(repository.deleteManifest(parseTag('v1'))).rejects.toMatchObject(
      refusal('IMMUTABLE_TAG', 'tag v1 of acme/shop cannot be deleted'),
    );
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject(
      refusal('PROTECTED_MANIFEST', 'with its tag v1', 'immutable by the rule ^v'),
    );
    expect(await tagsOf(repository)).toEqual(['dev', 'v1']);
    expect((await repository.manifest(parseTag('v1'), true)).digest).toBe(image.digest);
  });

  test('of other projects, and what has no tag, are free', async () => {
    const { protect, repository } = await start();
    await protect('.*', { push: 60, delete: 60 });
    await pushImage(repository, image, image.digest);
    await repository.deleteManifest(image.digest);
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    await expect(repository.deleteManifest(parseTag('v1'))).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
  });

  test('count from the moment that the rule is there, with no second in between', async () => {
    const { protect, repository } = await start();
    await pushImage(repository, image, 'v1');
    await protect('^v1$');
    await expect(repository.deleteManifest(parseTag('v1'))).rejects.toMatchObject({ code: 'IMMUTABLE_TAG' });
  });
});
