/** A certificate and its key from files, read again when they change. */
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Log } from '../../observe/log.ts';

export interface TlsFiles {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Says what is wrong with one of the two files. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly file: keyof TlsFiles;

  constructor(file: keyof TlsFiles, message: string, cause: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

/** @throws TlsFileError where a file is not what it should be, or the key is not the certificate's; the system's error where it cannot be read */
export async function readKeyPair(files: TlsFiles): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
  use({ cert }, 'certificate', `${files.certificate} has no certificate in PEM`);
  use({ key }, 'key', `${files.key} has no private key in PEM, without a passphrase`);
  use({ cert, key }, 'key', `${files.key} is not the key of ${files.certificate}`);
  return { cert, key };
}

function use(pair: Partial<KeyPair>, file: keyof TlsFiles, message: string): void {
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new TlsFileError(file, message, cause);
  }
}

/**
 * Looks at the files every so often, since the mounts and links that certificates come by are beyond what notifications
 * of the file system see. A pair that is no good, such as one that is half replaced, is logged and not used.
 * @returns ends the watching
 */
export function watchKeyPair(
  files: TlsFiles,
  intervalMs: number,
  use: (pair: KeyPair) => void,
  log: Log,
): () => void {
  const paths = [files.certificate, files.key];
  const reload = () => {
    readKeyPair(files).then(
      (pair) => {
        use(pair);
        log.info({ certificate: files.certificate }, 'certificate read again');
      },
      (error: unknown) =>
        log.error({ err: error, certificate: files.certificate }, 'new certificate not used'),
    );
  };
  for (const path of paths) watchFile(path, { interval: intervalMs, persistent: false }, reload);
  return () => {
    for (const path of paths) unwatchFile(path, reload);
  };
}
