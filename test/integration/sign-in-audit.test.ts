import { expect, onTestFinished, test } from 'vitest';
import type { JobIdentity, UserIdentity } from '../../src/auth/rights/identity.ts';
import { AuditWriter } from '../../src/management/acting/audit-writer.ts';
import { SignInAudit } from '../../src/management/people/sign-in-audit.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import type { AuditEvent } from '../../src/metadata/server/audit-events.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const address = '192.0.2.7';
const dana: UserIdentity = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: 'all' };
const danasToken: UserIdentity = { ...dana, scopes: ['api'], tokenId: 3 };

describeEachDatabase('the audit of sign-ins', (open, { clock }) => {
  function start(database: Database): { audit: SignInAudit; writer: AuditWriter } {
    const writer = new AuditWriter({ database, log: silentLog, now: () => clock.now });
    onTestFinished(() => writer.close());
    return { audit: new SignInAudit(writer), writer };
  }

  async function events(database: Database): Promise<readonly AuditEvent[]> {
    const { records } = await database.auditEvents.list({}, { page: 1, perPage: 100 });
    return records.toReversed();
  }

  test('writes a failure at once, then once a minute how many followed', async () => {
    const database = await open();
    const { audit, writer } = start(database);
    for (let guess = 0; guess < 5; guess += 1) audit.refused('dana', 'unknown', address);
    await writer.flush();
    expect(await events(database)).toMatchObject([
      {
        action: 'user.sign_in_failed',
        actorId: undefined,
        actorName: 'dana',
        address,
        targetType: 'user',
        targetId: 'dana',
        details: { reason: 'unknown', count: 1 },
      },
    ]);
    clock.now += 59_999;
    audit.refused('dana', 'unknown', address);
    await writer.flush();
    expect(await events(database)).toHaveLength(1);
    clock.now += 1;
    await writer.flush();
    expect((await events(database)).map(({ details }) => details['count'])).toEqual([1, 5]);
    clock.now += 60_000;
    await writer.flush();
    clock.now += 60_000;
    await writer.flush();
    audit.refused('dana', 'unknown', address);
    await writer.flush();
    expect((await events(database)).map(({ details }) => details['count'])).toEqual([1, 5, 1]);
  });

  test('keeps accounts, addresses and reasons apart, but not the usernames of who is throttled', async () => {
    const database = await open();
    const { audit, writer } = start(database);
    audit.refused('dana', 'unknown', address);
    audit.refused('eve', 'unknown', address);
    audit.refused('dana', 'unknown', '192.0.2.8');
    audit.refused(undefined, 'revoked', address);
    for (let guess = 0; guess < 50; guess += 1) audit.refused(`user${guess}`, 'throttled', address);
    await writer.flush();
    const found = await events(database);
    expect(found.map(({ actorName, details }) => [actorName, details['reason']])).toEqual([
      ['dana', 'unknown'],
      ['eve', 'unknown'],
      ['dana', 'unknown'],
      ['unknown', 'revoked'],
      ['user0', 'throttled'],
    ]);
  });

  test('writes whatever is sent as a username', async () => {
    const database = await open();
    const { audit, writer } = start(database);
    audit.refused(`\u0000\n${'x'.repeat(5000)}`, 'unknown', address);
    await writer.flush();
    expect((await events(database))[0]?.targetId).toMatch(/^\ufffd\ufffdx{253}$/);
  });

  test('writes sign-ins with a password, and of a token only the first from an address', async () => {
    const database = await open();
    const first = start(database);
    first.audit.signedIn(dana, 'password', address);
    first.audit.signedIn(dana, 'password', address);
    for (let request = 0; request < 5; request += 1) {
      first.audit.signedIn(danasToken, 'access-token', address);
    }
    await first.writer.flush();
    const expected = [
      {
        action: 'user.sign_in',
        actorId: 7,
        actorName: 'dana',
        targetType: 'user',
        targetId: '7',
        details: { with: 'password', count: 1 },
      },
      {
        action: 'personal_access_token.sign_in',
        actorId: 7,
        targetType: 'personal_access_token',
        targetId: '3',
        address,
        details: { with: 'access-token' },
      },
    ];
    expect(await events(database)).toMatchObject(expected);
    const restarted = start(database);
    restarted.audit.signedIn(danasToken, 'access-token', address);
    restarted.audit.signedIn(danasToken, 'access-token', '192.0.2.8');
    await restarted.writer.flush();
    expect(await events(database)).toMatchObject([...expected, { address: '192.0.2.8', targetId: '3' }]);
  });

  test('tells owners of jobs and of pushes and denials in their projects', async () => {
    const database = await open();
    const group = await database.groups.create({
      name: 'acme',
      path: 'acme',
      fullPath: 'acme',
      visibility: 'private',
    });
    const project = await database.projects.create({
      groupId: group.id,
      name: 'shop',
      path: 'shop',
      fullPath: 'acme/shop',
      visibility: 'private',
    });
    const job: JobIdentity = {
      kind: 'job',
      jobTokenId: 9,
      trustId: undefined,
      name: 'job of acme/shop',
      userId: undefined,
      isAdmin: false,
      project: { id: project.id, fullPath: 'acme/shop' },
      accessLevel: 30,
      expiresAt: clock.now + 3_600_000,
    };
    const { audit, writer } = start(database);
    audit.signedIn(job, 'job-token', address);
    const scope = { type: 'repository', name: 'acme/shop/web' };
    audit.granted(dana, [{ ...scope, actions: ['pull', 'push'] }], address);
    audit.granted(dana, [{ ...scope, actions: ['pull'] }], address);
    const path = '/v2/acme/shop/web/manifests/v1';
    audit.denied(dana, { method: 'DELETE', repository: scope.name, path }, address);
    audit.denied(dana, { method: 'POST', repository: undefined, path: '/api/v4/groups' }, address);
    await writer.flush();
    const place = { groupPath: 'acme', projectPath: 'acme/shop' };
    expect(await events(database)).toMatchObject([
      { ...place, action: 'job_token.sign_in', targetId: '9', actorName: 'job of acme/shop' },
      {
        ...place,
        action: 'registry_token.grant',
        targetId: 'acme/shop/web',
        details: { actions: ['pull', 'push'] },
      },
      {
        ...place,
        action: 'repository.write_denied',
        targetId: 'acme/shop/web',
        details: { method: 'DELETE' },
      },
      {
        groupPath: undefined,
        action: 'api.write_denied',
        targetId: '/api/v4/groups',
        details: { method: 'POST' },
      },
    ]);
  });

  test('goes on when the database fails, and writes later what it kept', async () => {
    const database = await open();
    let isAway = true;
    const { auditEvents, projects } = database;
    const transaction: Database['transaction'] = (run) => {
      if (isAway) throw new Error('the disk is full');
      return database.transaction(run);
    };
    const writer = new AuditWriter({
      database: { auditEvents, projects, transaction },
      log: silentLog,
      now: () => clock.now,
    });
    onTestFinished(() => writer.close());
    const audit = new SignInAudit(writer);
    for (let user = 0; user < 5000; user += 1) audit.refused(`user${user}`, 'unknown', address);
    await writer.flush();
    isAway = false;
    await writer.flush();
    const { total } = await database.auditEvents.list({}, { page: 1, perPage: 1 });
    expect(total).toBe(2000);
  });

  test('writes at its end what waits for its minute', async () => {
    const database = await open();
    const { audit, writer } = start(database);
    for (let time = 0; time < 4; time += 1) audit.signedIn(dana, 'password', address);
    await writer.close();
    expect((await events(database)).map(({ details }) => details['count'])).toEqual([1, 3]);
  });
});
