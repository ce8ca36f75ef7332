// The model of the page: its files are few and small, and come all at once instead of one after the other.

const names = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** Fetches the files of a folder beside the page. `folder` ends with a slash. */
export function fetchFiles(folder: string, signal: AbortSignal): Promise<File[]> {
  const files = names.map(async (name) => {
    const response = await fetch(`${folder}${name}`, { signal });
    if (!response.ok) throw new Error(`${name} did not come: HTTP status ${response.status}.`);
    return new File([await response.blob()], name);
  });
  return Promise.all(files);
}
