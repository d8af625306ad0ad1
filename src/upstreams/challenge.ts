/** WWW-Authenticate. https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const separators = /[\s,]*/y;
const parameter = /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",=][^\s",]*))/y;
const scheme = /([!#$%&'*+.^_`|~\w-]+)(?=[\s,]|$)/y;
/** One opaque value instead of parameters, as Negotiate has it. */
const opaque = /[ \t]+[\w.~+/-]+=*[ \t]*(?=,|$)/y;

/** All challenges, in their order. What follows a malformed part is left out. */
export function parseChallenges(header = ''): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match) position += match[0].length;
    return match;
  };
  for (;;) {
    take(separators);
    const current = challenges.at(-1);
    const pair = current && take(parameter);
    if (current && pair) {
      const [, name = '', quoted, bare = ''] = pair;
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare);
      continue;
    }
    const [, name] = take(scheme) ?? [];
    if (name === undefined) return challenges;
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    take(opaque);
  }
}
