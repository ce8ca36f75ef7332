// Row kernels on CPU adapters without subgroups: one invocation a row.
const GROUP = 16u;
const LANES = 1u;

// The row of an invocation, a number that all its lanes share.
fn row_of(workgroup: u32, local: u32) -> u32 {
  return GROUP * workgroup + local;
}

fn sum_over_row(value: f32, lane: u32) -> f32 {
  return value;
}

fn max_over_row(value: f32, lane: u32) -> f32 {
  return value;
}

fn min_index_over_row(value: u32, lane: u32) -> u32 {
  return value;
}

fn sum4_over_row(value: vec4f, lane: u32) -> vec4f {
  return value;
}
