/** What holds for all upstreams: how long they may take, where they may be, and to whom logins may go. */
import { z } from 'zod';
import { expectedProxy } from '../rules/proxy-url.ts';
import { bytesOrNone, count, duration, listOf, network, proxy, required, section } from './setting-values.ts';

export const upstreamSettings = section({
  proxy: z.union([z.literal('direct'), proxy()], { error: `${expectedProxy}; or direct` }),
  allowedNetworks: listOf(network()),
  tokenHosts: listOf(hostPair()),
  ambientHosts: listOf(registryHosts()),
  cloudEndpoints: listOf(hostEndpoint()),
  maxConnections: count(1, 10_000),
  connectMs: duration(),
  firstByteMs: duration(),
  probeMs: duration(),
  answerMs: duration(),
  listMs: duration(),
  queueMs: duration(),
  idleMs: duration(),
  minBytesPerSecond: bytesOrNone(),
  breakerFailures: count(1, 1_000_000),
  breakerMs: duration(),
});

/** `registry.example.com=auth.example.net` */
function hostPair() {
  return required([
    (text) => /^[^\s=/@]+=[^\s=/@]+$/.test(text),
    'expected registry host = token host, such as registry.example.com=auth.example.net',
  ]);
}

/** `registry.example.com=https://api.example.com` */
function hostEndpoint() {
  return required([
    (text) => /^[^\s=/@]+=https?:\/\//.test(text) && URL.canParse(text.slice(text.indexOf('=') + 1)),
    'expected registry host = URL, such as registry.example.com=https://ecr.example.com',
  ]);
}

/** `registry.example.com`, or `*.example.com` for all that are below it. */
function registryHosts() {
  return required([
    (text) => /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/.test(text),
    'expected a host, such as registry.example.com, or *.example.com for all below one',
  ]);
}
