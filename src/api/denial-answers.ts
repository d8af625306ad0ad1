/** What is said to whoever is refused a repository: the cause, as far as they may know it, and what helps. */
import { type Action, scopesFor } from '../auth/rights/access.ts';
import { accessLevels } from '../auth/rights/access-levels.ts';
import type { DenialCause } from '../auth/rights/denial-causes.ts';
import { OciError } from '../oci/errors.ts';

const gerunds: Record<Action, string> = { pull: 'Pulling from', push: 'Pushing to', delete: 'Deleting from' };

/** The error: NAME_UNKNOWN for a pull, DENIED for a change, whatever the cause. */
export function denial(name: string, action: Action, cause: DenialCause): OciError {
  const detail = sentenceOf(name, action, cause) ?? hiddenSentence(name, action);
  return new OciError(action === 'pull' ? 'NAME_UNKNOWN' : 'DENIED', { detail });
}

/** Undefined where nothing may be said. */
function sentenceOf(name: string, action: Action, cause: DenialCause): string | undefined {
  switch (cause.kind) {
    case 'hidden':
      return undefined;
    case 'elsewhere':
      return `${cause.what} is for ${cause.place}, and ${name} is not for it${action === 'delete' ? ' to delete from' : ''}`;
    case 'disabled':
      return `the container registry of the project ${cause.project} is disabled: a Maintainer of it sets container_registry_access_level to enabled or private`;
    case 'too-deep':
      return `${name} is too deep: a repository's name has at most two segments after the path of its project, which is ${cause.project}`;
    case 'group':
      return `${name} is a group, and images are in projects: name one, as in ${name}/PROJECT`;
    case 'no-project': {
      const remedy = cause.mayCreate
        ? 'create it (POST /api/v4/projects)'
        : `ask a Maintainer of the group ${cause.group} to create it`;
      return `there is no project for ${name} in the group ${cause.group}: ${remedy}`;
    }
    case 'scope':
      return `the token lacks the scope for it: ${scopesFor[cause.purpose].join(' or ')}. Make another one`;
    case 'role':
      return `${gerunds[action]} ${name} needs the role ${roleOf(cause.level)} or more in the project ${cause.project}`;
  }
}

function roleOf(level: number): string {
  const [name = String(level)] = Object.entries(accessLevels).find(([, each]) => each === level) ?? [];
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function hiddenSentence(name: string, action: Action): string {
  if (action !== 'pull') {
    const verb = action === 'push' ? 'push to' : 'delete from';
    return `there is no project for ${name} that you may ${verb}: create it (POST /api/v4/projects), ask for the role Developer in its group, or use an access token with the scope write_registry or api`;
  }
  const isVirtual = name.startsWith('virtual_registries/');
  const causes = isVirtual
    ? 'there may be no such virtual registry, the user may not be a member of its group (Guest or more), or their access token may lack the scope read_virtual_registry or api'
    : 'there may be no such project, it may be private and the user have no role in it (Reporter or more), or their access token may lack the scope read_registry or api';
  return `${name} cannot be pulled from: ${causes}`;
}

/** The error for a virtual registry that is not there, or not for whoever asks: it depends on the name alone. */
export function noVirtualRegistry(name: string): OciError {
  return new OciError('NAME_UNKNOWN', {
    detail: `${name} names no virtual registry: ids of virtual registries are numbers, and an image comes after them, as in virtual_registries/container/1/alpine`,
  });
}

export function gone(name: string): OciError {
  return new OciError('NAME_UNKNOWN', {
    detail: `there is no project for ${name} any more: it was renamed, transferred or deleted after the token was issued`,
  });
}

/** The sentence for a repository that a rule protects; it begins as GitLab's token service says it. */
export function guarded(name: string, action: Action): string {
  return `${gerunds[action]} protected repository path forbidden: a protection rule of the project asks for a higher role for ${name}`;
}
