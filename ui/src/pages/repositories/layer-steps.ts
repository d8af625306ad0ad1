/** Which command made which layer. */
export interface Layer {
  readonly digest: string;
  readonly media_type: string;
  readonly size: number;
}

export interface Step {
  readonly created_at: string | null;
  readonly created_by: string | null;
  readonly comment: string | null;
  readonly empty_layer: boolean;
}

export interface LayerStep {
  readonly step: Step | undefined;
  /** Undefined: the step made none. */
  readonly layer: Layer | undefined;
}

/** Steps with the layers that they made, oldest first; where the history does not fit the layers, each stands for itself. */
export function stepsOf(layers: readonly Layer[], history: readonly Step[]): readonly LayerStep[] {
  const making = history.filter(({ empty_layer: isEmpty }) => !isEmpty);
  if (making.length !== layers.length) return layers.map((layer) => ({ layer, step: undefined }));
  const left = [...layers];
  return history.map((step) => ({ step, layer: step.empty_layer ? undefined : left.shift() }));
}
