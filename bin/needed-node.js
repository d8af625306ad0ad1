import { join } from 'node:path';

/** The Node that the program needs, as package.json says it to npm. */
export const neededMajor = 26;
/** Where npm puts one in front of the path of its scripts. */
export const broughtTo = join(
  import.meta.dirname,
  '../node_modules/.bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);
export const runningMajor = Number.parseInt(process.versions.node, 10);
