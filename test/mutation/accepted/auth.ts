import type { AcceptedFault } from '../accepted.ts';

const onlyForTypes =
  'asked for the types alone: what others do not have is undefined, which leads to the same';

const afterCatch = 'undefined is also what a function without an answer gives';
const alwaysFound = 'for the types alone: whoever looks there always finds somebody, or a refusal';

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
    line: 'return grant === -1 ? -1 : grant * actions.length + actions.indexOf(action);',
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
  {
    file: 'auth/tokens/external-tokens.ts',
    line: '} catch {',
    fault: '{}',
    reason: afterCatch,
  },
  {
    file: 'auth/tokens/token-faults.ts',
    line: '} catch {',
    fault: '{}',
    reason: afterCatch,
  },
  {
    file: 'auth/tokens/grant-meta.ts',
    line: 'if (bytes > maxPlainBytes) break;',
    fault: 'bytes >= maxPlainBytes',
    reason: 'where no byte is left nothing is described either',
  },
  {
    file: 'auth/tokens/grants.ts',
    line: 'const looked: Looked[] = [];',
    fault: '["Stryker was here"]',
    reason: 'of a text nothing was granted and nothing refused',
  },
  {
    file: 'auth/tokens/grants.ts',
    line: 'for (let start = omitted; start < wanted.length; start += looksAtOnce) {',
    fault: 'start <= wanted.length',
    reason: 'behind the last there is nothing to look at',
  },
  {
    file: 'auth/tokens/principals.ts',
    line: "return found ?? { value: refuse('unknown'), until: 0 };",
    fault: '{}',
    reason: alwaysFound,
  },
  {
    file: 'auth/tokens/principals.ts',
    line: "return found ?? { value: refuse('unknown'), until: 0 };",
    fault: '""',
    reason: alwaysFound,
  },
  {
    file: 'auth/tokens/recorded-tokens.ts',
    line: "return (await answers.find(tokenHash, () => look(tokenHash)))?.value ?? refuse('unknown');",
    fault: '""',
    reason: alwaysFound,
  },
  {
    file: 'auth/tokens/recorded-tokens.ts',
    line: "return (await answers.find(tokenHash, () => look(tokenHash)))?.value ?? refuse('unknown');",
    fault: '(await answers.find(tokenHash, () => look(tokenHash))).value',
    reason: alwaysFound,
  },
  {
    file: 'auth/tokens/registry-tokens.ts',
    line: 'constructor({ keys, lifetimeMs, otherServices = [], now }: RegistryTokensOptions) {',
    fault: '["Stryker was here"]',
    reason: 'a service that nobody asks for',
  },
  {
    file: 'auth/tokens/registry-tokens.ts',
    line: 'const key = kid === undefined ? undefined : await this.#keys.find(kid);',
    fault: 'false',
    reason: 'for the types alone: no key has no id',
  },
  {
    file: 'auth/tokens/signing-keys.ts',
    line: '#keys: readonly SigningKey[] = [];',
    fault: '["Stryker was here"]',
    reason: 'is read from the records before it is looked at',
  },
  {
    file: 'auth/tokens/verified-tokens.ts',
    line: "return hash('sha256', token, 'base64');",
    fault: '""',
    reason: 'any form of the hash will do',
  },
];
