/** The conformance suite's program: one that is given, or the pinned version, built by the Go tool. */
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { parseReport, type Report } from './report.ts';

const module = 'github.com/opencontainers/distribution-spec/conformance';
const pinnedRevision = 'v0.0.0-20260831232431-97274622c111';
const installMs = 300_000;
const runMs = 600_000;

/** Go's own installer puts it there, on no PATH but the one that its user extends. */
const path = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(delimiter);

export interface Suite {
  readonly program: string;
  /** Undefined where the program was given: its report may tell. */
  readonly revision: string | undefined;
}

export interface SuiteRun {
  /** host:port */
  readonly registry: string;
  /** `OCI_…`, what differs from the suite's defaults. */
  readonly settings: Readonly<Record<string, string>>;
  /** For its reports. */
  readonly directory: string;
}

/** @throws Error where it is no program */
export function givenSuite(path: string): Suite {
  const program = resolve(path);
  accessSync(program, constants.X_OK);
  return { program, revision: undefined };
}

/** Builds the pinned revision into the directory. @throws Error where there is no Go, or no such module to be had */
export async function installSuite(directory: string): Promise<Suite> {
  const env = { ...process.env, PATH: path, GOBIN: directory };
  const args = ['install', `${module}@${pinnedRevision}`];
  const { failure } = await execute('go', args, env, directory, installMs);
  if (failure !== undefined) throw new Error(failure);
  return { program: join(directory, 'conformance'), revision: pinnedRevision };
}

/** The suite's exit code is not asked: it says the same as the table, and in read-only mode that it crashed after printing it. @throws Error without a table */
export async function runSuite({ program }: Suite, options: SuiteRun): Promise<Report> {
  const { registry, settings, directory } = options;
  mkdirSync(directory, { recursive: true });
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('OCI_'));
  const env = {
    ...Object.fromEntries(ours),
    OCI_REGISTRY: registry,
    OCI_TLS: 'disabled',
    OCI_RESULTS_DIR: directory,
    ...settings,
  };
  const { stdout, stderr } = await execute(program, [], env, directory, runMs);
  writeFileSync(join(directory, 'report.txt'), stdout);
  writeFileSync(join(directory, 'errors.txt'), stderr);
  return parseReport(stdout || stderr);
}

/** Never rejects: `failure` says what went wrong. */
function execute(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  timeout: number,
): Promise<{ stdout: string; stderr: string; failure: string | undefined }> {
  return new Promise((done) => {
    execFile(command, args, { env, cwd, timeout, maxBuffer: 64e6 }, (error, stdout, stderr) =>
      done({ stdout, stderr, failure: error ? error.message.trim() : undefined }),
    );
  });
}
