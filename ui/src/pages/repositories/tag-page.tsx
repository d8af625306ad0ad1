/** A tag: what its image is, how to pull it, and what is attached to it. */
import { useState } from 'preact/hooks';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { Snippet } from '../../components/copy-button.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { Page, Section } from '../../components/page.tsx';
import { Bytes, Facts, Instant } from '../../components/values.tsx';
import { hrefTo } from '../../router/place.ts';
import type { PageProps } from '../../router/route.ts';
import { goTo, useQuery } from '../../router/use-place.tsx';
import { imageTexts as t } from '../../texts/repositories.ts';
import { shell } from '../../texts/shell.ts';
import { trailOf } from '../places/trail.ts';
import { Attached } from './attached.tsx';
import { CopyTag } from './copy-tag.tsx';
import { DeleteTags } from './delete-tags.tsx';
import { platformText, pullByDigest, pullByTag } from './image-names.ts';
import { Layers } from './layers.tsx';
import { NamedTexts } from './named-texts.tsx';
import { RawJson } from './raw-json.tsx';

export function TagPage({ params }: PageProps) {
  const { id: project = '', repository: id = '', tag: tagName = '' } = params;
  const api = useApi();
  const [query, change] = useQuery();
  const [isCopying, setCopying] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const path = { id: project, repository_id: id, tag_name: tagName };
  const platform = query.get('platform') ?? undefined;
  const image = useAnswer('GET /projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}/image', {
    path,
    query: { platform },
  });
  const tag = useAnswer('GET /projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}', { path });
  const details = useAnswer('GET /registry/repositories/{id}', { path: { id } });
  const repositoryHref = hrefTo(['projects', project, 'repositories', id]);
  const textOf = (digest: string, part: '' | '/config') => (signal: AbortSignal) =>
    api.text(
      `GET /projects/{id}/registry/repositories/{repository_id}/manifests/{digest}${part}`,
      { path: { id: project, repository_id: id, digest } },
      signal,
    );
  return (
    <LoadState of={image}>
      {(found) => {
        const { image: shown, location: taggedLocation } = found;
        // Of an image, its config's type says no more.
        const isArtifact = found.artifact_type !== null && found.artifact_type !== shown?.config?.media_type;
        const location = taggedLocation.slice(0, -found.name.length - 1);
        return (
          <Page
            title={found.path}
            trail={[
              ...trailOf(project, true),
              { label: details.data?.name || shell.overview, href: repositoryHref },
            ]}
            actions={
              details.data && (
                <>
                  <button type="button" onClick={() => setCopying(true)}>
                    {t.copy}
                  </button>
                  {details.data.delete_api_path && (
                    <button type="button" onClick={() => setDeleting(true)}>
                      {t.delete}
                    </button>
                  )}
                </>
              )
            }
          >
            <Section title={t.pull}>
              <div class="beside">
                <div>
                  <p class="muted">{t.byTag}</p>
                  <Snippet text={pullByTag(location, found.name)} label={t.byTag} />
                </div>
                <div>
                  <p class="muted">{t.byDigest}</p>
                  <Snippet text={pullByDigest(location, found.digest)} label={t.byDigest} />
                </div>
              </div>
            </Section>
            <Section title={t.about}>
              <div class="card">
                <Facts
                  of={[
                    [t.published, <Instant key="at" at={tag.data?.last_published_at} />],
                    [t.publishedBy, tag.data?.last_published_by ?? shell.unknown],
                    [t.lastPulled, <Instant key="at" at={tag.data?.last_pulled_at} />],
                    [t.created, <Instant key="at" at={found.created_at} never={shell.unknown} />],
                    [t.size, <Bytes key="size" value={found.total_size} />],
                    [t.mediaType, found.media_type],
                    ...(isArtifact ? [[t.artifactType, found.artifact_type] as const] : []),
                    [t.digest, <code key="digest">{found.digest}</code>],
                    ...(shown?.config
                      ? [[t.configDigest, <code key="config">{shown.config.digest}</code>] as const]
                      : []),
                    ...(shown?.author ? [[t.author, shown.author] as const] : []),
                  ]}
                />
              </div>
            </Section>
            {found.platforms.length > 0 && (
              <Platforms
                platforms={found.platforms}
                shown={shown?.digest}
                onChoose={(text) => change({ platform: text })}
              />
            )}
            {shown && shown.config_state !== 'read' && (
              <Notice kind="info">{t.configStates[shown.config_state]}</Notice>
            )}
            {shown && <Layers layers={shown.layers} history={shown.history} />}
            {shown && <NamedTexts title={t.labels} texts={shown.labels} empty={t.noLabels} />}
            <NamedTexts title={t.annotations} texts={{ ...found.annotations, ...shown?.annotations }} />
            <Attached of={found.referrers} image={`${location}@${found.digest}`} />
            <Section title={t.raw}>
              <RawJson label={t.manifest} of={found.digest} load={textOf(found.digest, '')} />
              {shown && shown.digest !== found.digest && (
                <RawJson
                  label={`${t.manifest} ${platformText(shown.platform)}`}
                  of={shown.digest}
                  load={textOf(shown.digest, '')}
                />
              )}
              {shown?.config && (
                <RawJson
                  label={`${t.config} ${platformText(shown.platform)}`}
                  of={shown.digest}
                  load={textOf(shown.digest, '/config')}
                />
              )}
            </Section>
            {isCopying && details.data && (
              <CopyTag
                project={project}
                repositoryId={id}
                repository={details.data.path}
                tag={found.name}
                onClose={() => setCopying(false)}
              />
            )}
            {isDeleting && (
              <DeleteTags
                repository={{ project, id, location }}
                names={[found.name]}
                onClose={() => setDeleting(false)}
                onDeleted={() => goTo(repositoryHref)}
              />
            )}
          </Page>
        );
      }}
    </LoadState>
  );
}

interface PlatformsProps {
  readonly platforms: readonly {
    readonly os: string | null;
    readonly architecture: string | null;
    readonly variant: string | null;
    readonly digest: string;
    readonly total_size: number | null;
  }[];
  readonly shown: string | undefined;
  readonly onChoose: (platform: string) => void;
}

function Platforms({ platforms, shown, onChoose }: PlatformsProps) {
  const current = platforms.find(({ digest }) => digest === shown);
  return (
    <Section
      title={t.platforms}
      actions={
        platforms.length > 1 && (
          <CheckedSelect
            label={t.platform}
            value={current ? platformText(current) : ''}
            choices={platforms.map((each) => [platformText(each), platformText(each)] as const)}
            onChange={onChoose}
          />
        )
      }
    >
      <ul class="platforms">
        {platforms.map((each) => (
          <li key={each.digest} class={each.digest === shown ? 'card current' : 'card'}>
            <strong>{platformText(each) || t.unknownPlatform}</strong>
            <p>{each.total_size === null ? t.notHere : <Bytes value={each.total_size} />}</p>
            <p class="code break">{each.digest}</p>
          </li>
        ))}
      </ul>
    </Section>
  );
}
