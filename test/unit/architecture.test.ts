import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  findArrowCycles,
  findCrossings,
  findCycles,
  findProcessUsers,
  findReexports,
  findStrayPackages,
} from '../support/house/import-rules.ts';
import { readModules, readTree } from '../support/house/modules.ts';
import { findLongFiles, findOddFolders, findOddNames } from '../support/house/shape-rules.ts';
import {
  arrows,
  homes,
  pageArrows,
  pageHomes,
  processUsers,
  typeLists,
  typesOfAll,
} from '../support/house/table.ts';

const house = readModules(readTree(resolve(import.meta.dirname, '../../src')));

/** Whatever names another module, in a file of its own each. */
const waysToImport = (from: string) => [
  `import { y } from '${from}';`,
  `import y from '${from}';`,
  `import * as y from '${from}';`,
  `import '${from}';`,
  `import type { Y } from '${from}';`,
  `import { type Y } from '${from}';`,
  `export { y } from '${from}';`,
  `export type { Y } from '${from}';`,
  `export * from '${from}';`,
  `export * as y from '${from}';`,
  `const y = await import('${from}');`,
  `const y = await import(\`${from}\`);`,
  `type X = import('${from}').Y;`,
  `type X = typeof import('${from}');`,
  `const y = require('${from}');`,
  `const y = createRequire(import.meta.url)('${from}');`,
  `import y = require('${from}');`,
];

/** What is written by hand: the API's description is not there before it is made. */
const page = readModules(
  Object.fromEntries(
    Object.entries(readTree(resolve(import.meta.dirname, '../../ui/src'))).filter(
      ([path]) => /\.tsx?$/.test(path) && path !== 'api/schema.ts',
    ),
  ),
);

describe('the page keeps the rules of the house', () => {
  test('it has files to look at', () => {
    expect(page.length).toBeGreaterThan(30);
  });

  test('it imports along its arrows, nothing of the server, and only what comes along with it', () => {
    expect(findCrossings(page, pageArrows)).toEqual([]);
    expect(findStrayPackages(page, pageHomes)).toEqual([]);
    expect(findArrowCycles(pageArrows)).toEqual([]);
    expect(findCycles(page)).toEqual([]);
    expect(findReexports(page)).toEqual([]);
    expect(findProcessUsers(page, [])).toEqual([]);
  });

  test('caught: the page that looks into the server', () => {
    const modules = readModules({ 'pages/a.tsx': "import type { Y } from '../../../src/oci/digest.ts';" });
    expect(findCrossings(modules, { pages: [] })).toEqual(['pages/a.tsx imports ../../src/oci/digest.ts']);
  });

  test('its files have a name and a size', () => {
    expect(findOddNames(page)).toEqual([]);
    expect(findLongFiles(page)).toEqual([]);
    expect(findOddFolders(page)).toEqual([]);
  });
});

test('the house has files to look at', () => {
  expect(house.length).toBeGreaterThan(100);
  expect(house.flatMap(({ imports }) => imports).length).toBeGreaterThan(1000);
});

describe('rooms import only along the arrows', () => {
  const table = { low: [], high: ['low'] };

  test('in the house', () => {
    expect(findCrossings(house, arrows, typesOfAll)).toEqual([]);
  });

  test('as docs/architecture.md says', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/architecture.md'), 'utf8');
    const rows = [...page.matchAll(/^([a-z.]+(?: [a-z.]+)*) +→ +([a-z. ]+|—)/gm)];
    const all: string[] = [];
    const said = rows.flatMap(([, names = '', others = '']) => {
      const seen =
        others === 'all of the above' ? [...all] : others.split(' ').filter((room) => arrows[room]);
      all.push(...names.split(' '));
      return names.split(' ').map((room) => [room, seen.toSorted()] as const);
    });
    const known = Object.entries(arrows).map(
      ([room, others]) => [room, others.filter((other) => other !== '..').toSorted()] as const,
    );
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(known));
  });

  test('the arrows lead nowhere in a circle', () => {
    expect(findArrowCycles(arrows)).toEqual([]);
    expect(findArrowCycles({ a: ['b'], b: ['c'], c: ['a'] })).toEqual(['a → b → c → a']);
  });

  test.each(waysToImport('../high/b.ts'))('caught: %s', (text) => {
    const modules = readModules({ 'low/a.ts': text, 'high/b.ts': '' });
    expect(findCrossings(modules, table)).toEqual(['low/a.ts imports high/b.ts']);
  });

  test.each(waysToImport('../low/b.ts'))('allowed: %s', (text) => {
    expect(findCrossings(readModules({ 'high/a.ts': text, 'low/b.ts': '' }), table)).toEqual([]);
  });

  test('caught: a room, or a file at the top, that has no row; and a row that has no room', () => {
    const modules = readModules({ 'attic/a.ts': '', 'hall.ts': '', 'low/a.ts': '' });
    expect(findCrossings(modules, table)).toEqual([
      'attic has no row',
      'hall.ts has no row',
      'high has a row and no file',
    ]);
  });

  test('caught: a way that is computed', () => {
    const modules = readModules({ 'low/a.ts': 'await import(where);', 'high/b.ts': '' });
    expect(findCrossings(modules, table)).toEqual(['low/a.ts imports what is computed']);
  });

  test('caught: more than types, where types alone are for all', () => {
    const modules = readModules({
      'low/a.ts': "import type { Y } from '../high/b.ts';",
      'low/b.ts': "import { type Y, y } from '../high/b.ts';",
      'high/b.ts': '',
    });
    expect(findCrossings(modules, table, ['high/b.ts'])).toEqual(['low/b.ts imports high/b.ts']);
  });
});

describe('packages stay at home', () => {
  const table = { kysely: ['metadata', 'app/records.ts'], 'node:util': 'everywhere' } as const;
  const strays = (path: string, text: string) => findStrayPackages(readModules({ [path]: text }), table);

  test('in the house', () => {
    expect(findStrayPackages(house, homes)).toEqual([]);
  });

  test.each(waysToImport('kysely'))('caught: %s', (text) => {
    expect(strays('api/a.ts', text)).toEqual(['api/a.ts imports kysely']);
    expect(strays('metadata/db/a.ts', text)).toEqual([]);
  });

  test.each(['kysely/dist/esm/kysely.js', 'left-pad', 'node:child_process', 'constructor'])(
    'caught, since no row names it: %s',
    (name) => {
      expect(strays('metadata/a.ts', `import '${name}';`)).toEqual([`metadata/a.ts imports ${name}`]);
    },
  );

  test('caught: a module of Node without its prefix', () => {
    expect(strays('api/a.ts', "import 'util'; import 'node:util';")).toEqual(['api/a.ts imports util']);
  });

  test('caught: a file that is like the name of a home, or beside one', () => {
    const text = "import 'kysely';";
    expect(strays('metadata-more/a.ts', text)).toHaveLength(1);
    expect(strays('app/a.ts', text)).toHaveLength(1);
    expect(strays('app/records.ts', text)).toEqual([]);
  });
});

describe('process is an argument', () => {
  test('in the house', () => {
    expect(findProcessUsers(house, processUsers)).toEqual([]);
    expect(findProcessUsers(house, [])).toEqual(processUsers);
  });

  test.each([
    'process.env.HOME;',
    'process.exit(1);',
    "process.on('exit', stop);",
    'process.cwd();',
    'process.stdout.write(text);',
    'globalThis.process.argv;',
    "globalThis['process'].pid;",
    'global.process.pid;',
    'const { process } = globalThis;',
    'const { process: own } = globalThis;',
    'const { env } = process;',
    'export function start(own = process) {}',
    'type Own = typeof process;',
  ])('caught: %s', (text) => {
    expect(findProcessUsers(readModules({ 'a.ts': text }), [])).toEqual(['a.ts']);
    expect(findProcessUsers(readModules({ 'a.ts': text }), ['a.ts'])).toEqual([]);
  });

  test.each(['address.process(text);', '// process.env', "log('process.env');", 'NodeJS.ProcessEnv;'])(
    'allowed: %s',
    (text) => {
      expect(findProcessUsers(readModules({ 'a.ts': text }), [])).toEqual([]);
    },
  );
});

describe('files do not see themselves', () => {
  test('in the house', () => {
    expect(findCycles(house, typeLists)).toEqual([]);
  });

  test.each(waysToImport('./a.ts'))('caught: a cycle by %s', (text) => {
    const modules = readModules({
      'x/a.ts': "import { c } from '../y/c.ts';",
      'y/c.ts': "import '../x/b.ts';",
      'x/b.ts': text,
    });
    expect(findCycles(modules)).toEqual(['x/a.ts → y/c.ts → x/b.ts → x/a.ts']);
  });

  test('caught: a cycle by more than the types of what lists them', () => {
    const cycleBy = (text: string) =>
      findCycles(readModules({ 'list.ts': text, 'b.ts': "import './list.ts';" }), ['list.ts']);
    expect(cycleBy("import type { B } from './b.ts';")).toEqual([]);
    expect(cycleBy("import { b } from './b.ts';")).toEqual(['list.ts → b.ts → list.ts']);
  });

  test('allowed: two ways to one file', () => {
    const modules = readModules({
      'a.ts': "import './b.ts'; import './c.ts';",
      'b.ts': "import './c.ts';",
      'c.ts': '',
    });
    expect(findCycles(modules)).toEqual([]);
  });
});

describe('names come from where they are made', () => {
  test('in the house', () => {
    expect(findReexports(house)).toEqual([]);
  });

  test.each(["export * from './b.ts';", "export { y } from './b.ts';", "export type { Y } from './b.ts';"])(
    'caught: %s',
    (text) => {
      expect(findReexports(readModules({ 'a.ts': text }))).toEqual(['a.ts exports from ./b.ts']);
    },
  );
});

describe('files and folders have a name and a size', () => {
  const folderOf = (count: number) =>
    readModules(Object.fromEntries(Array.from({ length: count }, (_, index) => [`x/${index}.ts`, ''])));

  test('in the house', () => {
    expect(findOddNames(house)).toEqual([]);
    expect(findLongFiles(house)).toEqual([]);
    expect(findOddFolders(house)).toEqual([]);
  });

  test.each(['a.js', 'a.mts', 'aB.ts', 'a_b.ts', 'x/index.ts', 'utils.ts', 'helpers/a.ts', 'x/types.ts'])(
    'caught: %s',
    (path) => {
      expect(findOddNames(readModules({ [path]: '', 'x/type-lists.ts': '' }))).toEqual([path]);
    },
  );

  test('caught: a file of 251 lines', () => {
    const modules = readModules({ 'a.ts': '\n'.repeat(251), 'b.ts': '\n'.repeat(250) });
    expect(findLongFiles(modules)).toEqual(['a.ts has 251 lines']);
  });

  test('caught: a folder of 31 files', () => {
    expect(findOddFolders([...folderOf(31), ...readModules({ 'b.ts': '' })])).toEqual(['x has 31 files']);
    expect(findOddFolders([...folderOf(30), ...readModules({ 'b.ts': '' })])).toEqual([]);
  });

  test('caught: a folder with one file, or with one folder', () => {
    const modules = readModules({ 'a.ts': '', 'x/b.ts': '', 'y/z/c.ts': '', 'y/z/d.ts': '' });
    expect(findOddFolders(modules)).toEqual(['x has nothing but x/b.ts', 'y has nothing but y/z']);
  });
});
