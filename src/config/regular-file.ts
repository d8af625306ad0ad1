/** Small texts that operators name by a path: a FIFO would be waited for at start for ever, and a device never ends. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** Far more than a configuration, a key or a bundle of certificates needs. */
export const maxFileBytes = 8 * 1024 * 1024;

/** @throws Error where it cannot be read, or is no file or too large */
export function readRegularFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    if (stats.size > maxFileBytes) throw new Error(`${path} has more than ${maxFileBytes} bytes`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
