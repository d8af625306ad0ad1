/** What identities do in an {@link AccessWorld}, each step with what must and must not come of it. */
import { digestOf } from '../../src/oci/digest.ts';
import { accept, ask, judge } from './access-asking.ts';
import { attach, type Listing, list } from './access-listings.ts';
import type { Who } from './access-model.ts';
import { mountVirtual, pullVirtual } from './access-virtual.ts';
import type { AccessWorld, Attempt, Change, Read } from './access-world.ts';
import { bytesBlob, fakeImage } from './fake-content.ts';

export type Step =
  | ({ readonly kind: 'pull'; readonly what: ReadKind; readonly isLocal: boolean } & Attempt)
  | ({ readonly kind: 'list'; readonly what: Listing } & Attempt)
  | ({ readonly kind: 'push' | 'steal' | 'attach' } & Attempt)
  | ({ readonly kind: 'mount'; readonly to: string } & Attempt)
  | ({ readonly kind: 'remove'; readonly what: 'tag' | 'manifest' | 'blob' } & Attempt)
  | ({ readonly kind: 'hijack'; readonly thief: Who; readonly elsewhere: string } & Attempt)
  | ({ readonly kind: 'virtual' } & Attempt)
  | ({ readonly kind: 'mount virtual'; readonly isLocal: boolean; readonly to: string } & Attempt)
  /** One of the reads that were granted, once more. */
  | { readonly kind: 'again'; readonly pick: number }
  | Change;

type ReadKind = 'tag' | 'manifest' | 'blob' | 'range' | 'head';

/** @throws Error that names the step where the server did what it must not, or did not what it must */
export async function run(world: AccessWorld, step: Step): Promise<void> {
  switch (step.kind) {
    case 'pull':
      return pull(world, step, step.what, step.isLocal);
    case 'list':
      return list(world, step, step.what);
    case 'attach':
      return attach(world, step);
    case 'push':
      return push(world, step);
    case 'steal':
      return steal(world, step);
    case 'mount':
      return mount(world, step, step.to);
    case 'remove':
      return remove(world, step, step.what);
    case 'hijack':
      return hijack(world, step, step.thief, step.elsewhere);
    case 'virtual':
      return pullVirtual(world, step);
    case 'mount virtual':
      return mountVirtual(world, step, step.to, step.isLocal);
    case 'again': {
      const reads = world.granted;
      const read = reads[step.pick % reads.length];
      return read && doRead(world, read);
    }
    default:
      return world.change(step);
  }
}

async function pull(world: AccessWorld, attempt: Attempt, what: string, isLocal: boolean): Promise<void> {
  const { repository, pick } = attempt;
  const { model } = world;
  const tag = pick % 2 === 0 ? '1' : '2';
  const targets: Record<string, string> = { tag, manifest: model.manifestAt(pick, repository) };
  const target = targets[what] ?? model.secretAt(pick, repository);
  await doRead(world, { attempt, what, target, isLocal });
}

/** Of a tag, or of a digest that the repository need not have, by its own name or through a virtual registry. */
async function doRead(world: AccessWorld, read: Read): Promise<void> {
  const { attempt, what, target, isLocal } = read;
  const { blobs, manifests, tags } = world.model.content(attempt.repository);
  const isManifest = what === 'tag' || what === 'manifest';
  const path = `${isManifest ? 'manifests' : 'blobs'}/${target}`;
  // An empty config has two bytes.
  const headers = { ...accept, ...(what === 'range' && { range: 'bytes=0-1' }) };
  const answer = await ask(world, attempt, what === 'head' ? 'HEAD' : 'GET', path, { headers, isLocal });
  const has = isManifest ? tags.has(target) || manifests.has(target) : blobs.has(target);
  const { who, repository } = attempt;
  const may = isLocal ? world.model.mayLocal(who, repository) : world.model.may(who, 'pull', repository);
  judge(world, attempt, `${isLocal ? 'local ' : ''}${what} ${path}`, answer, [200, 206], may && has);
  if (answer === undefined || answer.status >= 300) return;
  world.granted.push(read);
  if (what === 'blob' && answer.body !== world.model.secrets.get(target))
    throw new Error(`other bytes: ${path}`);
}

async function push(world: AccessWorld, attempt: Attempt): Promise<void> {
  const { repository, pick } = attempt;
  const image = world.newImage();
  const may = world.model.may(attempt.who, 'push', repository);
  for (const blob of [...image.layers, ...(image.config ? [image.config] : [])]) {
    const body = Buffer.concat([...blob.read(0, blob.size)]).toString();
    const answer = await ask(world, attempt, 'POST', `blobs/uploads/?digest=${blob.digest}`, { body });
    judge(world, attempt, 'push of a blob', answer, [201], may);
    world.model.secrets.set(blob.digest, body);
    if (answer?.status === 201) world.model.content(repository).blobs.add(blob.digest);
  }
  const tag = pick % 2 === 0 ? '1' : '2';
  const [body, headers] = [image.payload.toString(), { 'content-type': image.mediaType }];
  const answer = await ask(world, attempt, 'PUT', `manifests/${tag}`, { body, headers });
  judge(world, attempt, 'push of a manifest', answer, [201], may);
  if (answer?.status === 201) world.model.keep(repository, image, tag);
}

/** A manifest that refers to bytes whose digest is all that they know. */
async function steal(world: AccessWorld, attempt: Attempt): Promise<void> {
  const { repository, pick } = attempt;
  const digest = world.model.secretAt(pick, repository);
  const blob = bytesBlob(world.model.secrets.get(digest) ?? '');
  const image = fakeImage({ config: blob, layers: [blob], annotations: { made: world.newSecret() } });
  const [body, headers] = [image.payload.toString(), { 'content-type': image.mediaType }];
  const answer = await ask(world, attempt, 'PUT', 'manifests/2', { body, headers });
  const may =
    world.model.may(attempt.who, 'push', repository) && world.model.content(repository).blobs.has(digest);
  judge(world, attempt, `manifest that refers to ${digest}`, answer, [201], may);
  if (answer?.status === 201) world.model.keep(repository, image, '2');
}

/** From the attempt's repository. */
async function mount(world: AccessWorld, attempt: Attempt, to: string): Promise<void> {
  const { who, repository: from, pick } = attempt;
  const digest = world.model.secretAt(pick, from);
  const query = new URLSearchParams({ mount: digest, from: world.named(from) });
  const path = `blobs/uploads/?${query}`;
  const answer = await ask(world, { ...attempt, repository: to }, 'POST', path, {
    scopes: [world.scope(from)],
  });
  const mayPull = world.model.may(who, 'pull', from) && world.model.content(from).blobs.has(digest);
  const isThere = world.model.content(to).blobs.has(digest);
  // Where it is already, saying so gives nothing away.
  if (!(isThere && answer?.status === 201 && world.model.may(who, 'push', to)))
    judge(
      world,
      attempt,
      `mount to ${to} of ${digest}`,
      answer,
      [201],
      world.model.may(who, 'push', to) && mayPull,
    );
  if (answer?.status === 201) world.model.content(to).blobs.add(digest);
}

async function remove(world: AccessWorld, attempt: Attempt, what: string): Promise<void> {
  const { repository, pick } = attempt;
  const content = world.model.content(repository);
  const digest =
    what === 'manifest' ? world.model.manifestAt(pick, repository) : world.model.secretAt(pick, repository);
  const tag = pick % 2 === 0 ? '1' : '2';
  const targets: Record<string, { path: string; has: boolean }> = {
    tag: { path: `manifests/${tag}`, has: content.tags.has(tag) },
    manifest: { path: `manifests/${digest}`, has: content.manifests.has(digest) },
    blob: { path: `blobs/${digest}`, has: content.blobs.has(digest) },
  };
  const { path = '', has = false } = targets[what] ?? {};
  const answer = await ask(world, attempt, 'DELETE', path);
  const may = world.model.may(attempt.who, 'delete', repository) && has;
  judge(world, attempt, `deletion of ${path}`, answer, [202], may);
  if (answer?.status !== 202) return;
  if (what === 'tag') content.tags.delete(tag);
  if (what === 'blob') content.blobs.delete(digest);
  if (what !== 'manifest') return;
  content.manifests.delete(digest);
  for (const [name, target] of content.tags) if (target === digest) content.tags.delete(name);
}

/** Of an upload that someone else has begun, at its own repository or at another one. */
async function hijack(world: AccessWorld, attempt: Attempt, thief: Who, elsewhere: string): Promise<void> {
  const started = await ask(world, attempt, 'POST', 'blobs/uploads/');
  const location = started?.headers.location;
  if (started?.status !== 202 || location === undefined || thief === attempt.who) return;
  const secret = world.newSecret();
  const scopes = [world.scope(attempt.repository), world.scope(elsewhere)];
  const { pathname } = new URL(location, world.app.url);
  await world.ask(attempt.who, attempt.way, 'PATCH', pathname, { body: secret, scopes });
  const other = pathname.replace(world.named(attempt.repository), world.named(elsewhere));
  const query = `?digest=${digestOf(Buffer.from(secret))}`;
  for (const path of [pathname, other]) {
    for (const [method, target] of [
      ['GET', path],
      ['PATCH', path],
      ['PUT', path + query],
      ['DELETE', path],
    ] as const) {
      const body = method === 'PATCH' ? 'more' : undefined;
      const answer = await world.ask(thief, 'Basic', method, target, { scopes, ...(body && { body }) });
      if (answer && answer.status < 300)
        throw new Error(`${thief} could ${method} an upload of ${attempt.who}: ${answer.status} ${target}`);
    }
  }
}
