/** What is not to stand in a command line, where everyone on the machine reads it: asked in a terminal, else from standard input. */
import { text as textOf } from 'node:stream/consumers';
import { CommandRefused, type Terminal, UsageError } from '../command.ts';

/** @param what is asked for, such as "Password". @throws UsageError where there is none */
export async function readSecret({ stdin, stderr }: Terminal, what: string): Promise<string> {
  if (!stdin.isTTY) {
    const secret = (await textOf(stdin)).trim();
    if (secret === '') throw new UsageError(`${what} is read from standard input, which is empty`);
    return secret;
  }
  const { isCancel, password } = await import('@clack/prompts');
  const secret = await password({ message: what, input: stdin, output: stderr });
  if (isCancel(secret) || !secret) throw new CommandRefused('nothing was changed');
  return secret;
}
