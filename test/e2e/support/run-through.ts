/** Programs whose output people shall see as it comes. */
import { spawn } from 'node:child_process';

export interface RunThroughOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Its exit code; 1 where it had to be killed after `timeoutMs`. */
export function runThrough(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs }: RunThroughOptions,
): Promise<number> {
  const signal = AbortSignal.timeout(timeoutMs);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal,
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (code) => resolve(code ?? 1));
  });
}
