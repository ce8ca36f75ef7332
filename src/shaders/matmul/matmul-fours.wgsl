// For kernels that go by fours, where rows are multiples of 4 long: four neighbours of x, and of y.

fn x4_at(i: u32) -> vec4f {
  return x[i / 4u];
}

// Finishes four neighbours in a row.
fn store4(batch: u32, row: u32, column: u32, sums: vec4f) {
  store(batch, row, column, sums);
}
