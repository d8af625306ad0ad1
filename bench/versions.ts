/** Which versions of the programs were measured, as they say themselves. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { missing } from '../test/e2e/support/processes.ts';

const programs = [
  { program: 'docker-registry', flag: '--version', version: /(\d+\.\d+\.\S+)/ },
  { program: 'registry', flag: '--version', version: /v(\d+\.\d+\.[^\s+]+)/, name: 'distribution' },
  { program: 'zot', flag: '--version', version: /"commit":"([^"]+)"/ },
  { program: 'nginx', flag: '-v', version: /nginx\/(\S+)/ },
  { program: 'wrk', flag: '-v', version: /wrk (?:debian\/)?(\S+)/ },
];

/** Those that are here: `nginx 1.22.1`; a build that does not know its own version goes by its name. */
export async function versions(): Promise<readonly string[]> {
  const known: string[] = [];
  for (const { program, flag, version, name = program } of programs) {
    if ((await missing(program)).length > 0) continue;
    const said = await output(program, flag);
    known.push([name, version.exec(said)?.[1]].filter(Boolean).join(' '));
  }
  return known;
}

/** Some say it on standard error, and wrk as if it were a mistake. */
async function output(program: string, flag: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [flag]);
    return stdout + stderr;
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? `${error.stdout}` : '';
  }
}
