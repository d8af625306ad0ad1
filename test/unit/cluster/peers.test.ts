import { expect, onTestFinished, test } from 'vitest';
import { type Peer, Peers } from '../../../src/cluster/peers.ts';
import { silentLog } from '../../support/silent-log.ts';

const self = { id: 'self', address: '10.0.0.1:5002' };
const other = { id: 'other', address: '10.0.0.2:5002' };

function setUp(listed: { id: string; address?: string }[], tell?: (peer: Peer) => Promise<void>) {
  const told: string[] = [];
  let failure: Error | undefined;
  const peers = new Peers({
    self,
    async list() {
      if (failure) throw failure;
      return listed;
    },
    async tell(peer) {
      told.push(peer.id);
      await tell?.(peer);
    },
    log: silentLog,
  });
  onTestFinished(() => peers.close());
  return {
    peers,
    told,
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

test('a process that is alone knows of nobody', async () => {
  const { peers, told } = setUp([self]);
  expect(peers.areThere).toBe(false);
  await peers.start();
  expect([peers.areThere, peers.reachable, told]).toEqual([false, [], []]);
});

test('a process tells all others of itself before it serves, and not those without an address', async () => {
  const { peers, told } = setUp([self, other, { id: 'without' }]);
  await peers.start();
  expect([peers.areThere, peers.reachable, told]).toEqual([true, [other], ['other']]);
});

test('one that cannot be told is avoided, and keeps nobody from starting', async () => {
  const { peers } = setUp([self, other], () => Promise.reject(new Error('refused')));
  await peers.start();
  expect([peers.areThere, peers.reachable]).toEqual([true, []]);
});

test('a process that is told looks, and tells nobody', async () => {
  const listed: Peer[] = [self];
  const { peers, told } = setUp(listed);
  await peers.start();
  listed.push(other);
  expect(peers.areThere).toBe(false);
  await peers.refresh();
  expect([peers.areThere, told]).toEqual([true, []]);
});

test('those that are gone are forgotten', async () => {
  const listed: Peer[] = [self, other];
  const { peers } = setUp(listed);
  await peers.start();
  listed.pop();
  await peers.refresh();
  expect(peers.areThere).toBe(false);
});

test('what is known stays while the records are away', async () => {
  const { peers, fail } = setUp([self, other]);
  await peers.start();
  fail(new Error('the database is away'));
  await peers.refresh();
  expect(peers.areThere).toBe(true);
});
