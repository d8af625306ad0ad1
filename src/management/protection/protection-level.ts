/** The roles that protection rules ask for, by their names. */
import { z } from 'zod';
import { protectionLevelName, protectionLevels } from '../../rules/protection-levels.ts';

/** Its number; its name on the wire. */
export const protectionLevel = z.codec(z.enum(['maintainer', 'owner', 'admin']), z.number(), {
  decode: (name) => protectionLevels[name],
  encode: (level) => protectionLevelName(level),
});

/** An empty text is null: no role is asked for. */
export const protectionLevelOrNone = z.preprocess(
  (value) => (value === '' ? null : value),
  protectionLevel.nullable(),
);
