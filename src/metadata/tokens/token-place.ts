/** A group or a project: where deploy tokens and bots belong. */
export type TokenPlace =
  | { readonly groupId: number; readonly projectId?: undefined }
  | { readonly projectId: number; readonly groupId?: undefined };
