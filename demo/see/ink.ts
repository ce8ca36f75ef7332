// Gray pictures as canvases: ink of a color on nothing, so that they lie on any paper.

import { context2d, create } from '../elements.ts';

/** A square picture of values from 0 to 1, one pixel each. `color` is a CSS color in rgb(). */
export function inkCanvas(
  picture: ArrayLike<number>,
  width: number,
  color: string,
): HTMLCanvasElement {
  const canvas = create('canvas', { width, height: picture.length / width });
  const context = context2d(canvas);
  context.fillStyle = color;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < picture.length; i++) image.data[4 * i + 3] = 255 * (picture[i] ?? 0);
  context.putImageData(image, 0, 0);
  return canvas;
}
