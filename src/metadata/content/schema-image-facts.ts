/** The table of what manifests say of images; conventions as in schema.ts. Any row may be made anew from the bytes. */
export interface ImageFactsTables {
  image_facts: ImageFactsTable;
}

interface ImageFactsTable {
  /** primary key; goes with the manifest's payload */
  digest: string;
  kind: 'image' | 'index';
  artifact_type: string | null;
  config_digest: string | null;
  config_media_type: string | null;
  config_size: number | null;
  /** see ConfigState in oci/image-facts.ts */
  config_state: 'none' | 'read' | 'missing' | 'unreadable';
  /** config and layers, each digest once; null for an index */
  total_size: number | null;
  /** when the image was made, as its config says */
  image_created_at: number | null;
  os: string | null;
  architecture: string | null;
  variant: string | null;
  /** JSON: what else the manifest says */
  manifest_details: string;
  /** JSON: what else the config says */
  config_details: string;
}
