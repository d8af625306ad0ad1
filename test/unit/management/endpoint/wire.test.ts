import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { dayText, instantText } from '../../../../src/management/endpoint/dates.ts';
import { truth } from '../../../../src/management/endpoint/parameters.ts';
import { readerOf, writerOf } from '../../../../src/management/endpoint/wire.ts';

const noon = Date.UTC(2026, 2, 4, 12);

describe('what comes in', () => {
  test('is called as the code calls it, in lists and objects too, but for keys that are data', () => {
    const schema = z.object({
      keep_n_days: z.int().nullish(),
      is_on: truth.default(true),
      policy_attributes: z
        .preprocess((value) => value, z.object({ name_regex: z.string().nullable() }))
        .optional(),
      custom_headers: z.array(z.object({ header_name: z.string() })),
      claims: z.record(z.string(), z.string()),
    });
    const read = readerOf(schema);
    const given = {
      keep_n_days: null,
      policy_attributes: { name_regex: null },
      custom_headers: [{ header_name: 'a_b' }],
      claims: { project_path: 'a_b' },
    };
    expect(read?.(schema.parse(given))).toEqual({
      keepNDays: null,
      isOn: true,
      policyAttributes: { nameRegex: null },
      customHeaders: [{ headerName: 'a_b' }],
      claims: { project_path: 'a_b' },
    });
    const absent = { custom_headers: [], claims: {} };
    expect(read?.(schema.parse(absent))).toStrictEqual({ isOn: true, customHeaders: [], claims: {} });
  });
});

describe('what goes out', () => {
  test('is what is declared and no more, in that order, with instants and days as texts', () => {
    const schema = z.object({
      id: z.int(),
      created_at: instantText,
      expires_at: dayText.nullable(),
      last_used_at: instantText.nullable(),
      avatar_url: z.null(),
      size: z.int().optional(),
      held_by: z.array(z.object({ tag_name: z.string().nullable() })),
      claims: z.record(z.string(), z.string()),
    });
    const record = {
      passwordSealed: 'secret',
      claims: { project_path: 'a' },
      heldBy: [{ tagName: undefined, secret: 'secret' }, { tagName: 'latest' }],
      createdAt: noon,
      expiresAt: noon,
      lastUsedAt: undefined,
      id: 1,
    };
    expect(JSON.stringify(writerOf(schema)(record))).toBe(
      '{"id":1,"created_at":"2026-03-04T12:00:00.000Z","expires_at":"2026-03-04","last_used_at":null,"avatar_url":null,' +
        '"held_by":[{"tag_name":null},{"tag_name":"latest"}],"claims":{"project_path":"a"}}',
    );
  });

  test('is of a union the object whose literals it has', () => {
    const schema = z.array(
      z.union([
        z.object({ success: z.literal(true) }),
        z.object({ success: z.literal(false), what_failed: z.string() }),
      ]),
    );
    const answers = [
      { success: true, whatFailed: 'secret' },
      { success: false, whatFailed: 'all' },
    ];
    expect(writerOf(schema)(answers)).toEqual([{ success: true }, { success: false, what_failed: 'all' }]);
  });

  test('has only kinds that there is a rule for', () => {
    expect(() => writerOf(z.object({ all: z.tuple([z.string()]) }))).toThrow('no rule');
    expect(() => writerOf(z.record(z.string(), z.object({ a: z.string() })))).toThrow('no rule');
    expect(() => writerOf(z.union([z.string(), z.null()]))).toThrow('several objects');
  });
});
