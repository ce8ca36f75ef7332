// The pad: what the pen draws on it, or a picture that lies on it in place of strokes.

import { side } from '../digits/digits.ts';
import type { Picture, Stroke } from '../digits/place.ts';
import { context2d, create } from '../elements.ts';
import { inkCanvas } from './ink.ts';

/** Width of the pen, as a part of the pad. */
const pen = 0.07;

/** Side of a drawing that is looked at as a photograph, in pixels. */
const photographSide = 224;

/** What lies on the pad: strokes, whose points are parts of the pad; 28 × 28 values of ink; or a photograph. */
type Content =
  | { readonly strokes: { readonly x: number; readonly y: number }[][] }
  | { readonly picture: Picture }
  | { readonly photograph: HTMLCanvasElement };

export class Pad {
  readonly #canvas: HTMLCanvasElement;
  readonly #onStrokes: (strokes: readonly Stroke[]) => void;
  #content: Content = { strokes: [] };
  #pointer: number | undefined;

  /** `onStrokes` gets all strokes whenever one grows. Their points are parts of the pad, from 0 to 1. */
  constructor(canvas: HTMLCanvasElement, onStrokes: (strokes: readonly Stroke[]) => void) {
    this.#canvas = canvas;
    this.#onStrokes = onStrokes;
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    canvas.addEventListener('pointermove', (event) => this.#go(event));
    for (const name of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(name, () => {
        this.#pointer = undefined;
      });
    }
    // A finger that draws does not scroll the page.
    canvas.addEventListener('touchstart', (event) => event.preventDefault(), { passive: false });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  clear(): void {
    this.#lay({ strokes: [] });
  }

  /** Lays a digit on the pad; the next stroke takes it away. */
  showDigit(picture: Picture): void {
    this.#lay({ picture });
  }

  /** Lays a photograph on the pad; the next stroke takes it away. */
  showPhotograph(photograph: HTMLCanvasElement): void {
    this.#lay({ photograph });
  }

  /** What lies on the pad as a photograph: itself, or black ink on white paper. */
  photograph(): HTMLCanvasElement {
    if ('photograph' in this.#content) return this.#content.photograph;
    const canvas = create('canvas', { width: photographSide, height: photographSide });
    const context = context2d(canvas);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, photographSide, photographSide);
    drawContent(context, this.#content, 'rgb(0 0 0)');
    return canvas;
  }

  #lay(content: Content): void {
    this.#content = content;
    this.#pointer = undefined;
    this.#draw();
  }

  #begin(event: PointerEvent): void {
    if (this.#pointer !== undefined || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    const before = 'strokes' in this.#content ? this.#content.strokes : [];
    this.#change([...before, [this.#placeOf(event)]]);
  }

  #go(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer || !('strokes' in this.#content)) return;
    const { strokes } = this.#content;
    // Between two frames a pen has been in many places.
    const places = event.getCoalescedEvents();
    for (const one of places.length > 0 ? places : [event]) {
      strokes.at(-1)?.push(this.#placeOf(one));
    }
    this.#change(strokes);
  }

  #change(strokes: { readonly x: number; readonly y: number }[][]): void {
    this.#content = { strokes };
    this.#draw();
    this.#onStrokes(strokes);
  }

  #placeOf({ clientX, clientY }: PointerEvent): { x: number; y: number } {
    const box = this.#canvas.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  }

  #draw(): void {
    const size = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (this.#canvas.width !== size) this.#canvas.width = this.#canvas.height = size;
    const context = context2d(this.#canvas);
    context.clearRect(0, 0, size, size);
    drawContent(context, this.#content, getComputedStyle(this.#canvas).color);
  }
}

/** Draws what lies on a pad on a square canvas. `ink` is a CSS color in rgb(). */
function drawContent(context: CanvasRenderingContext2D, content: Content, ink: string): void {
  const size = context.canvas.width;
  if ('photograph' in content) {
    const { width, height } = content.photograph;
    const scale = size / Math.max(width, height);
    const [left, top] = [(size - scale * width) / 2, (size - scale * height) / 2];
    context.drawImage(content.photograph, left, top, scale * width, scale * height);
    return;
  }
  if ('picture' in content) {
    context.drawImage(inkCanvas(content.picture, side, ink), 0, 0, size, size);
    return;
  }
  context.strokeStyle = ink;
  context.lineWidth = pen * size;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of content.strokes) {
    context.beginPath();
    // A line from a place to itself is a dot.
    const [first] = stroke;
    if (first !== undefined) context.moveTo(first.x * size, first.y * size);
    for (const { x, y } of stroke) context.lineTo(x * size, y * size);
    context.stroke();
  }
}
