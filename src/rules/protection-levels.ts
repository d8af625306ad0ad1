/** The roles that protection rules ask for, in GitLab's names and numbers. An administrator counts as `admin`. */
export const protectionLevels = { maintainer: 40, owner: 50, admin: 60 } as const;

export type ProtectionLevelName = keyof typeof protectionLevels;

const titles = { maintainer: 'Maintainer', owner: 'Owner', admin: 'administrator' } as const;

/** The name of the lowest of these levels that is at least as high. */
export function protectionLevelName(level: number): ProtectionLevelName {
  if (level <= protectionLevels.maintainer) return 'maintainer';
  return level <= protectionLevels.owner ? 'owner' : 'admin';
}

/** The level's name for people: `Maintainer`. */
export function describeLevel(level: number): string {
  return titles[protectionLevelName(level)];
}
