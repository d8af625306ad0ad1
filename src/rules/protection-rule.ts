/** A rule of a project that guards its repositories or its tags. */
export interface ProtectionRule {
  /** An immutable tag is guarded from everyone, all else from those whose role is too low. */
  readonly kind: 'repository' | 'tag' | 'immutable_tag';
  /**
   * Of repositories: what comes after the project's full path, so that a rule stays true when its project moves; `*` is any text. Of
   * tags: RE2, to be found anywhere in the tag.
   */
  readonly pattern: string;
  /** The least level; 0: every level will do. */
  readonly pushLevel: number;
  readonly deleteLevel: number;
}

export type GuardedAction = 'push' | 'delete';

/** The least level for the action; 0: every level will do. */
export function leastLevel({ pushLevel, deleteLevel }: ProtectionRule, action: GuardedAction): number {
  return action === 'push' ? pushLevel : deleteLevel;
}
