/** A parameter that names a role by its number. */
import { accessLevels, isAccessLevel } from '../../auth/rights/access-levels.ts';
import { integer } from './parameters.ts';

const values = Object.values(accessLevels);
const description = Object.entries(accessLevels)
  .map(([name, level]) => `${level} ${name}`)
  .join(', ');

export const accessLevel = integer
  .refine(isAccessLevel, 'does not have a valid value')
  .meta({ enum: values, description });
