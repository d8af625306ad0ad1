/** Has the work of a command done, and gives its exit code. */
import type { Secrets } from '../app/secrets.ts';
import type { Config } from '../config/config.ts';
import { formatConfig } from '../config/format-config.ts';
import { readConfig } from '../config/load-config.ts';
import { createLog } from '../observe/log.ts';
import { findPretty } from '../observe/log-line.ts';
import { exitCodes, type Terminal } from './command.ts';
import { parseCommand } from './program.ts';
import { Output } from './remote/output.ts';

export interface Execution {
  readonly terminal: Terminal;
  readonly readSecrets: (config: Config) => Promise<Secrets>;
  readonly serve: (configFile: string | undefined) => Promise<number>;
  /** Looks at the paths of the configuration first; what an operator can mend is told in a line. */
  readonly explained: (config: Config, work: () => Promise<number>) => Promise<number>;
}

/** @throws UsageError, CommandRefused, ConfigError */
export async function execute(args: readonly string[], execution: Execution): Promise<number> {
  const { terminal, serve, explained, readSecrets } = execution;
  const { stdout, stderr, environment } = terminal;
  const print = (text: string) => void stdout.write(text);
  const work = await parseCommand(args);
  if (work.kind === 'print') {
    print(work.text);
    return work.exitCode;
  }
  if (work.kind === 'serve') return serve(work.configFile);
  if (work.kind === 'server') {
    await work.run({ terminal, output: new Output(terminal, work.asJson) });
    return exitCodes.done;
  }
  if (work.kind === 'doctor') {
    const { examine, findingColumns } = await import('./doctor/doctor.ts');
    const read = () => readConfig(work.configFile, environment);
    const findings = await examine({ read, readSecrets, environment, now: Date.now });
    await new Output(terminal, work.asJson).list(findings, findingColumns);
    return findings.some(({ state }) => state === 'fault') ? exitCodes.failed : exitCodes.done;
  }
  const config = readConfig(work.configFile, environment);
  if (work.kind === 'config') {
    print(formatConfig(config));
    return exitCodes.done;
  }
  return explained(config, async () => {
    const pretty = await findPretty(config.log.format, stderr.isTTY === true);
    const log = createLog({ level: config.log.level, pretty, destination: stderr });
    const report = await work.run({ config, log, terminal, print, readSecrets: () => readSecrets(config) });
    print(typeof report === 'string' ? report : report.text);
    return typeof report === 'string' ? exitCodes.done : exitCodes.failed;
  });
}
