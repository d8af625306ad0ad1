/** Roles are GitLab's numbers, so 40 is 40 in the API, in the records and here. */
export const accessLevels = {
  guest: 10,
  planner: 15,
  reporter: 20,
  developer: 30,
  maintainer: 40,
  owner: 50,
} as const;

export type AccessLevel = (typeof accessLevels)[keyof typeof accessLevels];

export function isAccessLevel(level: number): level is AccessLevel {
  return Object.values(accessLevels).some((known) => known === level);
}
