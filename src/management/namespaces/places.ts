/** Groups and projects alike, as what members, access tokens and deploy tokens belong to. */

import type { TokenPlace } from '../../metadata/tokens/token-place.ts';
import { parentPathOf } from '../../oci/reference.ts';

export interface Place {
  readonly kind: 'group' | 'project';
  readonly id: number;
  readonly fullPath: string;
}

/** As the API names one. */
export interface PlaceReference {
  readonly kind: Place['kind'];
  /** Its number or its full path. */
  readonly reference: string;
}

/** Where audit events of it happened: of a project, its group as well. */
export function auditPlaceOf({ kind, fullPath }: Pick<Place, 'kind' | 'fullPath'>): {
  readonly groupPath: string;
  readonly projectPath?: string;
} {
  if (kind === 'group') return { groupPath: fullPath };
  return { groupPath: parentPathOf(fullPath), projectPath: fullPath };
}

/** As the details of audit events name it. */
export function idOf({ kind, id }: Place) {
  return kind === 'group' ? { group_id: id } : { project_id: id };
}

/** As records name it. */
export function ownerOf({ kind, id }: Place): TokenPlace {
  return kind === 'group' ? { groupId: id } : { projectId: id };
}
