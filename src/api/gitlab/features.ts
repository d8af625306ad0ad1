/** How GitLab's clients find out what a registry can do, on /v2/ and here. */
import type { RequestContext } from '../state.ts';

/** The version of GitLab's container registry whose API this is; clients tell by its ending whose registry they speak to. */
export const compatibleVersion = 'v4.32.0-gitlab';
export const features = 'tag_delete';

export function tellFeatures(ctx: RequestContext): void {
  ctx.set({
    'Gitlab-Container-Registry-Version': compatibleVersion,
    'Gitlab-Container-Registry-Features': features,
    'Gitlab-Container-Registry-Database-Enabled': 'true',
  });
}
