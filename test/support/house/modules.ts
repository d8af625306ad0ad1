/** Reads a tree of sources: what each file imports, in whatever way, and which names that only the program's entry may use. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
// The parser that Vitest brings with it: it is one call, where TypeScript's own API opens a whole project in another process.
import { type ESTree, parseSync, Visitor } from 'vite';

/** Texts by path; paths are relative to the tree's root. */
export type Tree = Readonly<Record<string, string>>;

export interface Module {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly reexports: readonly string[];
  /** Mentions the global `process`, or `process` of whatever may be the global object. */
  readonly usesProcess: boolean;
}

export interface Import {
  /** What stands in the quotes; undefined: it is computed. */
  readonly from: string | undefined;
  /** Path of the file in the tree; undefined for a package. */
  readonly file: string | undefined;
  /** Gone when the code runs. */
  readonly isType: boolean;
}

export function readTree(root: string): Tree {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [relative(root, path), readFileSync(path, 'utf8')]));
}

/** @throws Error for what is no TypeScript */
export function readModules(tree: Tree): Module[] {
  return Object.entries(tree).map(([path, text]) => readModule(path, text));
}

function readModule(path: string, text: string): Module {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const reexports: string[] = [];
  let usesProcess = false;
  const add = (source: ESTree.Node | undefined, isType: boolean) => {
    const from = source && textOf(source);
    const file = from?.startsWith('.') ? posix.join(posix.dirname(path), from) : undefined;
    imports.push({ from, file, isType });
    return from ?? '';
  };
  const others = new Set<ESTree.Node>();
  new Visitor({
    ImportDeclaration({ source, specifiers, importKind }) {
      const areTypes = specifiers.map(
        (each) => each.type === 'ImportSpecifier' && each.importKind === 'type',
      );
      add(source, importKind === 'type' || (areTypes.length > 0 && !areTypes.includes(false)));
    },
    ExportNamedDeclaration({ source, exportKind }) {
      if (source) reexports.push(add(source, exportKind === 'type'));
    },
    ExportAllDeclaration({ source, exportKind }) {
      reexports.push(add(source, exportKind === 'type'));
    },
    ImportExpression: ({ source }) => void add(source, false),
    TSImportType: ({ source }) => void add(source, true),
    TSExternalModuleReference: ({ expression }) => void add(expression, false),
    CallExpression({ callee, arguments: [first] }) {
      if (
        isNamed(callee, 'require') ||
        (callee.type === 'CallExpression' && isNamed(callee.callee, 'createRequire'))
      )
        add(first, false);
    },
    MemberExpression({ object, property, computed }) {
      const isGlobal = isNamed(object, 'global') || isNamed(object, 'globalThis');
      if (isGlobal && computed && textOf(property) === 'process') usesProcess = true;
      if (!isGlobal && !computed) others.add(property);
    },
    Identifier(node) {
      if (node.name === 'process' && !others.has(node)) usesProcess = true;
    },
  }).visit(program);
  return { path, lines: text.split('\n').length - 1, imports, reexports, usesProcess };
}

function isNamed(node: ESTree.Node, name: string): boolean {
  return node.type === 'Identifier' && node.name === name;
}

/** Of a literal; undefined for what is computed. */
function textOf(node: ESTree.Node): string | undefined {
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}
