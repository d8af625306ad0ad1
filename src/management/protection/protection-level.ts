/** The roles that protection rules ask for, by their names. */
import { z } from 'zod';
import {
  type ProtectionLevelName,
  protectionLevelName,
  protectionLevels,
} from '../../rules/protection-levels.ts';

export const protectionLevelText = z.enum(['maintainer', 'owner', 'admin']);

export const protectionLevel = protectionLevelText.transform(levelOf);

/** An empty text is null: no role is asked for. */
export const protectionLevelOrNone = z.preprocess(
  (value) => (value === '' ? null : value),
  protectionLevelText.nullable().transform((name) => (name === null ? null : levelOf(name))),
);

export function formatProtectionLevel(level: number): ProtectionLevelName;
export function formatProtectionLevel(level: number | undefined): ProtectionLevelName | null;
export function formatProtectionLevel(level: number | undefined): ProtectionLevelName | null {
  return level === undefined ? null : protectionLevelName(level);
}

function levelOf(name: ProtectionLevelName): number {
  return protectionLevels[name];
}
