/**
 * The scopes of a token request: `type:name:action[,action]`, several in one text separated by spaces, or repeated.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/scope.md
 */
import type { ScopeGrant } from './identity.ts';

const maxScopeLength = 1024;
const typePattern = /^[a-z0-9]+(?:\([a-z0-9]+\))?$/;
const actionPattern = /^(?:\*|[a-z_-]+)$/;

/**
 * The scopes that are asked for, each resource once, in the order in which they were asked for last. What is no scope is left out: it
 * only leads to less.
 * @param nameOf the repository that a name stands for, where it is not the one of that name
 */
export function parseScopes(
  texts: readonly string[],
  nameOf: (repository: string) => string = (repository) => repository,
): readonly ScopeGrant[] {
  const byResource = new Map<string, ScopeGrant>();
  for (const text of texts.flatMap((each) => each.split(' '))) {
    const parsed = parseScope(text);
    if (!parsed) continue;
    const scope = parsed.type === 'repository' ? { ...parsed, name: nameOf(parsed.name) } : parsed;
    const resource = `${scope.type}:${scope.name}`;
    const actions = new Set([...(byResource.get(resource)?.actions ?? []), ...scope.actions]);
    byResource.delete(resource);
    byResource.set(resource, { ...scope, actions: [...actions] });
  }
  return [...byResource.values()];
}

/** The name may have colons of its own (`host:5000/image`): the type ends at the first, the actions begin after the last. */
function parseScope(text: string): ScopeGrant | undefined {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (text.length > maxScopeLength || first === last) return undefined;
  const type = text.slice(0, first);
  const name = text.slice(first + 1, last);
  const actions = text
    .slice(last + 1)
    .split(',')
    .filter((action) => actionPattern.test(action));
  if (!typePattern.test(type) || name === '' || actions.length === 0) return undefined;
  return { type, name, actions };
}

/** Lets its bearer see which repositories there are. */
export const catalogScope: ScopeGrant = { type: 'registry', name: 'catalog', actions: ['*'] };

/** Lets its bearer see figures of the whole registry. */
export const statisticsScope: ScopeGrant = { type: 'registry', name: 'statistics', actions: ['*'] };

export function repositoryScope(name: string, actions: readonly string[]): ScopeGrant {
  return { type: 'repository', name, actions };
}

export function formatScope({ type, name, actions }: ScopeGrant): string {
  return `${type}:${name}:${actions.join(',')}`;
}
