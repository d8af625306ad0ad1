/** A repository as the pages about it have it. */
export interface RepositoryOf {
  /** Full path of its project. */
  readonly project: string;
  readonly id: string;
  /** As clients name it: `registry.example/acme/shop/web`. */
  readonly location: string;
}
