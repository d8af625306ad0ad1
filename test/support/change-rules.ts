import type { ChangeRules } from '../../src/hosted/hosted-options.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';

/** What hosted repositories are changed by. */
export function changeRules(changed: Partial<ChangeRules['limits']> = {}): ChangeRules {
  const limits = { maxTags: 100, deleteEnabled: true, protectReferencedManifests: false, ...changed };
  return { limits, tagPatterns: new TagPatterns() };
}
