/** What repositories are called here that have other names where they come from. */
import { minProjectSegments } from '../../metadata/namespaces/projects.ts';
import { isRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import { SourceFault } from '../../replication/image-source.ts';
import { UsageError } from '../command.ts';

export interface MappedName {
  readonly name: RepositoryName;
  /** The full path of the project to make where none owns the name. */
  readonly project: string;
}

interface Rule {
  readonly from: Pattern;
  readonly to: Pattern;
}

/** What comes before and after its `*`. Without one it is a whole name, and has no end. */
interface Pattern {
  readonly start: string;
  readonly end: string | undefined;
}

/** As `*` alone, every name is taken as it is. */
const asItIs: Rule = { from: { start: '', end: '' }, to: { start: '', end: '' } };

export class NameMap {
  readonly #rules: readonly Rule[];

  /** @param texts such as `old/*=group/project/*`: the first that matches counts; none: names stay. @throws UsageError */
  constructor(texts: readonly string[]) {
    this.#rules = texts.length === 0 ? [asItIs] : texts.map(parseRule);
  }

  /** Undefined where no rule is for it. @throws SourceFault where what becomes of it is no name */
  find(name: string): MappedName | undefined {
    for (const { from, to } of this.#rules) {
      const rest = match(from, name);
      if (rest === undefined) continue;
      const mapped = to.end === undefined ? to.start : to.start + rest + to.end;
      if (isRepositoryName(mapped)) return { name: mapped, project: projectOf(to, mapped) };
      throw new SourceFault(`'${mapped}' is no name of a repository here: give it another by --map`);
    }
    return undefined;
  }
}

/** What the rule says before its `*`, where that can be a project; else all segments but the last are groups. */
function projectOf({ start, end }: Pattern, name: string): string {
  const said = start.slice(0, Math.max(0, start.lastIndexOf('/')));
  return end !== undefined && said.split('/').length >= minProjectSegments ? said : name;
}

function match({ start, end }: Pattern, name: string): string | undefined {
  if (end === undefined) return name === start ? '' : undefined;
  const isMatch = name.length > start.length + end.length && name.startsWith(start) && name.endsWith(end);
  return isMatch ? name.slice(start.length, name.length - end.length) : undefined;
}

function parseRule(text: string): Rule {
  const [left = '', right = '', ...more] = text.split('=');
  const [from, to] = [parsePattern(left), parsePattern(right)];
  if (more.length === 0 && left !== '' && from && to && isSound(from, to)) return { from, to };
  throw new UsageError(
    `--map: '${text}' is no rule such as 'old/*=group/project/*', with one * on both sides or none, and a name of here on the right`,
  );
}

function isSound(from: Pattern, to: Pattern): boolean {
  if (to.end === undefined) return from.end === undefined && isRepositoryName(to.start);
  return from.end !== undefined && isRepositoryName(`${to.start}x${to.end}`);
}

/** Undefined where there is more than one `*`. */
function parsePattern(text: string): Pattern | undefined {
  const [start = '', end, ...more] = text.split('*');
  return more.length === 0 ? { start, end } : undefined;
}
