/** Says how a pull would be answered now, without changing anything. */
import type { Reference, RepositoryName } from '../../oci/reference.ts';
import type { PullExplanation } from '../../proxy/pull-explanation.ts';

export interface PullExplainer {
  explain(registryId: number, image: RepositoryName, reference: Reference): Promise<PullExplanation>;
}
