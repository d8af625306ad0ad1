/** What people may do in groups and projects, so that they are shown no more than that. The API has the last word. */
import { useAnswer, useConnection } from './use-api.ts';

export type PlaceKind = 'groups' | 'projects';

/** A group or a project, as pages have it. */
export interface PlaceOf {
  readonly kind: PlaceKind;
  /** Its full path. */
  readonly id: string;
}

/** GitLab's numbers, lowest first. */
export const roles = [10, 15, 20, 30, 40, 50] as const;
export type Role = (typeof roles)[number];

/** Those of administrators are above all roles. */
const administrator = 60;
export const [reporter, developer, maintainer, owner] = [20, 30, 40, 50] as const;

/** The role of whoever is signed in; 0: none, or not known yet. @param place undefined: it is not known yet */
export function useRole(place: PlaceOf | undefined): number {
  const { user } = useConnection().session;
  const member = useAnswer(
    `GET /${place?.kind ?? 'groups'}/{id}/members/all/{user_id}`,
    user.is_admin || !place ? undefined : { path: { id: place.id, user_id: user.id } },
  );
  return user.is_admin ? administrator : (member.data?.access_level ?? 0);
}
