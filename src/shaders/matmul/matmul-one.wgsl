// For kernels that go by fours, where rows are of any length: four neighbours of x, and of y.

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
}

// Finishes four neighbours in a row.
fn store4(batch: u32, row: u32, column: u32, sums: vec4f) {
  for (var j = 0u; j < 4u; j += 1u) {
    store(batch, row, column + j, sums[j]);
  }
}
