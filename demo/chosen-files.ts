// Files that a visitor chooses, or drops on the page, one by one or in folders.

/** Has a button open the file chooser of an input. `take` gets what is chosen. */
export function whenChosen(
  button: HTMLButtonElement,
  input: HTMLInputElement,
  take: (files: File[]) => void,
): void {
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // The same file may be chosen again.
    input.value = '';
    if (files.length > 0) take(files);
  });
}

/** `take` gets the files that are dropped on the page. Its body is of the class `over` while they are above it. */
export function whenDropped(
  take: (files: File[]) => void,
  onProblem: (error: unknown) => void,
): void {
  const mark = (isOver: boolean): void => {
    document.body.classList.toggle('over', isOver);
  };
  addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(true);
  });
  addEventListener('dragleave', (event) => mark(event.relatedTarget !== null));
  addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    filesOf(event.dataTransfer).then(take, onProblem);
  });
}

/** The files that were dropped, and those of folders that were. */
async function filesOf(dropped: DataTransfer | null): Promise<File[]> {
  // They are there until the event ends: all are asked for at once.
  const items = [...(dropped?.items ?? [])].filter(({ kind }) => kind === 'file');
  const found = items.map((item): Promise<File[]> => {
    const entry = item.webkitGetAsEntry();
    if (isFolder(entry)) return filesOfFolder(entry);
    const file = item.getAsFile();
    return Promise.resolve(file === null ? [] : [file]);
  });
  return (await Promise.all(found)).flat();
}

async function filesOfFolder(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: Promise<File>[] = [];
  for (;;) {
    // A folder is handed out in pieces; an empty one is the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (entries.length === 0) return Promise.all(files);
    for (const entry of entries) {
      if (!isFile(entry)) continue;
      files.push(new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}

// Chromium has no classes of these names.

function isFolder(entry: FileSystemEntry | null): entry is FileSystemDirectoryEntry {
  return entry?.isDirectory === true;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
