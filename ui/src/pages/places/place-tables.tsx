/** Groups and projects in lists. */
import type { ComponentChildren } from 'preact';
import type { ItemOf } from '../../api/api.ts';
import { Badge } from '../../components/badge.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { hrefTo } from '../../router/place.ts';
import { placesTexts as t } from '../../texts/places.ts';

type Group = ItemOf<'GET /groups'>;
type Project = ItemOf<'GET /projects'>;

interface GroupTableProps {
  readonly groups: readonly Group[];
  readonly label: string;
  /** By path, as they are: each below the one that it is in. */
  readonly isTree?: boolean;
  readonly empty?: ComponentChildren;
}

/** Deeper ones stand no further to the side. */
const maxIndent = 6;

export function GroupTable({ groups, label, isTree = false, empty }: GroupTableProps) {
  const columns: readonly Column<Group>[] = [
    {
      key: 'name',
      header: t.group,
      cell: ({ full_path: path, description }) => {
        const depth = Math.min(path.split('/').length - 1, maxIndent);
        return (
          <div class={isTree ? `depth-${depth}` : undefined}>
            <a href={hrefTo(['groups', path])}>{path}</a>
            {description && <p class="muted">{description}</p>}
          </div>
        );
      },
    },
    { key: 'visibility', header: t.visibility, cell: (group) => <Visibility of={group.visibility} /> },
  ];
  return <Table label={label} columns={columns} rows={groups} keyOf={({ id }) => id} empty={empty} />;
}

interface ProjectTableProps {
  readonly projects: readonly Project[];
  readonly label: string;
  readonly empty?: ComponentChildren;
}

export function ProjectTable({ projects, label, empty }: ProjectTableProps) {
  const columns: readonly Column<Project>[] = [
    {
      key: 'name',
      header: t.project,
      cell: ({ path_with_namespace: path, description }) => (
        <div>
          <a href={hrefTo(['projects', path])}>{path}</a>
          {description && <p class="muted">{description}</p>}
        </div>
      ),
    },
    { key: 'visibility', header: t.visibility, cell: (project) => <Visibility of={project.visibility} /> },
    {
      key: 'activity',
      header: t.activity,
      cell: (project) => <Instant at={project.last_activity_at} />,
    },
  ];
  return <Table label={label} columns={columns} rows={projects} keyOf={({ id }) => id} empty={empty} />;
}

export function Visibility({ of }: { readonly of: 'private' | 'internal' | 'public' }) {
  return <Badge tone={of === 'public' ? 'warn' : 'plain'}>{t.visibilities[of]}</Badge>;
}
