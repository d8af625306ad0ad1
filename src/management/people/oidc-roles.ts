/**
 * Roles that follow from someone's groups at the OpenID provider. The provider governs the places that are configured so: at each sign-in
 * a person's role there becomes what their groups say now, and ends where they say nothing. All other roles are left alone.
 */

import { type AccessLevel, accessLevels } from '../../auth/rights/access-levels.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import { parentPathOf } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { holdGroup } from '../acting/find-group.ts';
import { auditPlaceOf, ownerOf } from '../namespaces/places.ts';

/** Whoever is in this group over there has this role here. */
export interface GroupRole {
  readonly providerGroup: string;
  /** The full path of a group or project, in lower case. */
  readonly fullPath: string;
  readonly accessLevel: AccessLevel;
}

const pairPattern = /^(.+)=([^=:\s]+):([a-z]+)$/;

/** @param text `idp-group=group/path:developer`. Undefined where it is not written so */
export function parseGroupRole(text: string): GroupRole | undefined {
  const [, providerGroup, path, role] = pairPattern.exec(text) ?? [];
  const found = Object.entries(accessLevels).find(([name]) => name === role);
  if (providerGroup === undefined || path === undefined || !found) return undefined;
  return { providerGroup, fullPath: path.toLowerCase(), accessLevel: found[1] };
}

/**
 * @param tx of the sign-in
 * @param groups of the person, as the provider says
 * @returns full paths that are configured and do not exist
 */
export async function applyGroupRoles(
  tx: Records,
  actor: Actor,
  userId: number,
  groups: readonly string[],
  groupRoles: readonly GroupRole[],
): Promise<readonly string[]> {
  const missing: string[] = [];
  // The order is the same for everyone, so that two who sign in do not wait for each other.
  for (const fullPath of [...new Set(groupRoles.map((each) => each.fullPath))].sort()) {
    const place = await findPlace(tx, fullPath);
    if (!place) {
      missing.push(fullPath);
      continue;
    }
    const levels = groupRoles
      .filter((each) => each.fullPath === fullPath && groups.includes(each.providerGroup))
      .map(({ accessLevel }) => accessLevel);
    await applyRole(tx, actor, userId, place, levels.length > 0 ? Math.max(...levels) : undefined);
  }
  return missing;
}

async function findPlace(tx: Records, fullPath: string): Promise<Place | undefined> {
  const group = await tx.groups.findByPath(fullPath);
  if (group) return { kind: 'group', id: group.id, fullPath };
  const project = await tx.projects.findByPath(fullPath);
  return project && { kind: 'project', id: project.id, fullPath };
}

async function applyRole(
  tx: Records,
  actor: Actor,
  userId: number,
  place: Place,
  level: number | undefined,
): Promise<void> {
  const owner = ownerOf(place);
  const known = await tx.members.find(owner, userId);
  if (known ? known.accessLevel === level && known.expiresAt === undefined : level === undefined) return;
  if (known && (level ?? 0) < known.accessLevel && (await isLastOwner(tx, place, userId, known.accessLevel)))
    return;
  const change = (action: string, accessLevel: number) =>
    recordChange(tx, actor, {
      action,
      targetId: userId,
      ...auditPlaceOf(place),
      details: { ...owner, userId, accessLevel, by: 'oidc' },
    });
  if (level === undefined) {
    await tx.members.remove(owner, userId);
    await change('member.delete', known?.accessLevel ?? 0);
  } else if (known) {
    await tx.members.update(owner, userId, { accessLevel: level, expiresAt: null });
    await change('member.update', level);
  } else {
    await tx.members.create({ ...owner, userId, accessLevel: level });
    await change('member.create', level);
  }
}

/** A top-level group keeps an Owner, whatever the provider says. */
async function isLastOwner(tx: Records, place: Place, userId: number, level: number): Promise<boolean> {
  const isTopLevel = place.kind === 'group' && parentPathOf(place.fullPath) === '';
  if (!isTopLevel || level < accessLevels.owner) return false;
  await holdGroup(tx, place.id);
  return !(await tx.members.hasOtherOwner(place.fullPath, userId));
}
