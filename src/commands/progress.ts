/** How far long work has come, on standard error: a bar in a terminal, elsewhere a line now and then. */
import type { Terminal } from './command.ts';

export interface Progress {
  /** @param by of the total */
  advance(by: number): void;
  end(): void;
}

const tellMs = 5000;

/** @param what is done, such as "Backing up". @param total of whatever is counted */
export async function showProgress(
  { stderr }: Pick<Terminal, 'stderr'>,
  what: string,
  total: number,
): Promise<Progress> {
  if (!stderr.isTTY) return linesOn(stderr, what, total);
  const { progress } = await import('@clack/prompts');
  const bar = progress({ max: Math.max(1, total), output: stderr });
  bar.start(what);
  return { advance: (by) => bar.advance(by, what), end: () => bar.stop(what) };
}

function linesOn(output: Terminal['stderr'], what: string, total: number): Progress {
  let done = 0;
  let toldAt = performance.now();
  return {
    advance(by) {
      done += by;
      if (performance.now() - toldAt < tellMs) return;
      toldAt = performance.now();
      output.write(`${what}: ${Math.floor((100 * done) / total)} %\n`);
    },
    end: () => undefined,
  };
}
