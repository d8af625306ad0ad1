import { describe, expect, test } from 'vitest';
import {
  actions,
  isAdministrator,
  mayGrant,
  mayList,
  mayPullGroup,
  mayPullVirtual,
  mayRead,
  mayReadRegistries,
  mayUseProject,
  mayUseRegistryOf,
  mayWrite,
  type RuledProject,
} from '../../../../src/auth/rights/access.ts';
import {
  type AnonymousIdentity,
  anonymous,
  type Principal,
  type TokenScope,
  tokenScopes,
  type UserIdentity,
} from '../../../../src/auth/rights/identity.ts';
import {
  mayList as mayListByTable,
  mayPullVirtual as mayPullVirtualByTable,
  mayUse,
  type Standing,
  settings,
  type TableProject,
  tableScopes,
  visibilities,
} from '../../../support/access-table.ts';
import { bearerOf, deployToken, job, trustedJob } from '../identities.ts';

function user(scopes: UserIdentity['scopes'], isAdmin = false): UserIdentity {
  return { kind: 'user', userId: 7, username: 'dana', isAdmin, scopes };
}

const levels = [undefined, 5, 10, 15, 20, 30, 40, 50] as const;
const accessLevelsOfJobs = [10, 15, 20, 30, 40, 50] as const;
const rules = {
  "see a group's things": { may: mayRead, scopes: ['api', 'read_api'], least: 10 },
  "change a group's things": { may: mayWrite, scopes: ['api'], least: 40 },
} satisfies Record<string, { may: typeof mayRead; scopes: readonly TokenScope[]; least: number }>;

describe.each(Object.entries(rules))('who may %s', (_action, { may, scopes, least }) => {
  const sufficient: readonly TokenScope[] = scopes;

  describe.each(levels)('with role %s', (level) => {
    const enough = level !== undefined && level >= least;

    test.each(tokenScopes)('and a token for %s', (scope) => {
      expect(may(user([scope]), level)).toBe(enough && sufficient.includes(scope));
    });

    test('and a password', () => expect(may(user('all'), level)).toBe(enough));
    test('and a token for nothing', () => expect(may(user([]), level)).toBe(false));
    test('and a token for several things', () => expect(may(user(['read_user', 'api']), level)).toBe(enough));
  });

  test.each(tokenScopes)('an administrator needs no role, but the scope: %s', (scope) => {
    expect(may(user([scope], true), undefined)).toBe(sufficient.includes(scope));
  });
  test('an administrator with a password may', () => expect(may(user('all', true), undefined)).toBe(true));
});

describe('every cell of the table', () => {
  /** Of user 7: in the project's group or the project itself. */
  const place = { id: 9, fullPath: 'acme/web/shop' };
  const elsewhere = { id: 10, fullPath: 'acme/other' };
  const projects: TableProject[] = visibilities.flatMap((visibility) =>
    settings.map((setting) => ({ id: place.id, path: place.fullPath, visibility, setting })),
  );
  const ruled = ({ id, path, visibility, setting }: TableProject): RuledProject => ({
    id,
    fullPath: path,
    visibility,
    containerRegistryAccessLevel: setting,
  });

  interface Cell {
    readonly who: Principal | AnonymousIdentity;
    readonly level: number | undefined;
    readonly standing: Standing;
  }

  const scopeSets = [
    ...tableScopes.map((scope) => [scope]),
    [],
    ['read_user', 'read_registry'],
    ['api'],
  ] as const;

  const ofUsers: Cell[] = (['user', 'group bot', 'project bot'] as const).flatMap((kind) =>
    [false, true].flatMap((isAdmin) =>
      levels.flatMap((level) =>
        (['all', ...scopeSets] as const).map((scopes) => ({
          who: { ...user(scopes, isAdmin), ...(kind === 'project bot' && { isProjectBot: true }) },
          level,
          standing: { kind, isAdmin, roleIn: () => level ?? 0, scopes },
        })),
      ),
    ),
  );
  const ofDeployTokens: Cell[] = (
    [
      ['project', { kind: 'project', ...place }, true],
      ['project', { kind: 'project', ...elsewhere }, false],
      ['group', { kind: 'group', id: 3, fullPath: 'acme' }, true],
      ['group', { kind: 'group', id: 4, fullPath: 'acme/web' }, true],
      // Neither a name that begins alike nor the project's own path makes a group of it.
      ['group', { kind: 'group', id: 5, fullPath: 'acme/we' }, false],
      ['group', { kind: 'group', id: 9, fullPath: 'acme/web/shop' }, false],
    ] as const
  ).flatMap(([kind, tokenPlace, isOf]) =>
    scopeSets.map((scopes) => ({
      who: { ...deployToken, place: tokenPlace, scopes },
      level: undefined,
      standing: {
        kind: `${kind} deploy token`,
        isOf: () => isOf,
        scopes,
        isOfTopGroup: tokenPlace.id === 3,
      } as const,
    })),
  );
  const ofJobs: Cell[] = [place, elsewhere].flatMap((project) =>
    accessLevelsOfJobs.flatMap((accessLevel) =>
      levels.map((level) => ({
        who: { ...job, project, accessLevel },
        level,
        standing: {
          kind: 'job',
          isOf: () => project.id === place.id,
          level: accessLevel,
          roleIn: () => level ?? 0,
          isInTopGroup: true,
        } as const,
      })),
    ),
  );
  const cells: readonly Cell[] = [
    { who: anonymous, level: undefined, standing: { kind: 'anonymous' } },
    ...ofUsers,
    ...ofDeployTokens,
    ...ofJobs,
  ];

  test.each(projects)('of a project that is $visibility, with its registry $setting', (project) => {
    const faults: string[] = [];
    for (const { who, level, standing } of cells) {
      for (const action of actions) {
        const may = mayUseProject(who, action, ruled(project), level);
        if (may !== mayUse(standing, project, action))
          faults.push(`${action}: ${may} for ${JSON.stringify(who)} with role ${level}`);
      }
    }
    expect(faults).toEqual([]);
  });

  test.each([true, false])('of a virtual registry with anonymous_pull: %s', (anonymousPull) => {
    const registry = { group: { id: 3, fullPath: 'acme' }, anonymousPull };
    const faults: string[] = [];
    for (const { who, level, standing } of cells) {
      // A role lower than Guest is none that can be given.
      if (level === 5) continue;
      const may = mayPullVirtual(who, registry, level !== undefined);
      if (may !== mayPullVirtualByTable(standing, projects, anonymousPull))
        faults.push(`${may} for ${JSON.stringify(who)} with role ${level}`);
    }
    expect(faults).toEqual([]);
  });

  test('of lists', () => {
    const wrong = cells.filter(({ who, standing }) => mayList(who) !== mayListByTable(standing));
    expect(wrong).toEqual([]);
  });
});

test('a job without a user has what its own level gives it in its project, and elsewhere what is open', () => {
  const own = {
    ...trustedJob.project,
    visibility: 'private',
    containerRegistryAccessLevel: 'private',
  } as const;
  const allowed = (who: Principal, project: RuledProject) =>
    actions.filter((action) => mayUseProject(who, action, project, undefined));
  expect(allowed({ ...trustedJob, accessLevel: 30 }, own)).toEqual(['pull', 'push', 'delete']);
  expect(allowed({ ...trustedJob, accessLevel: 20 }, own)).toEqual(['pull']);
  const other = { ...own, id: 10, containerRegistryAccessLevel: 'enabled' } as const;
  expect(allowed(trustedJob, { ...other, visibility: 'internal' })).toEqual(['pull']);
  expect(allowed(trustedJob, other)).toEqual([]);
});

test("a job of another top-level group pulls through a virtual registry only as its user's member", () => {
  const registry = { group: { id: 4, fullPath: 'acm' }, anonymousPull: false };
  expect(mayPullVirtual(job, registry, false)).toBe(false);
  expect(mayPullVirtual(job, registry, true)).toBe(true);
});

describe('who may give, change or take away a role', () => {
  const granted = [10, 15, 20, 30, 40, 50];
  test.each([
    [undefined, []],
    [10, []],
    [30, []],
    [40, [10, 15, 20, 30, 40]],
    [50, granted],
  ])('role %s: %j', (level, allowed) => {
    expect(granted.filter((role) => mayGrant(user(['api']), level, role))).toEqual(allowed);
    expect(granted.filter((role) => mayGrant(user(['read_api']), level, role))).toEqual([]);
  });
  test('an administrator: any', () => {
    expect(granted.filter((role) => mayGrant(user(['api'], true), undefined, role))).toEqual(granted);
  });
});

test('only administrators with the scope administer', () => {
  expect(isAdministrator(user('all', true), 'write')).toBe(true);
  expect(isAdministrator(user(['api'], true), 'write')).toBe(true);
  expect(isAdministrator(user(['read_api'], true), 'write')).toBe(false);
  expect(isAdministrator(user(['read_api'], true), 'read')).toBe(true);
  expect(isAdministrator(user('all'), 'read')).toBe(false);
  expect(isAdministrator(anonymous, 'read')).toBe(false);
  expect(isAdministrator(bearerOf({ kind: 'user', userId: 1 }), 'read')).toBe(false);
  expect(isAdministrator(deployToken, 'read')).toBe(false);
  expect(isAdministrator(job, 'read')).toBe(false);
});

describe('over the REST API', () => {
  const project: RuledProject = {
    id: job.project.id,
    fullPath: job.project.fullPath,
    visibility: 'private',
    containerRegistryAccessLevel: 'enabled',
  };

  test.each(actions)('the endpoint asks for the scope, the role decides: %s', (action) => {
    expect(mayUseRegistryOf(user(['read_api']), action, project, 30)).toBe(true);
    expect(mayUseRegistryOf(user('all'), action, project, 10)).toBe(false);
  });

  test.each(actions)('who does not sign in pulls what is public, and nothing else: %s', (action) => {
    const open = { ...project, visibility: 'public' } as const;
    expect(mayUseRegistryOf(anonymous, action, open, undefined)).toBe(action === 'pull');
    expect(mayUseRegistryOf(anonymous, action, project, undefined)).toBe(false);
  });

  test.each(actions)('a job stays in its project, whatever its user may elsewhere: %s', (action) => {
    expect(mayUseRegistryOf(job, action, project, 30)).toBe(true);
    const another = { ...project, id: project.id + 1, visibility: 'public' } as const;
    expect(mayUseRegistryOf(job, action, another, 50)).toBe(false);
  });

  test('virtual registries are seen by who pulls through them', () => {
    const group = { fullPath: job.project.fullPath.split('/')[0] ?? '' };
    expect(mayReadRegistries(user(['read_api']), group, true)).toBe(true);
    expect(mayReadRegistries(user(['read_api'], true), group, false)).toBe(true);
    expect(mayReadRegistries(user(['read_virtual_registry']), group, true)).toBe(false);
    expect(mayReadRegistries(user('all'), group, false)).toBe(false);
    expect(mayReadRegistries({ ...user('all'), isProjectBot: true }, group, true)).toBe(false);
    expect(mayReadRegistries(job, group, false)).toBe(true);
    expect(mayReadRegistries(job, { fullPath: 'elsewhere' }, false)).toBe(false);
    expect(mayReadRegistries(job, { fullPath: 'elsewhere' }, true)).toBe(true);
  });
});

describe('whatever is hosted in a group and below it', () => {
  const group = { fullPath: 'acme/web' };
  const of = (kind: 'group' | 'project', fullPath: string) =>
    ({ ...deployToken, place: { kind, id: 3, fullPath } }) as const;

  test.each([
    ['group', 'acme', true],
    ['group', 'acme/web', true],
    ['group', 'web', false],
    ['group', 'acme/we', false],
    ['group', 'acme/web/shop', false],
    ['group', 'other', false],
    ['project', 'acme', false],
  ] as const)('is pulled with a deploy token of the %s %s: %s', (kind, path, expected) => {
    expect(mayPullGroup(of(kind, path), group, undefined)).toBe(expected);
  });

  test.each([
    [undefined, false],
    [15, false],
    [20, true],
  ])('is pulled with role %s: %s', (level, expected) => {
    expect(mayPullGroup(user(['read_registry']), group, level)).toBe(expected);
    expect(mayPullGroup(user(['read_api']), group, level)).toBe(false);
  });
});

test('a deploy token of a project whose number is that of the group does not pull through its virtual registries', () => {
  const registry = { group: { id: 9, fullPath: 'acme' }, anonymousPull: false };
  expect(mayPullVirtual({ ...deployToken, scopes: ['read_virtual_registry'] }, registry, false)).toBe(false);
});
