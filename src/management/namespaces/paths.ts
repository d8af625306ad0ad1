/** Full paths of groups and projects: repositories are called by them. */
import type { Records } from '../../metadata/db/records.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { RefusedError } from '../acting/refused-error.ts';

/** Image names that begin with it belong to virtual registries. */
const reservedPath = 'virtual_registries';

/**
 * The full path, in lower case.
 * @param parentPath full path of the group around it; undefined: none
 * @param path its own segment
 * @throws RefusedError invalid
 */
export function fullPathOf(parentPath: string | undefined, path: string): string {
  const segment = path.toLowerCase();
  if (!isRepositoryName(segment) || segment.includes('/')) {
    throw refuse("can contain only letters, digits, and '_', '-', '.' between them");
  }
  // A path of digits alone would be taken for an id.
  if (/^\d+$/.test(segment)) throw refuse('can not be a number');
  if (parentPath === undefined && segment === reservedPath) throw refuse('is a reserved name');
  const fullPath = parentPath === undefined ? segment : `${parentPath}/${segment}`;
  if (!isRepositoryName(fullPath)) throw refuse('is too long together with the path of its group');
  return fullPath;
}

/**
 * A group and a project cannot have the same full path. Part of a transaction that holds the group around it, so that what
 * is free stays so.
 * @throws RefusedError invalid
 */
export async function demandFreePath(
  { groups, projects }: Pick<Records, 'groups' | 'projects'>,
  fullPath: string,
): Promise<void> {
  const taken = (await groups.findByPath(fullPath)) ?? (await projects.findByPath(fullPath));
  if (taken) throw refuse('has already been taken');
}

/** The name as a path may be: `Röd Grød 2` becomes `rod-grod-2`. Empty where nothing of the name can be kept. */
export function pathFromName(name: string): string {
  const letters = name.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
  return letters
    .replace(/[^a-z0-9_-]/g, (letter) => spelling[letter] ?? '-')
    .replace(/-{2,}/g, '-')
    .replace(/^-|-$/g, '');
}

/** Latin letters that are not a plain one with a mark. */
const spelling: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
};

function refuse(fault: string): RefusedError {
  return new RefusedError('invalid', { path: [fault] });
}
