// Shared by the plain matrix products: for each batch, y[r, c] = scale · Σ x[r, d] · w[c, d].
// Every axis has a stride, so the heads of an attention and both orders of W are the same kernel.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  x_batch: u32,
  x_row: u32,
  w_batch: u32,
  w_column: u32,
  w_depth: u32,
  y_batch: u32,
  y_row: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
