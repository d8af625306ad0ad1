/** Settings as they are written, in YAML or in the environment: a path such as `http.address`, a value, and where it stands. */
import { isAlias, isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { reasonOf } from './system-reasons.ts';

export interface Setting {
  readonly path: string;
  readonly value: unknown;
  /** `config.yaml:12`, or the name of a variable. */
  readonly origin: string;
}

export interface Fault {
  readonly origin: string;
  /** Of the setting, or of what is written where a setting should be; empty where the text as a whole is at fault. */
  readonly path: string;
  readonly message: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every fault of what an operator configured, one a line. Secret values are never part of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(
      faults
        .map(({ origin, path, message }) => [origin, path, message].filter(Boolean).join(': '))
        .join('\n'),
    );
    this.faults = faults;
  }
}

/** Gathers what is wrong, so that all of it is said at once. */
export class Faults {
  readonly #faults: Fault[] = [];

  add(origin: string, path: string, message: string): void {
    this.#faults.push({ origin, path, message });
  }

  /** Undefined where a ConfigError is thrown, whose faults are kept. */
  collect<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#faults.push(...error.faults);
      return undefined;
    }
  }

  get any(): boolean {
    return this.#faults.length > 0;
  }

  toError(): ConfigError {
    return new ConfigError(this.#faults);
  }
}

/** Settings that may be a mapping themselves. */
const mappings: readonly string[] = ['storage.redirect'];

/** @param name of the file, for {@link Setting.origin}. @throws ConfigError where the text is not a YAML mapping */
export function readYaml(name: string, text: string): Setting[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const originOf = (offset: number | undefined) =>
    offset === undefined ? name : `${name}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ pos, message }) => ({ origin: originOf(pos[0]), path: '', message })),
    );
  }
  const root = document.contents;
  if (root !== null && !isMap(root) && document.toJS() !== null) {
    throw new ConfigError([{ origin: name, path: '', message: 'expected a mapping of settings' }]);
  }

  const settings: Setting[] = [];
  const collect = (node: Node | null, path: readonly string[], offset: number | undefined): void => {
    const target = isAlias(node) ? node.resolve(document) : node;
    if (isMap<Node, Node | null>(target) && !mappings.includes(path.join('.'))) {
      for (const { key, value } of target.items) collect(value, [...path, String(key)], key.range?.[0]);
      return;
    }
    const value: unknown = target?.toJS(document) ?? null;
    // `url:` with nothing after it, as where a value was commented out, keeps the default.
    if (value !== null) settings.push({ path: path.join('.'), value, origin: originOf(offset) });
  };
  collect(root, [], undefined);
  return settings;
}

export const variablePrefix = 'ENTREPOT_';

/** `http.address` is set by `ENTREPOT_HTTP__ADDRESS`. */
export function variableOf(path: string): string {
  return variablePrefix + path.replaceAll('.', '__').toUpperCase();
}

/**
 * The value of a variable, or of the file that `NAME_FILE` names, without the line's end.
 * @param readFile throws where the file cannot be read
 * @throws ConfigError where the file cannot be read or both variables are set
 */
export function readVariable(
  environment: Environment,
  name: string,
  readFile: (path: string) => string,
): string | undefined {
  const origin = `${name}_FILE`;
  const value = environment[name];
  const file = environment[origin];
  if (!file) return value;
  if (value) throw new ConfigError([{ origin, path: '', message: `expected either ${name} or ${origin}` }]);
  try {
    return readFile(file).trimEnd();
  } catch (error) {
    throw new ConfigError([{ origin, path: '', message: `cannot read ${file}: ${reasonOf(error)}` }]);
  }
}

/** What Kubernetes and Docker links set for a service named entrepot; it is not meant for us. */
const serviceLink =
  /^ENTREPOT_(?:[A-Z0-9]+_)*(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9]+)*|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** The names of all variables that are meant for us, without `_FILE` where what remains is one of `known`. */
export function variableNames(environment: Environment, known: ReadonlySet<string>): Set<string> {
  const names = Object.keys(environment).filter(
    (name) => name.startsWith(variablePrefix) && !serviceLink.test(name),
  );
  return new Set(
    names.map((name) => {
      const base = name.replace(/_FILE$/, '');
      return known.has(base) ? base : name;
    }),
  );
}

/** The candidate that is likely meant by a mistyped name. */
export function findNearest(name: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, name.length / 4);
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance > least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/** Levenshtein's: how many letters must be added, removed or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
