// Row kernels on CPU adapters with 4-lane subgroups: one subgroup a row.
const GROUP = 4u;
const LANES = 4u;

// The row of an invocation, a number that all its lanes share.
fn row_of(workgroup: u32, local: u32) -> u32 {
  return workgroup;
}

fn sum_over_row(value: f32, lane: u32) -> f32 {
  return subgroupAdd(value);
}

fn max_over_row(value: f32, lane: u32) -> f32 {
  return subgroupMax(value);
}

fn min_index_over_row(value: u32, lane: u32) -> u32 {
  return subgroupMin(value);
}

fn sum4_over_row(value: vec4f, lane: u32) -> vec4f {
  return subgroupAdd(value);
}
