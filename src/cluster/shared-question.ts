/**
 * Questions of one kind, of which all processes together ask each but once at a time. Which of them asks it follows from the question, so
 * that nobody has to write down or look up anything; where that one cannot be reached, whoever wants to know asks for itself.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { askPeer, type PeerTools } from './ask-peer.ts';
import type { Peer } from './peers.ts';
import type { QuestionKind } from './question-kinds.ts';
import { outboundFailure } from './said.ts';

/** Who asks the same while the answer is on its way to the records, a moment after it came, is given it as well. */
const rememberedMs = 1000;
const maxRemembered = 1000;

export class SharedQuestion<T extends object> {
  readonly name: string;
  readonly #kind: QuestionKind<T>;
  readonly #tools: PeerTools;
  readonly #said: z.ZodType<{
    answer?: T | undefined;
    failure?: OutboundError | undefined;
    isUnknown?: boolean | undefined;
  }>;
  readonly #flights = new SingleFlight<T>();
  readonly #remembered = new LRUCache<string, T>({
    max: maxRemembered,
    ttl: rememberedMs,
    ttlAutopurge: true,
  });

  constructor(kind: QuestionKind<T>, tools: PeerTools) {
    this.name = kind.name;
    this.#kind = kind;
    this.#tools = tools;
    this.#said = z.object({
      answer: kind.said.optional(),
      failure: outboundFailure.optional(),
      isUnknown: z.boolean().optional(),
    });
  }

  /** @throws OutboundError as the upstream does, or the signal's reason */
  async ask(
    upstream: Upstream,
    repository: RepositoryName,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (!this.#tools.peers.areThere) return this.#kind.ask(upstream, repository, reference, signal ?? never);
    const key = keyOf(upstream, repository, reference);
    const peer = this.#askerOf(key);
    const said = peer && (await this.#askPeer(peer, upstream, repository, reference, signal));
    if (said?.failure) throw said.failure;
    return said?.answer ?? this.askHere(upstream, repository, reference, signal);
  }

  /** For this process or another. @throws as {@link ask} */
  askHere(
    upstream: Upstream,
    repository: RepositoryName,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const key = keyOf(upstream, repository, reference);
    const known = this.#remembered.get(key);
    if (known) return Promise.resolve(known);
    const ask = async (unwanted: AbortSignal) => {
      const answer = await this.#kind.ask(upstream, repository, reference, unwanted);
      this.#remembered.set(key, answer);
      return answer;
    };
    return this.#flights.run(key, ask, signal).outcome;
  }

  /** The answer for another process. */
  async say(
    upstream: Upstream,
    repository: RepositoryName,
    reference: string,
    signal: AbortSignal,
  ): Promise<object> {
    try {
      return { answer: this.#kind.say(await this.askHere(upstream, repository, reference, signal)) };
    } catch (error) {
      if (error instanceof OutboundError) return { failure: sayFailure(error) };
      throw error;
    }
  }

  /** The process that asks for all; undefined: this one. Rendezvous hashing: where one goes, only its questions go to others. */
  #askerOf(key: string): Peer | undefined {
    const { self, reachable } = this.#tools.peers;
    const weightOf = ({ id }: Peer) => createHash('sha256').update(`${id} ${key}`).digest('hex');
    let most = weightOf(self);
    let asker: Peer | undefined;
    for (const peer of reachable) {
      const weight = weightOf(peer);
      if (weight <= most) continue;
      most = weight;
      asker = peer;
    }
    return asker;
  }

  /** Undefined where it does not answer. */
  #askPeer(
    peer: Peer,
    { settings: { id, updatedAt } }: Upstream,
    repository: RepositoryName,
    reference: string,
    signal: AbortSignal | undefined,
  ) {
    const query = { kind: this.name, id: String(id), at: String(updatedAt), repository, reference };
    const path = `/-/questions?${new URLSearchParams(query)}`;
    return askPeer(this.#tools, peer, path, this.#said, signal);
  }
}

const never = new AbortController().signal;

function keyOf({ settings: { id, updatedAt } }: Upstream, repository: string, reference: string): string {
  return `${id} ${updatedAt} ${repository} ${reference}`;
}

function sayFailure(error: OutboundError) {
  const { kind, message, status, retryAfterMs, timedOut, busy, unreachable, refusesCredentials } = error;
  return { kind, message, status, retryAfterMs, timedOut, busy, unreachable, refusesCredentials };
}
