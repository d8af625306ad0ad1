/**
 * Who may be connected: so many in all, since every connection takes a file and pulls need files too, and so many of one address, so that
 * nobody takes them all. Proxies that are trusted speak for many and count as nobody in particular.
 */
import type { Socket } from 'node:net';
import { clientNetwork } from '../../auth/credentials/client-network.ts';

export interface ConnectionLimits {
  /** How many connections there may be in all. */
  readonly max: number;
  /** How many one client network may have. */
  readonly maxPerAddress: number;
  readonly isProxy: (address: string | undefined) => boolean;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Set<Socket>();
  readonly #byNetwork = new Map<string, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get max(): number {
    return this.#limits.max;
  }

  get isFull(): boolean {
    return this.#open.size >= this.max;
  }

  /** Counts the connection until it is closed. @returns why it may not stay, in a sentence for the client; undefined: it may */
  admit(socket: Socket): string | undefined {
    const { max, maxPerAddress, isProxy } = this.#limits;
    if (this.isFull) return `${max} clients are connected, and no more are taken at a time; try again`;
    const network = isProxy(socket.remoteAddress) ? undefined : clientNetwork(socket.remoteAddress);
    if (network !== undefined) {
      const count = this.#byNetwork.get(network) ?? 0;
      if (count >= maxPerAddress)
        return `${count} connections from your address are open, and no more are taken at a time; close some, or try again`;
      this.#byNetwork.set(network, count + 1);
    }
    this.#open.add(socket);
    socket.once('close', () => this.#leave(socket, network));
    return undefined;
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Those that have sent anything. */
  destroyHeard(): void {
    for (const socket of this.#open) if (socket.bytesRead > 0) socket.destroy();
  }

  #leave(socket: Socket, network: string | undefined): void {
    this.#open.delete(socket);
    if (network === undefined) return;
    const count = (this.#byNetwork.get(network) ?? 1) - 1;
    if (count === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, count);
  }
}
