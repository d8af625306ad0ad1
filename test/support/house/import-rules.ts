/** The rules of who may import what. Each takes the files of a tree and a table, and gives what breaks it, a line each. */
import type { Module } from './modules.ts';

/** What each room may import, by its name: that of a top folder, or of a file at the top. */
export type Arrows = Readonly<Record<string, readonly string[]>>;

/** Folders and files by whatever package they alone may import; `everywhere` is all of them. */
export type Homes = Readonly<Record<string, readonly string[] | 'everywhere'>>;

/** @param typesOfAll files whose types everybody may import */
export function findCrossings(
  modules: readonly Module[],
  arrows: Arrows,
  typesOfAll: string[] = [],
): string[] {
  const rooms = new Set(modules.map(({ path }) => roomOf(path)));
  const unknown = [...rooms].filter((room) => !arrows[room]).map((room) => `${room} has no row`);
  const empty = Object.keys(arrows).filter((room) => !rooms.has(room));
  const crossings = eachImport(modules, ({ path, file, isType, from }) => {
    if (from === undefined) return `${path} imports what is computed`;
    if (file === undefined || roomOf(file) === roomOf(path)) return undefined;
    if (isType && typesOfAll.includes(file)) return undefined;
    return arrows[roomOf(path)]?.includes(roomOf(file)) === false ? `${path} imports ${file}` : undefined;
  });
  return [...unknown, ...empty.map((room) => `${room} has a row and no file`), ...crossings];
}

/** What a room may import and does not: the table says no more than it must. */
export function findUnusedArrows(modules: readonly Module[], arrows: Arrows): string[] {
  const used = new Set(eachImport(modules, ({ path, file }) => file && `${roomOf(path)} → ${roomOf(file)}`));
  const all = Object.entries(arrows).flatMap(([room, others]) => others.map((other) => `${room} → ${other}`));
  return all.filter((arrow) => !used.has(arrow));
}

/** Of packages and of Node's own modules: those that no row names, and those outside of their homes. */
export function findStrayPackages(modules: readonly Module[], homes: Homes): string[] {
  return eachImport(modules, ({ path, from, file }) => {
    if (from === undefined || file !== undefined) return undefined;
    const home = Object.hasOwn(homes, from) ? homes[from] : [];
    if (home === 'everywhere' || home?.some((each) => path === each || path.startsWith(`${each}/`)))
      return undefined;
    return `${path} imports ${from}`;
  });
}

/** Rows of packages that nobody imports. */
export function findUnusedHomes(modules: readonly Module[], homes: Homes): string[] {
  const used = new Set(eachImport(modules, ({ from }) => from));
  return Object.keys(homes).filter((name) => !used.has(name));
}

/** Cycles between files, type imports included. @param typeLists files whose own imports of types do not count */
export function findCycles(modules: readonly Module[], typeLists: readonly string[] = []): string[] {
  const edges = modules.map(({ path, imports }) => {
    const counting = imports.filter(({ isType }) => !isType || !typeLists.includes(path));
    return [path, counting.flatMap(({ file }) => file ?? [])] as const;
  });
  return cyclesOf(new Map(edges));
}

/** Cycles between rooms, as a table allows them. */
export function findArrowCycles(arrows: Arrows): string[] {
  return cyclesOf(new Map(Object.entries(arrows)));
}

/** Whoever uses `process` and is none of these. */
export function findProcessUsers(modules: readonly Module[], allowed: readonly string[]): string[] {
  return modules
    .filter(({ path, usesProcess }) => usesProcess && !allowed.includes(path))
    .map(({ path }) => path);
}

/** Names come from where they are made: what passes others' on hides cycles. */
export function findReexports(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, reexports }) => reexports.map((from) => `${path} exports from ${from}`));
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

type ImportOf = Module['imports'][number] & { readonly path: string };

function eachImport(modules: readonly Module[], judge: (each: ImportOf) => string | undefined): string[] {
  const all = modules.flatMap(({ path, imports }) => imports.map((each) => judge({ path, ...each })));
  return all.filter((fault) => fault !== undefined);
}

function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) cycles.push([...path.slice(path.indexOf(node)), node].join(' → '));
    if (done.has(node) || path.includes(node)) return;
    for (const next of edges.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of edges.keys()) visit(node, []);
  return cycles;
}
