/** Makes the images once for all test files; an empty path where what makes them is not installed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { imagePrograms, makeImages } from './images.ts';
import { missing } from './processes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    imageStorage: string;
  }
}

export async function setup({ provide }: TestProject): Promise<() => void> {
  const absent = await missing(...imagePrograms);
  if (absent.length > 0) {
    console.warn(
      `No image can be made: ${absent.join(', ')} not installed. Every test of a client is skipped.`,
    );
    provide('imageStorage', '');
    return () => undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-images-'));
  provide('imageStorage', await makeImages(directory));
  return () => rmSync(directory, { recursive: true, force: true });
}
