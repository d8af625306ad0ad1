/** What is not changed for the worse: words for people. Tests see that something is told or refused, and as what; its wording may improve freely. */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** As much of Babel's paths as is looked at. */
interface Path {
  readonly node: Node;
  readonly parentPath: Path | null;
}

interface Node {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  readonly id?: Node;
  readonly key?: Node;
  readonly callee?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'words', {
    shouldIgnore(given) {
      const path = given as Path;
      if (isLogging(path.node)) return 'what is logged';
      if (isErrorName(path)) return 'what an error is called in logs';
      return isSentence(path.node) && isTold(path.parentPath) ? 'the wording of an error' : undefined;
    },
  }),
];

/** `log.warn(…)`, `this.#log.warn(…)`, `options.log.warn(…)`. */
function isLogging({ type, callee }: Node): boolean {
  if (type !== 'CallExpression' || callee?.type !== 'MemberExpression' || !callee.object) return false;
  return nameOf(callee.object) === 'log';
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'MemberExpression') return node.property && nameOf(node.property);
  return node.type === 'PrivateName' ? node.id?.name : node.name;
}

/** `override readonly name = 'TakenOverError'`. */
function isErrorName({ node, parentPath }: Path): boolean {
  return (
    node.type === 'StringLiteral' &&
    parentPath?.node.type === 'ClassProperty' &&
    parentPath.node.key?.name === 'name'
  );
}

function isSentence({ type, value, quasis }: Node): boolean {
  if (type === 'StringLiteral') return String(value).includes(' ');
  return type === 'TemplateLiteral' && (quasis ?? []).some((quasi) => quasi.value.raw.includes(' '));
}

/** As an argument of what is thrown, of its `super`, or as its `message` or `detail`. */
function isTold(parent: Path | null): boolean {
  if (!parent) return false;
  const { type, callee, key } = parent.node;
  if (type === 'NewExpression' || callee?.type === 'Super') return true;
  return type === 'ObjectProperty' && ['message', 'detail'].includes(key?.name ?? '');
}
