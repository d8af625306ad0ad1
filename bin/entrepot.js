#!/usr/bin/env node
// Runs src/main.ts. In JavaScript, so that Node need not load its TypeScript compiler where the sources are compiled already:
// that saves 20 MiB of memory and half of the start-up time. Where the cache cannot be written, all works without it.
// Only what any Node can read stands here: an older one has the Node run it that came with `npm ci`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { broughtTo, neededMajor, runningMajor } from './needed-node.js';

if (runningMajor < neededMajor) {
  if (existsSync(broughtTo)) runOn(broughtTo);
  else {
    process.stderr.write(
      `entrepot: needs Node ${neededMajor} or later, this is ${process.versions.node}; npm ci brings it\n`,
    );
    process.exitCode = 1;
  }
} else {
  // Process 1, which we are in a container, is ended by no signal that nobody listens for. A server listens otherwise soon.
  if (process.pid === 1)
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.on(signal, () => process.exit(128 + constants.signals[signal]));
  // Whoever imports node:http takes these along, and with them the whole undici that is in Node: 3 MiB, and 20 ms.
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent'])
    Object.defineProperty(process.getBuiltinModule('http'), name, { enumerable: false });
  import('node:module').then(({ enableCompileCache, flushCompileCache, registerHooks }) => {
    // Zod brings its messages in fifty languages, of which we read none: 1 MiB.
    const messages = '../locales/index.js';
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === messages && context.parentURL?.includes('/node_modules/zod/')
          ? { url: 'data:text/javascript,', shortCircuit: true }
          : next(specifier, context),
    });
    enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/entrepot'));
    setTimeout(flushCompileCache, 5000).unref(); // also a process that is killed leaves the cache to the next
    return import('../src/main.ts');
  });
}

/** As if this were that Node: it hears of the same signals, and its end is ours. */
function runOn(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
