// What a visitor chooses, or drops on the page: pictures, or the folder of a model.

import { whenChosen, whenDropped } from '../chosen-files.ts';
import type { Gray } from '../digits/place.ts';
import { byId, context2d, create } from '../elements.ts';

interface Receiver {
  readonly onPicture: (picture: HTMLCanvasElement) => void;
  readonly onModel: (files: File[]) => void;
  readonly onProblem: (error: unknown) => void;
}

/** Longest side at which a picture is kept, in pixels. */
const largest = 1024;

export function acceptFiles({ onPicture, onModel, onProblem }: Receiver): void {
  const take = (files: File[]): void => {
    const [first] = files;
    if (files.some(({ name }) => name === 'config.json')) onModel(files);
    else if (first !== undefined) canvasOf(first).then(onPicture, onProblem);
  };
  whenChosen(byId('choose', HTMLButtonElement), byId('file', HTMLInputElement), take);
  whenDropped(take, onProblem);
}

async function canvasOf(file: File): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(file).catch((cause: unknown) => {
    throw new Error(`${file.name} is no picture that this browser can read.`, { cause });
  });
  const scale = Math.min(1, largest / Math.max(bitmap.width, bitmap.height));
  const canvas = create('canvas', {
    width: Math.ceil(bitmap.width * scale),
    height: Math.ceil(bitmap.height * scale),
  });
  const context = context2d(canvas);
  // What is transparent counts as white paper.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/** Luma of ITU-R BT.601. */
export function grayOf(canvas: HTMLCanvasElement): Gray {
  const { width, height } = canvas;
  const { data } = context2d(canvas).getImageData(0, 0, width, height);
  const gray = new Float32Array(width * height);
  for (let i = 0; i < gray.length; i++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * i, 4 * i + 3);
    gray[i] = 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return { data: gray, width, height };
}
