/** A virtual registry as the pull path sees it: parts that are asked one after the other. */
import type { RepositoryName } from '../oci/reference.ts';
import type { UpstreamChoice } from '../oci/registry-host.ts';
import { type AnyUpstream, LocalUpstream } from '../upstreams/local-upstream.ts';
import type { Upstream } from '../upstreams/upstream.ts';

/** Remote upstreams with no local one between them: pulls probe them together, and cache what they give. */
export interface RemotePart {
  /** Of what is kept in memory: no other part of any registry has it, nor this one once an upstream was changed. */
  readonly key: string;
  readonly registryId: number;
  readonly groupId: number;
  /** In the order they are asked. */
  readonly upstreams: readonly Upstream[];
  /** Whether images are asked for by the names that they have at the upstreams. */
  readonly areNamesOwn: boolean;
}

export type RegistryPart = RemotePart | LocalUpstream;

export interface RegistryView {
  readonly id: number;
  readonly groupId: number;
  /** Whether everyone may pull from it. */
  readonly isOpen: boolean;
  /** Full path of the top-level group, which decides what local upstreams show; empty: only what is public. */
  readonly groupPath: string;
  /** In their order; at least one, and exactly one remote one where no upstream is local. */
  readonly parts: readonly RegistryPart[];
}

export interface RegistryUpstreams {
  readonly id: number;
  readonly groupId: number;
  readonly groupPath: string;
  readonly isOpen: boolean;
  /** In the order they are asked. */
  readonly upstreams: readonly AnyUpstream[];
}

export function registryView({ id, groupId, groupPath, isOpen, upstreams }: RegistryUpstreams): RegistryView {
  const parts: RegistryPart[] = [];
  let together: Upstream[] = [];
  const addRemote = () => {
    const key = `${id}.${parts.length} ${versionsOf(together)}`;
    parts.push({ key, registryId: id, groupId, upstreams: together, areNamesOwn: false });
    together = [];
  };
  for (const upstream of upstreams) {
    if (!(upstream instanceof LocalUpstream)) {
      together.push(upstream);
      continue;
    }
    if (together.length > 0) addRemote();
    parts.push(upstream);
  }
  if (together.length > 0 || parts.length === 0) addRemote();
  return { id, groupId, groupPath, isOpen, parts };
}

/** The remote upstreams that are chosen, where one of them is asked for the image. */
export function findPartFor(
  { id, groupId, parts }: RegistryView,
  { host }: UpstreamChoice,
  image: RepositoryName,
): RemotePart | undefined {
  const upstreams = parts
    .flatMap((part) => (part instanceof LocalUpstream ? [] : part.upstreams))
    .filter((upstream) => upstream.host === host);
  if (!upstreams.some((upstream) => upstream.allows(image, true))) return undefined;
  const key = `${id}.${host} ${versionsOf(upstreams)}`;
  return { key, registryId: id, groupId, upstreams, areNamesOwn: true };
}

function versionsOf(upstreams: readonly Upstream[]): string {
  return upstreams.map(({ settings }) => `${settings.id}@${settings.updatedAt}`).join();
}
