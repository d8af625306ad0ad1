/** Who may pull whatever is hosted in a group and below it, as a pure function. */
import { effectiveLevel, hasScopeFor, leastPullLevel } from './access.ts';
import { type AnonymousIdentity, type Principal, unknownIdentity } from './identity.ts';

/**
 * May they pull from all of it, whatever the visibility of its projects?
 * @param level the role in the group of their user, if they have one
 */
export function mayPullGroup(
  who: Principal | AnonymousIdentity,
  group: { readonly fullPath: string },
  level: number | undefined,
): boolean {
  switch (who.kind) {
    case 'anonymous':
    case 'job':
      return false;
    case 'user':
      return hasScopeFor(who, 'pull-hosted') && (effectiveLevel(who, level) ?? 0) >= leastPullLevel;
    case 'deploy-token': {
      const { kind, fullPath } = who.place;
      const isInside = kind === 'group' && `${group.fullPath}/`.startsWith(`${fullPath}/`);
      return isInside && hasScopeFor(who, 'pull-hosted');
    }
    default:
      return unknownIdentity(who);
  }
}
