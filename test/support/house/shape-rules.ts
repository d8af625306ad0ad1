/** The rules of how files and folders are called and how big they are. Each gives what breaks it, a line each. */
import { posix } from 'node:path';
import type { Module } from './modules.ts';

const maxLines = 250;
const maxFiles = 30;
const kebabCase = /^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d\.ts|\.tsx?)$/;
const sayNothing = /(?:^|\/)(?:index|utils?|helpers?|common|types)(?:\.ts)?(?=\/|$)/;

/** What is no TypeScript, is not called in kebab-case, or by a name that does not say what it does. */
export function findOddNames(modules: readonly Module[]): string[] {
  return modules.map(({ path }) => path).filter((path) => !kebabCase.test(path) || sayNothing.test(path));
}

/** A file that is longer does two jobs. */
export function findLongFiles(modules: readonly Module[]): string[] {
  return modules
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}

/** A folder with more files has rooms; one with a single thing in it is none. */
export function findOddFolders(modules: readonly Module[]): string[] {
  const folders = new Map<string, Set<string>>();
  for (const { path } of modules)
    for (let inner = path; inner !== '.'; inner = posix.dirname(inner)) {
      const folder = posix.dirname(inner);
      folders.set(folder, (folders.get(folder) ?? new Set()).add(inner));
    }
  return [...folders].flatMap(([folder, inside]) => {
    const files = [...inside].filter((path) => /\.tsx?$/.test(path));
    if (files.length > maxFiles) return `${folder} has ${files.length} files`;
    return inside.size === 1 ? `${folder} has nothing but ${[...inside]}` : [];
  });
}
