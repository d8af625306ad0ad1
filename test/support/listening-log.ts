import type { Log } from '../../src/observe/log.ts';
import { silentLog } from './silent-log.ts';

/** Keeps what is told to operators: how urgent it is, and of what. */
export function listeningLog() {
  const told: (readonly ['info' | 'warn' | 'error', object])[] = [];
  const log: Log = {
    ...silentLog,
    info: (fields) => void told.push(['info', fields]),
    warn: (fields) => void told.push(['warn', fields]),
    error: (fields) => void told.push(['error', fields]),
  };
  return { log, told };
}
