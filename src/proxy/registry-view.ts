/** A virtual registry as the pull path sees it: parts that are asked one after the other. */
import { type AnyUpstream, LocalUpstream } from '../upstreams/local-upstream.ts';
import type { Upstream } from '../upstreams/upstream.ts';

/** Remote upstreams with no local one between them: pulls probe them together, and cache what they give. */
export interface RemotePart {
  /** Of what is kept in memory: no other part of any registry has it. */
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
  const addRemote = (): Upstream[] => {
    const together: Upstream[] = [];
    parts.push({ key: `${id}.${parts.length}`, registryId: id, groupId, upstreams: together });
    return together;
  };
  let together: Upstream[] | undefined;
  for (const upstream of upstreams) {
    if (upstream instanceof LocalUpstream) {
      parts.push(upstream);
      together = undefined;
    } else {
      together ??= addRemote();
      together.push(upstream);
    }
  }
  if (parts.length === 0) addRemote();
  return { groupPath, parts };
}
