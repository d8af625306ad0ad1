/** Groups and projects alike, as what members, access tokens and deploy tokens belong to. */
import type { Place, PlaceKey } from '../../metadata/namespaces/place.ts';

/** A place as the API names it. */
export interface PlaceReference {
  readonly kind: Place['kind'];
  /** Its number or its full path. */
  readonly reference: string;
}

/** Where audit events of it happened. */
export function auditPlaceOf({ kind, fullPath }: Pick<Place, 'kind' | 'fullPath'>) {
  return kind === 'group' ? { groupPath: fullPath } : { projectPath: fullPath };
}

/** The place as records and the details of audit events name it. */
export function ownerOf({ kind, id }: Place): PlaceKey {
  return kind === 'group' ? { groupId: id } : { projectId: id };
}
