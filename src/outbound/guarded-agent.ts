/** Connections to allowed addresses only, with time-outs for each part of an answer. */
import { Agent, buildConnector } from 'undici';
import { findBlockedLiteral, guardedLookup, type Resolve } from './address-guard.ts';

const keepAliveMs = 20_000;

export interface GuardedAgentOptions {
  /** For name, connection and TLS together. */
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** How long a body may stand still. */
  readonly idleMs: number;
  readonly allowedNetworks: readonly string[];
  /** The system's resolver when undefined. */
  readonly resolve?: Resolve | undefined;
}

/** @param connections per origin; undefined: as many as are asked for */
export function createAgent(options: GuardedAgentOptions, connections?: number): Agent {
  const connect = buildConnector({
    timeout: options.connectMs,
    // One connection, one answer: with HTTP/2 the limit of connections and the idle time-out would no longer mean what they say.
    allowH2: false,
    rejectUnauthorized: true,
    lookup: guardedLookup(options.allowedNetworks, options.resolve),
  });
  return new Agent({
    connections: connections ?? null,
    pipelining: 1,
    headersTimeout: options.firstByteMs,
    bodyTimeout: options.idleMs,
    keepAliveTimeout: keepAliveMs,
    connect: (target, callback) => {
      const blocked = findBlockedLiteral(target.hostname, options.allowedNetworks);
      if (blocked) callback(blocked, null);
      else connect(target, callback);
    },
  });
}
