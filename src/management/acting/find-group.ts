/** Groups as the API names them. */

import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import { RefusedError } from './refused-error.ts';

/**
 * @param reference the group's number or its full path
 * @throws RefusedError not-found
 */
export async function getGroup({ groups }: Pick<Records, 'groups'>, reference: string): Promise<Group> {
  const isNumber = /^\d{1,15}$/.test(reference);
  const group = isNumber
    ? await groups.find(Number(reference))
    : await groups.findByPath(reference.toLowerCase());
  if (!group) throw new RefusedError('not-found', 'Group');
  return group;
}

/** @throws RefusedError bad-request for a user's own namespace, which is what its user is, for that user alone */
export function demandNoUser({ userId, fullPath }: Group): void {
  if (userId === undefined) return;
  throw new RefusedError(
    'bad-request',
    `${fullPath} is the namespace of a user: it is renamed and removed with the user, and has projects, but neither members nor subgroups nor virtual registries.`,
  );
}

/** Holds a group that must still be there: see Groups.hold. @throws RefusedError not-found where it was removed meanwhile */
export async function holdGroup({ groups }: Pick<Records, 'groups'>, id: number): Promise<void> {
  if (!(await groups.hold(id))) throw new RefusedError('not-found', 'Group');
}
