/** What identities learn from lists in an {@link AccessWorld}: tags, referrers, the catalog. */
import { accept, ask, judge } from './access-asking.ts';
import { repositoryNames } from './access-model.ts';
import type { AccessWorld, Attempt } from './access-world.ts';
import { bytesBlob, type FakeManifest, fakeArtifact } from './fake-content.ts';
import type { Answer } from './keep-alive.ts';

export type Listing = 'tags' | 'referrers' | 'catalog';

const artifactType = 'application/vnd.example.secret';

/** Pushes an artifact about a manifest of the repository. */
export async function attach(world: AccessWorld, attempt: Attempt): Promise<void> {
  const { repository, pick, who } = attempt;
  const { model } = world;
  const subject = model.content(repository).manifests.get(model.manifestAt(pick * 2, repository));
  if (!subject) return;
  const artifact = fakeArtifact(subject, artifactType, { made: world.newSecret() });
  const may = model.may(who, 'push', repository);
  const empty = bytesBlob('{}');
  const blob = await ask(world, attempt, 'POST', `blobs/uploads/?digest=${empty.digest}`, { body: '{}' });
  judge(world, attempt, 'push of an empty blob', blob, [201], may);
  if (blob?.status !== 201) return;
  model.content(repository).blobs.add(empty.digest);
  model.secrets.set(empty.digest, '{}');
  const [body, headers] = [artifact.payload.toString(), { 'content-type': artifact.mediaType }];
  const answer = await ask(world, attempt, 'PUT', `manifests/${artifact.digest}`, { body, headers });
  judge(world, attempt, 'push of an artifact', answer, [201], may);
  if (answer?.status !== 201) return;
  model.content(repository).manifests.set(artifact.digest, artifact);
  model.manifestDigests.add(artifact.digest);
}

/** @throws Error where something is listed that is not there for whoever asks */
export async function list(world: AccessWorld, attempt: Attempt, what: Listing): Promise<void> {
  if (what === 'catalog') return listCatalog(world, attempt);
  const { repository, pick, who, way } = attempt;
  const { manifests, tags } = world.model.content(repository);
  const subject = world.model.manifestAt(pick, repository);
  const path = what === 'tags' ? 'tags/list' : `referrers/${subject}`;
  const answer = await ask(world, attempt, 'GET', path, { headers: accept });
  const may = world.model.may(who, 'pull', repository);
  // A repository that nothing was pushed to since its project was made again has no tags to list.
  if (what === 'referrers' || manifests.size > 0) judge(world, attempt, path, answer, [200], may);
  if (answer?.status !== 200) return;
  if (!may) throw new Error(`STOLEN: ${who} by ${way} lists ${path} of ${repository}`);
  const expected =
    what === 'tags' ? [...tags.keys()] : [...manifests.values()].filter(isAbout(subject)).map(digestOf);
  const listed = what === 'tags' ? tagsIn(answer) : digestsIn(answer);
  if (listed.toSorted().join() !== expected.toSorted().join())
    throw new Error(`${path} of ${repository} lists ${listed} instead of ${expected}`);
}

async function listCatalog(world: AccessWorld, attempt: Attempt): Promise<void> {
  const { who, way } = attempt;
  const scopes = ['registry:catalog:*'];
  const answer = await world.ask(who, way, 'GET', '/v2/_catalog?n=1000', { headers: accept, scopes });
  if (answer?.status !== 200) return;
  const { repositories } = JSON.parse(answer.body) as { repositories: string[] };
  for (const name of repositoryNames) {
    if (repositories.includes(world.named(name)) && !world.model.may(who, 'pull', name))
      throw new Error(`STOLEN: the catalog shows ${name} to ${who} by ${way} (${world.model.describe(who)})`);
  }
}

function isAbout(subject: string): (manifest: FakeManifest) => boolean {
  return ({ payload }) => JSON.parse(payload.toString()).subject?.digest === subject;
}

function digestOf({ digest }: FakeManifest): string {
  return digest;
}

function tagsIn({ body }: Answer): string[] {
  return (JSON.parse(body) as { tags: string[] }).tags;
}

function digestsIn({ body }: Answer): string[] {
  return (JSON.parse(body) as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest);
}
