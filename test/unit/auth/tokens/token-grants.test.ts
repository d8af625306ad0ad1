import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ScopeGrant } from '../../../../src/auth/rights/identity.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import {
  bytesOf,
  grantClaims,
  maxPlainBytes,
  writeGrants,
} from '../../../../src/auth/tokens/token-grants.ts';

/** Of the claims of one token. */
const maxBytes = 10_240;
const claimsSchema = z.object(grantClaims);
const none = { access: [], refused: [], omitted: 0 };

/** Of names in which there is nothing to make shorter. */
function scopes(kind: string, count: number): ScopeGrant[] {
  return Array.from({ length: count }, (_, index) =>
    repositoryScope(`${kind}/${hash('sha256', `${kind} ${index}`)}`, ['pull']),
  );
}

/** One grant, so that the claims have this many bytes. */
function ofBytes(bytes: number): ScopeGrant {
  const rest = bytesOf({ access: [repositoryScope('', ['pull'])] });
  return repositoryScope('x'.repeat(bytes - rest), ['pull']);
}

describe('what is short is written as it is specified', () => {
  test('nothing is said of what there is not', async () => {
    expect(await writeGrants(none, true)).toEqual({ claims: { access: [] }, access: [] });
  });

  test('grants, refusals and how many were left out', async () => {
    const [access, refused] = [scopes('granted', 2), scopes('refused', 1)];
    const { claims } = await writeGrants({ access, refused, omitted: 4 }, true);
    expect(claims).toStrictEqual({ access, refused, omitted: 4 });
  });

  test('up to the last byte, and by others at any length', async () => {
    const fitting = [ofBytes(maxPlainBytes)];
    expect((await writeGrants({ ...none, access: fitting }, true)).claims).toEqual({ access: fitting });
    const longer = [ofBytes(maxPlainBytes + 1)];
    expect((await writeGrants({ ...none, access: longer }, false)).claims).toEqual({ access: longer });
    const { claims, access } = await writeGrants({ ...none, access: longer }, true);
    expect(claims).toEqual({ access: [], refused: [], grants: expect.any(String) });
    expect(access).toEqual(longer);
    expect(bytesOf(claims)).toBeLessThan(maxPlainBytes);
    expect(claimsSchema.parse(claims).grants).toEqual([longer, []]);
  });
});

describe('of what is too long', () => {
  test('as many as fit are carried, the last ones', async () => {
    const access = scopes('granted', 200);
    const { claims, access: carried } = await writeGrants({ ...none, access }, false);
    const last = (count: number) => ({ access: access.slice(-count), omitted: access.length - count });
    expect(claims).toEqual(last(carried.length));
    expect(carried).toEqual(access.slice(-carried.length));
    expect(bytesOf(claims)).toBeLessThanOrEqual(maxBytes);
    expect(bytesOf(last(carried.length + 1))).toBeGreaterThan(maxBytes);
  });

  test('grants go before refusals, of which the last that fit are carried, too', async () => {
    const [access, refused] = [scopes('granted', 20), scopes('refused', 200)];
    const { claims } = await writeGrants({ access, refused, omitted: 0 }, false);
    const carried = claimsSchema.parse(claims).refused;
    const last = (count: number) => ({ access, refused: refused.slice(-count) });
    expect(claims).toEqual(last(carried.length));
    expect(bytesOf(claims)).toBeLessThanOrEqual(maxBytes);
    expect(bytesOf(last(carried.length + 1))).toBeGreaterThan(maxBytes);
  });

  test('what fits to the last byte is carried, and one that alone has no room is not', async () => {
    const fitting = [ofBytes(maxBytes)];
    expect((await writeGrants({ ...none, access: fitting }, false)).access).toEqual(fitting);
    const [tooLong] = [ofBytes(maxBytes + 1)];
    expect(await writeGrants({ ...none, access: [tooLong] }, false)).toEqual({
      claims: { access: [], omitted: 1 },
      access: [],
    });
    const last = [ofBytes(maxBytes - ',"omitted":1'.length)];
    expect(await writeGrants({ ...none, access: [tooLong, ...last] }, false)).toEqual({
      claims: { access: last, omitted: 1 },
      access: last,
    });
    const small = scopes('granted', 1);
    expect(await writeGrants({ ...none, access: [tooLong, ...small] }, false)).toEqual({
      claims: { access: small, omitted: 1 },
      access: small,
    });
  });
});

describe('what a token carries is read', () => {
  test('with the project of a grant, and its path as the token says it', () => {
    const grant = { ...repositoryScope('acme/shop', ['pull']), project: 9 };
    const meta = { project_path: 'acme/shop', project_id: 9 };
    expect(claimsSchema.parse({ access: [grant, { ...grant, meta }] })).toStrictEqual({
      access: [grant, { ...grant, projectPath: 'acme/shop' }],
      refused: [],
    });
  });

  test.each<[string, object]>([
    ['a type', { name: 'a', actions: [] }],
    ['a name', { type: 'repository', actions: [] }],
    ['actions', { type: 'repository', name: 'a' }],
    ['actions that are texts', { type: 'repository', name: 'a', actions: [1] }],
    ['a whole number of its project', { ...repositoryScope('a', []), project: 1.5 }],
    ['the path of its project, where it says anything of it', { ...repositoryScope('a', []), meta: {} }],
  ])('and is not what it should be without %s', (_what, grant) => {
    expect(claimsSchema.safeParse({ access: [grant] }).success).toBe(false);
    expect(claimsSchema.safeParse({ access: [], refused: [grant] }).success).toBe(false);
  });

  test('and not beyond a mebibyte, however short it was made', async () => {
    const { claims } = await writeGrants(
      { ...none, access: [repositoryScope('x'.repeat(1_048_576), ['pull'])] },
      true,
    );
    expect(() => claimsSchema.parse(claims)).toThrow(RangeError);
  });
});
