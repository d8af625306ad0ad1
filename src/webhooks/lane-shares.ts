/**
 * Which lanes may run beside those that do, so that endpoints which do not answer delay nobody else's. A lane whose try takes longer than
 * most gives up its place and waits aside; an endpoint whose last try failed, or that was not tried yet, has one lane; some places are
 * for endpoints that work; and the lanes of one project never take all of them.
 */
import { LRUCache } from 'lru-cache';
import type { DueFilter, DueLane } from '../metadata/webhooks/webhook-lanes.ts';

/** How many lanes may wait aside, for each place: each is a request, and costs little more than a socket. */
const asidePerPlace = 8;
const standingsRemembered = 1000;

type LaneOf = Pick<DueLane, 'webhookId' | 'projectId'>;

/** Lanes that are counted together. */
interface Tally {
  running: number;
  waiting: number;
}

export interface RunningLane {
  /** A try takes long, or has ended. */
  waits(isWaiting: boolean): void;
  /** Whether the endpoint answered, be it with a refusal. */
  answered(isUp: boolean): void;
  ended(): void;
}

export class LaneShares {
  readonly #places: number;
  readonly #forUnproven: number;
  readonly #perProject: number;
  readonly #perEndpoint: number;
  /** Endpoints that answered their last try. */
  readonly #working = new LRUCache<number, true>({ max: standingsRemembered });
  readonly #all: Tally = { running: 0, waiting: 0 };
  readonly #unproven: Tally = { running: 0, waiting: 0 };
  readonly #projects = new Map<number, Tally>();
  readonly #endpoints = new Map<number, Tally>();

  /** @param places lanes at a time whose endpoints answer soon */
  constructor(places: number) {
    const quarter = Math.floor(places / 4);
    this.#places = places;
    this.#forUnproven = places - quarter;
    this.#perProject = Math.ceil(places / 2);
    this.#perEndpoint = Math.max(1, quarter);
  }

  /** Undefined where none may run now. */
  get mayRun(): DueFilter | undefined {
    if (this.#taken(this.#all) >= this.#places) return undefined;
    const isFullFor = ([, tally]: readonly [number, Tally]) => !this.#hasRoom(tally);
    const isFullAt = ([id, { running }]: readonly [number, Tally]) => running >= this.#lanesOf(id);
    return {
      exceptProjects: [...this.#projects].filter(isFullFor).map(([id]) => id),
      exceptWebhooks: [...this.#endpoints].filter(isFullAt).map(([id]) => id),
      onlyWebhooks: this.#taken(this.#unproven) < this.#forUnproven ? undefined : [...this.#working.keys()],
    };
  }

  allows({ webhookId, projectId }: LaneOf): boolean {
    const project = projectId === undefined ? undefined : this.#projects.get(projectId);
    return (
      this.#taken(this.#all) < this.#places &&
      (this.#working.has(webhookId) || this.#taken(this.#unproven) < this.#forUnproven) &&
      (project === undefined || this.#hasRoom(project)) &&
      (this.#endpoints.get(webhookId)?.running ?? 0) < this.#lanesOf(webhookId)
    );
  }

  start({ webhookId, projectId }: LaneOf): RunningLane {
    const tallies = [this.#all, tallyOf(this.#endpoints, webhookId)];
    if (!this.#working.has(webhookId)) tallies.push(this.#unproven);
    if (projectId !== undefined) tallies.push(tallyOf(this.#projects, projectId));
    for (const tally of tallies) tally.running += 1;
    let wasWaiting = false;
    const waits = (isWaiting: boolean) => {
      for (const tally of tallies) tally.waiting += Number(isWaiting) - Number(wasWaiting);
      wasWaiting = isWaiting;
    };
    return {
      waits,
      answered: (isUp) => {
        if (isUp) this.#working.set(webhookId, true);
        else this.#working.delete(webhookId);
      },
      ended: () => {
        waits(false);
        for (const tally of tallies) tally.running -= 1;
        forgetIdle(this.#endpoints, webhookId);
        if (projectId !== undefined) forgetIdle(this.#projects, projectId);
      },
    };
  }

  /** A project has half of the places, aside as well. */
  #hasRoom(project: Tally): boolean {
    return this.#taken(project, asidePerPlace / 2) < this.#perProject;
  }

  /** Without those that wait aside, as far as there is room for them there. */
  #taken({ running, waiting }: Tally, perPlace = asidePerPlace): number {
    return running - Math.min(waiting, this.#places * perPlace);
  }

  #lanesOf(webhookId: number): number {
    return this.#working.has(webhookId) ? this.#perEndpoint : 1;
  }
}

function tallyOf(tallies: Map<number, Tally>, id: number): Tally {
  const tally = tallies.get(id) ?? { running: 0, waiting: 0 };
  tallies.set(id, tally);
  return tally;
}

function forgetIdle(tallies: Map<number, Tally>, id: number): void {
  if (tallies.get(id)?.running === 0) tallies.delete(id);
}
