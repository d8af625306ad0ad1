/** Who is measured: servers that host what is pushed to them, or pull it through from an origin, each a process kept to one core. */
import { missing } from '../test/e2e/support/processes.ts';

/** The one repository that every scenario uses. */
export const repository = 'bench/image';

export interface Contender {
  /** As in the table's head. */
  readonly name: string;
  /** Of its process, whose children count, too; undefined where what it spends is not its own. */
  readonly pid: number | undefined;
  /** `http://host/v2/<name of the repository there>`. */
  readonly base: string;
  /** What a client sends as Authorization; undefined where nothing is asked for. */
  authorization(actions?: 'pull' | 'pull,push'): Promise<string | undefined>;
  /** Where files are put in place of pushing. */
  readonly root?: string;
  /** From the start of its process to its first answer, where that is known. */
  readonly startedInMs?: number;
  stop(): Promise<void>;
}

export interface Place {
  /** For its data, configuration and log; empty. */
  readonly directory: string;
  /** Processor core to keep to; undefined: all of them. */
  readonly core: number | undefined;
  /** To speak TLS with; without, plain HTTP. */
  readonly tls?: TlsFiles;
  /** Of a database on PostgreSQL, for those that can have one. */
  readonly databaseUrl?: string;
}

/** PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** One way to run a server. */
export interface Peer {
  readonly name: string;
  /** What must be on PATH. */
  readonly programs: readonly string[];
  /** @param origin URL of an open registry, for those that pull through */
  start(place: Place, origin: string): Promise<Contender>;
}

/** Those whose programs are here; of the others a line says so. */
export async function present(peers: readonly Peer[]): Promise<readonly Peer[]> {
  const found: Peer[] = [];
  for (const peer of peers) {
    const absent = await missing(...peer.programs);
    if (absent.length === 0) found.push(peer);
    else console.log(`not measured: ${peer.name}, ${absent.join(', ')} is not installed`);
  }
  return found;
}

/** A command that keeps to a core. */
export function pinned(core: number | undefined, ...command: string[]): [string, string[]] {
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  return [program, args];
}
