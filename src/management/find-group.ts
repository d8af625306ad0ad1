/** Groups as the API names them. */
import type { Group } from '../metadata/groups.ts';
import type { Records } from '../metadata/records.ts';
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
