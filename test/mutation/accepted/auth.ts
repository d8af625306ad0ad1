import type { AcceptedFault } from '../accepted.ts';

const onlyForTypes =
  'asked for the types alone: what others do not have is undefined, which leads to the same';

export const acceptedInAuth: readonly AcceptedFault[] = [
  {
    file: 'auth/rights/access.ts',
    line: "internal: { enabled: { ...membersOnly, pull: 'sign-in' }, private: membersOnly, disabled: off },",
    fault: '""',
    reason: 'a role that is no number compares as 0, which everyone who signed in has',
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "if (who.kind === 'user' && who.isProjectBot)",
    fault: 'true',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "if (who.kind === 'user') return undefined;",
    fault: 'false',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "if (who.kind === 'user') return undefined;",
    fault: '""',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "return who.kind === 'deploy-token' ? 0 : (effectiveLevel(who, level) ?? 0);",
    fault: 'false',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "return who.kind === 'deploy-token' ? 0 : (effectiveLevel(who, level) ?? 0);",
    fault: '""',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/denial-causes.ts',
    line: "return who.kind === 'user' ? { ...who, scopes: 'all' } : who;",
    fault: 'true',
    reason: 'jobs have no scopes that are looked at, and no deploy token comes here',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: 'const index = grant * actions.length + actions.indexOf(action);',
    fault: 'ArithmeticOperator',
    reason: 'any number will do that is another one for each grant and action, and these are',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: "const standing = (await this.#standings.find(who, name, 'push'))?.value;",
    fault: '""',
    reason: 'whatever is not pulling is alike there',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: 'const allowed = remembered.get(identity) ?? [];',
    fault: '["Stryker was here"]',
    reason: 'a text is no time that lies ahead',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: "const isExternal = identity.kind === 'registry-token' && identity.principal?.kind === 'external';",
    fault: 'true',
    reason: onlyForTypes,
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: "if (action === 'pull' || standing.value.kind !== 'hosted') return { value: 'allowed', until: holds };",
    fault: 'false',
    reason: 'for the types alone: where nothing is hosted, nothing but pulling has a standing',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: 'if (!rules) return refused;',
    fault: 'false',
    reason: 'for the types alone: the list of rules may be empty, but there is always one',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: 'for (let index = 0; index < access.length; index += 1) {',
    fault: 'index <= access.length',
    reason: 'behind the last there is undefined, which is no grant',
  },
  {
    file: 'auth/rights/repository-rights.ts',
    line: "if (grant?.name === name && grant.type === 'repository' && grant.actions.includes(action)) return index;",
    fault: 'grant.name',
    reason: 'for the types alone: the index is one of the list',
  },
];
