import type { ApiCalls, ApiWorld } from './api-world.ts';

const newToken = { name: 'laptop', scopes: ['api'] };

async function ownToken(world: ApiWorld) {
  return { token: (await world.make('/user/personal_access_tokens', newToken)).token };
}

export const userCalls: ApiCalls = {
  'GET /user': () => ({}),
  'GET /users': () => ({ query: { active: true, humans: true } }),
  'POST /users': (world) => ({
    body: {
      username: world.name(),
      name: 'New',
      email: 'new@example.com',
      password: 'four words and more',
      admin: false,
    },
  }),
  'GET /users/{id}': (world) => ({ path: { id: world.userId } }),
  'PUT /users/{id}': (world) => ({ path: { id: world.userId }, body: { name: 'Dana D.', email: null } }),
  'DELETE /users/{id}': (world) => world.pathTo(world.makeUser()),
  'POST /users/{id}/block': (world) => world.pathTo(world.makeUser()),
  'POST /users/{id}/unblock': async (world) => {
    const id = await world.makeUser();
    await world.make(`/users/${id}/block`, {});
    return { path: { id } };
  },
};

export const personalTokenCalls: ApiCalls = {
  'POST /user/personal_access_tokens': () => ({ body: { ...newToken, description: 'Of mine' } }),
  'POST /users/{user_id}/personal_access_tokens': (world) => ({
    path: { user_id: world.userId },
    body: { ...newToken, expires_at: '2099-01-01' },
  }),
  'GET /personal_access_tokens': () => ({ query: { state: 'active', search: 'a' } }),
  'GET /personal_access_tokens/self': ownToken,
  'DELETE /personal_access_tokens/self': ownToken,
  'POST /personal_access_tokens/self/rotate': async (world) => ({ ...(await ownToken(world)), body: {} }),
  'GET /personal_access_tokens/{id}': (world) =>
    world.pathTo(world.make('/user/personal_access_tokens', newToken)),
  'DELETE /personal_access_tokens/{id}': (world) =>
    world.pathTo(world.make('/user/personal_access_tokens', newToken)),
  'POST /personal_access_tokens/{id}/rotate': async (world) => ({
    ...(await world.pathTo(world.make('/user/personal_access_tokens', newToken))),
    body: { expires_at: '2099-01-01' },
  }),
};
