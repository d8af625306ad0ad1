/** How identities ask in an {@link AccessWorld}, and how what they are answered is judged. */
import { type AccessWorld, type Asked, type Attempt, pullScope } from './access-world.ts';
import type { Answer } from './keep-alive.ts';

export const accept = { accept: '*/*' };

/** At the attempt's repository. @param asked isLocal: by the name that it has in a virtual registry */
export function ask(
  world: AccessWorld,
  { who, way, repository }: Attempt,
  method: string,
  path: string,
  { scopes = [], isLocal = false, ...asked }: Asked & { readonly isLocal?: boolean } = {},
): Promise<Answer | undefined> {
  const name = isLocal ? world.localName(repository) : world.named(repository);
  const all = [isLocal ? pullScope(name) : world.scope(repository), ...scopes];
  return world.ask(who, way, method, `/v2/${name}/${path}`, { ...asked, scopes: all });
}

/** Nobody gets what they may not have; and who may, gets it, but with a token that was not made for it. */
export function judge(
  world: AccessWorld,
  { who, way, repository }: Attempt,
  what: string,
  answer: Answer | undefined,
  granted: readonly number[],
  may: boolean,
): void {
  const isGranted = answer !== undefined && granted.includes(answer.status);
  const said = answer === undefined ? 'no token' : `${answer.status} ${answer.body.slice(0, 200)}`;
  const about = `${who} by ${way} at ${repository}: ${what}: ${said}`;
  if (isGranted && !may) throw new Error(`STOLEN: ${about} (${world.model.describe(who)})`);
  const isExact = way !== 'old bearer' && !(who === 'nobody' && way === 'Basic');
  if (isExact && may && !isGranted)
    throw new Error(`refused without reason: ${about} (${world.model.describe(who)})`);
}
