/** A certificate and its key from files, read again when they change. */
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Log } from '../log.ts';

export interface TlsFiles {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws Error where a file cannot be read, or the key is not the certificate's */
export async function readKeyPair(files: TlsFiles): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
  createSecureContext({ cert, key });
  return { cert, key };
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
