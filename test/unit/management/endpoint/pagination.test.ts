import { expect, test } from 'vitest';
import { pageBody, pageParams } from '../../../../src/management/endpoint/pagination.ts';

const url = new URL('https://registry.example/api/v4/things');

test('there are 20 to a page unless asked otherwise, and never more than 100', () => {
  expect(pageParams.parse({})).toEqual({ page: 1, per_page: 20 });
  expect(pageParams.parse({ page: '3', per_page: '7' })).toEqual({ page: 3, per_page: 7 });
  expect(pageParams.parse({ page: 0, per_page: 1000 })).toEqual({ page: 1, per_page: 100 });
  expect(pageParams.parse({ per_page: 0 })).toEqual({ page: 1, per_page: 20 });
});

test('over 10 000 records their number is not said', () => {
  const params = { page: 1, perPage: 100 };
  const counted = pageBody({ records: [], total: 10_000, hasMore: true }, params).headers(url);
  const uncounted = pageBody({ records: [], total: 10_001, hasMore: true }, params).headers(url);
  expect(counted).toMatchObject({ 'X-Total': '10000', 'X-Total-Pages': '100' });
  expect(counted['Link']).toContain('rel="last"');
  expect(uncounted).not.toHaveProperty('X-Total');
  expect(uncounted).not.toHaveProperty('X-Total-Pages');
  expect(uncounted['Link']).not.toContain('rel="last"');
  expect(uncounted['Link']).toContain('rel="next"');
});

test('where the number is not said, there is a next page as long as there are records after this one', () => {
  const last = pageBody({ records: [], total: 10_001, hasMore: false }, { page: 400, perPage: 100 });
  expect(last.headers(url)).toMatchObject({ 'X-Next-Page': '', 'X-Prev-Page': '399' });
  expect(last.headers(url)['Link']).not.toContain('rel="next"');
});

test('an empty list is one empty page', () => {
  expect(
    pageBody({ records: [], total: 0, hasMore: false }, { page: 1, perPage: 20 }).headers(url),
  ).toMatchObject({
    Link: `<${url}?page=1&per_page=20>; rel="first", <${url}?page=1&per_page=20>; rel="last"`,
    'X-Next-Page': '',
    'X-Prev-Page': '',
    'X-Total': '0',
    'X-Total-Pages': '1',
  });
});
