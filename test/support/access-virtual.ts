/** What identities do with virtual registries in an {@link AccessWorld}: one of a remote upstream, one of hosted groups. */
import { accept, ask, judge } from './access-asking.ts';
import { type AccessWorld, type Attempt, pullScope } from './access-world.ts';

/** What the upstream has, and what only hosted repositories have. */
export async function pullVirtual(world: AccessWorld, attempt: Attempt): Promise<void> {
  const hosted = world.model.secretAt(attempt.pick, attempt.repository);
  const asked = { headers: accept, scopes: [world.virtualScope] };
  const get = (path: string) =>
    world.ask(attempt.who, attempt.way, 'GET', `/v2/${world.virtualName}/${path}`, asked);
  const may = world.model.mayVirtual(attempt.who);
  judge(world, attempt, 'virtual pull of a tag', await get('manifests/1'), [200], may);
  judge(world, attempt, 'virtual pull of a blob', await get(`blobs/${world.upstreamDigest}`), [200], may);
  if (hosted !== world.upstreamDigest)
    judge(world, attempt, `virtual pull of hosted ${hosted}`, await get(`blobs/${hosted}`), [200], false);
  const upstreams = await ask(world, attempt, 'GET', `blobs/${world.upstreamDigest}`);
  const isMounted = world.model.content(attempt.repository).blobs.has(world.upstreamDigest);
  const mayMounted = isMounted && world.model.may(attempt.who, 'pull', attempt.repository);
  judge(world, attempt, "hosted pull of the upstream's blob", upstreams, [200], mayMounted);
}

/** Of the upstream's blob, or of one of the attempt's repository by its virtual name. It may always become an upload instead. */
export async function mountVirtual(
  world: AccessWorld,
  attempt: Attempt,
  to: string,
  isLocal: boolean,
): Promise<void> {
  const { who, repository, pick } = attempt;
  const { model } = world;
  const digest = isLocal ? model.secretAt(pick, repository) : world.upstreamDigest;
  const from = isLocal ? world.localName(repository) : world.virtualName;
  const path = `blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
  const answer = await ask(world, { ...attempt, repository: to }, 'POST', path, {
    scopes: [pullScope(from)],
  });
  if (answer?.status !== 201) return;
  const mayPull = isLocal
    ? model.mayLocal(who, repository) && model.content(repository).blobs.has(digest)
    : model.mayVirtual(who);
  const isThere = model.content(to).blobs.has(digest);
  const may = model.may(who, 'push', to) && (mayPull || isThere);
  judge(world, attempt, `mount to ${to} of ${digest} from ${from}`, answer, [201], may);
  model.content(to).blobs.add(digest);
  if (!isLocal) model.secrets.set(digest, world.upstreamSecret);
}
