/** A virtual registry as the pull path sees it: parts that are asked one after the other. */
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
}

export type RegistryPart = RemotePart | LocalUpstream;

export interface RegistryView {
  /** Full path of the top-level group, which decides what local upstreams show; empty: only what is public. */
  readonly groupPath: string;
  /** In their order; at least one, and exactly one remote one where no upstream is local. */
  readonly parts: readonly RegistryPart[];
}

export interface RegistryUpstreams {
  readonly id: number;
  readonly groupId: number;
  readonly groupPath: string;
  /** In the order they are asked. */
  readonly upstreams: readonly AnyUpstream[];
}

export function registryView({ id, groupId, groupPath, upstreams }: RegistryUpstreams): RegistryView {
  const parts: RegistryPart[] = [];
  let together: Upstream[] = [];
  const addRemote = () => {
    const versions = together.map(({ settings }) => `${settings.id}@${settings.updatedAt}`);
    const key = `${id}.${parts.length} ${versions.join()}`;
    parts.push({ key, registryId: id, groupId, upstreams: together });
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
  return { groupPath, parts };
}
