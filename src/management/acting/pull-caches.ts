/** What the pull path keeps in memory of the records; told when they change, so that the next pull sees it. */
export interface PullCaches {
  /** Registries, upstreams, associations or cache entries of this top-level group changed. */
  forgetGroup(groupId: number): void;
}
