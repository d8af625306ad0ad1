/** Which server is asked, and with which token: in a file that its owner alone can read. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isSystemError } from '../../oci/system-error.ts';
import { CommandRefused, type Terminal } from '../command.ts';
import type { Login } from './api-client.ts';

const loginSchema = z.object({ url: z.url(), token: z.string().min(1) });
type Environment = Terminal['environment'];

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
export function loginFileOf({ XDG_CONFIG_HOME: configured }: Environment): string {
  return join(configured || join(homedir(), '.config'), 'entrepot', 'login.json');
}

/** @throws CommandRefused where nobody has logged in */
export async function readLogin(environment: Environment): Promise<Login> {
  const file = loginFileOf(environment);
  try {
    return loginSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const reason = isSystemError(error, 'ENOENT') ? 'nobody is logged in' : `${file} is not readable`;
    throw new CommandRefused(
      `${reason}: entrepot login URL takes an access token; on the server's own machine, entrepot login --local makes one`,
      { cause: error },
    );
  }
}

/** @returns the file that it is in */
export async function writeLogin(environment: Environment, login: Login): Promise<string> {
  const file = loginFileOf(environment);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const written = `${file}.new`;
  await rm(written, { force: true });
  await writeFile(written, `${JSON.stringify(login)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(written, file);
  return file;
}

export async function removeLogin(environment: Environment): Promise<void> {
  await rm(loginFileOf(environment), { force: true });
}
