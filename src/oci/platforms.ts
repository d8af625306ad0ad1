/** Platforms as people write them: `linux/amd64`, `linux/arm/v7`. */
import type { Platform } from './image-config.ts';

export const platformPattern = /^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9.]+)?$/;

/** What is meant where no variant is said. https://github.com/containerd/platforms/blob/v1.0.0/database.go */
const usualVariants = new Map([
  ['amd64', 'v1'],
  ['arm', 'v7'],
  ['arm64', 'v8'],
]);

/** Whether something is for the platform that is asked for, which without a variant is any of that architecture. */
export function isFor(asked: string, { os, architecture = '', variant }: Platform): boolean {
  const [askedOs, askedArchitecture, askedVariant] = asked.split('/');
  if (os !== askedOs || architecture !== askedArchitecture) return false;
  return askedVariant === undefined || askedVariant === (variant ?? usualVariants.get(architecture));
}
