/** Where and how an endpoint is told, whether a project or the configuration says so. */
export interface WebhookEndpoint {
  readonly id: number;
  /** For metrics and logs: the name in the configuration; all endpoints of projects have one. */
  readonly label: string;
  readonly url: URL;
  /** What deliveries are signed with; undefined: they are not. */
  readonly secret: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** For a whole try. */
  readonly timeoutMs: number;
  /** Before the first retry; it doubles with each. */
  readonly backoffMs: number;
  /** After the first try; then the event is given up. */
  readonly maxRetries: number;
}

export interface FindEndpoint {
  /**
   * Undefined where this process cannot tell it anything: it is turned off or gone, or the configuration here does not have it.
   * @throws Error where its secrets do not open
   */
  find(id: number): Promise<WebhookEndpoint | undefined>;
}
