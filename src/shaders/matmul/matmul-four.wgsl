// Four neighbours along the depth, from depth k: of rows of x, and of columns of W.

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
}

// Of the column that begins at `column`.
fn column4_at(column: u32, k: u32, pitch: u32) -> vec4f {
  if (TRANSPOSED) {
    return weight4_at(column + k);
  }
  let i = column + k * pitch;
  return vec4f(
    weight_at(i), weight_at(i + pitch), weight_at(i + 2u * pitch), weight_at(i + 3u * pitch));
}
