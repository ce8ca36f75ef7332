// Pictures of blocks, and a detector to find them, for the command line.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { png } from '../../src/cli/image/png.ts';
import { root } from './cli.ts';

/** A small YOLOS that finds birds, boats and buses, with a processor that leaves pictures as large as they are. */
export async function detectorFolder(folder: string): Promise<string> {
  const from = path.join(folder, 'yolos');
  await mkdir(from);
  for (const name of ['config.json', 'model.safetensors']) {
    const fixture = path.join(root, 'test', 'fixtures', 'variants', 'yolos_labels', name);
    await copyFile(fixture, path.join(from, name));
  }
  const processor = { image_processor_type: 'YolosImageProcessor', do_resize: false };
  await writeFile(path.join(from, 'preprocessor_config.json'), JSON.stringify(processor));
  return from;
}

export interface Drawn {
  readonly file_name: string;
  readonly width: number;
  readonly height: number;
  /** [left, upper, width, height] */
  readonly box: readonly number[];
}

/** Pictures with a bright block each on the dark, some of them upright. */
export async function drawBlocks(folder: string, count: number): Promise<Drawn[]> {
  await mkdir(folder, { recursive: true });
  const drawn: Drawn[] = [];
  for (let i = 0; i < count; i++) {
    const [width, height] = i % 3 === 0 ? ([15, 20] as const) : ([20, 15] as const);
    const box = [i % 7, (2 * i) % 6, 6 + (i % 3), 5 + (i % 4)] as const;
    const [left, upper, wide, tall] = box;
    const data = new Uint8Array(3 * width * height);
    for (let y = upper; y < upper + tall; y++) {
      data.fill(255, 3 * (width * y + left), 3 * (width * y + left + wide));
    }
    const file = `${i}.png`;
    await writeFile(path.join(folder, file), png({ data, width, height, channels: 3 }));
    drawn.push({ file_name: file, width, height, box });
  }
  return drawn;
}

/** The row of a picture in a table: its block, under each of these labels. */
export function objectRow({ file_name, box }: Drawn, labels: readonly string[]): object {
  return { file_name, objects: { bbox: labels.map(() => box), categories: labels } };
}

/** A value a line. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => JSON.stringify(row)).join('\n');
}
